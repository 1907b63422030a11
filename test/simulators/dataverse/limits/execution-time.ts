import type { Operation, WebApiRequest } from '../operation.ts';

/** Measured by Microsoft: 1,000 updates one by one take 149 s, in one `UpdateMultiple` 19 s. */
const WRITE_MS = 150;
export const UPDATE_MULTIPLE_ROW_MS = 19;

/** No figure is published for reads; a small read is a fraction of a write (inferred). */
const READ_MS = 25;

/**
 * What a request costs of the execution time limit. A model, not a measurement: the simulator itself
 * answers within a millisecond.
 */
export function executionMs(operation: Operation | undefined, request: WebApiRequest): number {
  if (!operation) return 0;
  return operation.executionMs?.(request) ?? (operation.method === 'GET' ? READ_MS : WRITE_MS);
}
