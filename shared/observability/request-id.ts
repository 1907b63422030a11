import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string | undefined>();

/**
 * What the requests to Dataverse that the work makes are called there (`x-ms-client-request-id`), so that
 * a line of Microsoft's telemetry leads to ours. An id that is no GUID is not sent.
 */
export function withRequestId<T>(id: string | undefined, work: () => T): T {
  return current.run(id, work);
}

/** The id of the work that is under way; undefined outside of any. */
export function currentRequestId(): string | undefined {
  return current.getStore();
}
