import { isRecord } from '../template/template.ts';

/**
 * Which messages of a batch failed, by the contract of the Lambda developer guide, "Implementing
 * partial batch responses": a null or empty list is complete success; an entry that is not one of
 * the batch, or anything malformed, is complete failure. Pure.
 *
 * @param response what the function returned, parsed.
 * @param messageIds of the batch.
 * @returns message ids that stay in the queue.
 */
export function failedMessageIds(response: unknown, messageIds: readonly string[]): Set<string> {
  if (response === null || response === undefined) return new Set();
  if (!isRecord(response)) return new Set(messageIds);

  const failures = response['batchItemFailures'];
  if (failures === null || failures === undefined) return new Set();
  if (!Array.isArray(failures)) return new Set(messageIds);

  const failed = new Set<string>();
  for (const failure of failures) {
    const id: unknown = failure?.itemIdentifier;
    if (typeof id !== 'string' || !messageIds.includes(id)) return new Set(messageIds);
    failed.add(id);
  }
  return failed;
}
