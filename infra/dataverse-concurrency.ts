/**
 * Dataverse takes at most 52 requests at a time from one user ("Service protection API limits",
 * number of concurrent requests), and all functions are one user to it.
 */
export const DATAVERSE_CONCURRENT_REQUESTS = 52;

export interface DataverseShare {
  /** Most containers of the function at a time. */
  readonly containers: number;
  /** Most requests that one container has under way. */
  readonly parallelRequests: number;
}

/**
 * Who may ask Dataverse how much at a time. The one place where it is decided; what is left over
 * belongs to administrators who look at or test the connection and to other applications of the same user.
 */
export const DATAVERSE_SHARES = {
  'sync-contact': { containers: 5, parallelRequests: 4 },
  // A batch is written in one request; what that refuses as a whole, contact by contact.
  'sync-consent': { containers: 5, parallelRequests: 5 },
  // Background work: what people do now comes first.
  'reconcile-contacts': { containers: 1, parallelRequests: 1 },
} as const satisfies Record<string, DataverseShare>;

/**
 * Most requests that one status or one test has under way. They come from what is left over: a few, for
 * a second or two, when somebody looks.
 */
export const INTERACTIVE_PARALLEL_REQUESTS = 4;

/** Requests that the whole fleet can have under way. @throws Error if that reaches the limit */
export function fleetRequests(shares: Readonly<Record<string, DataverseShare>>): number {
  const total = Object.values(shares).reduce(
    (sum, { containers, parallelRequests }) => sum + containers * parallelRequests,
    0,
  );
  if (total >= DATAVERSE_CONCURRENT_REQUESTS) {
    throw new Error(
      `The functions could send ${total} requests to Dataverse at a time; it takes fewer than ` +
        `${DATAVERSE_CONCURRENT_REQUESTS}. Lower a share in infra/dataverse-concurrency.ts.`,
    );
  }
  return total;
}
