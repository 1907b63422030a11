import {
  ConnectionPaused,
  DataverseUnavailable,
  type PauseReason,
  TokenUnavailable,
} from './errors.ts';

/** Throttled without being told for how long, which the documentation does not provide for. */
const THROTTLED_SECONDS = 5;

/** An administrator who has mended the credentials or enabled the user waits no longer than this. */
export const REFUSED_SECONDS = 60;
/** For the first refusals of the application user, which may be a passing mistake of one server. */
const FIRST_REFUSED_SECONDS = [5, 20] as const;

/**
 * So many different requests without an answer, one after another, are an outage. Different ones,
 * because a single contact can hang for ever in somebody's plug-in and must not stop the others.
 */
export const OUTAGE_FAILURES = 5;

/** Short enough for a message to be tried again within its five seconds; whoever fails then prolongs it. */
const OUTAGE_SECONDS = 2;

/** How long nobody tries after so many refusals in a row; @param refusals from 1 */
export const refusedSeconds = (refusals: number): number =>
  FIRST_REFUSED_SECONDS[refusals - 1] ?? REFUSED_SECONDS;

/**
 * Has a request that Dataverse did not answer said something about the whole connection?
 *
 * @param failing how many different requests have failed since Dataverse last answered, this included
 */
export function decidePause(
  error: unknown,
  failing: number,
): { readonly reason: PauseReason; readonly seconds: number } | undefined {
  if (!isFailure(error)) return undefined;
  const { reason, status, retryAfterSeconds } = error;
  if (reason === 'throttled') {
    return { reason, seconds: retryAfterSeconds ?? THROTTLED_SECONDS };
  }
  if (status === 503 && retryAfterSeconds !== undefined) {
    return { reason: 'server-error', seconds: retryAfterSeconds };
  }
  return failing >= OUTAGE_FAILURES
    ? { reason: 'server-error', seconds: OUTAGE_SECONDS }
    : undefined;
}

/** Dataverse was asked and did not answer. Entra ID has a pause of its own. */
export function isFailure(error: unknown): error is DataverseUnavailable {
  return (
    error instanceof DataverseUnavailable &&
    !(error instanceof ConnectionPaused) &&
    !(error instanceof TokenUnavailable)
  );
}
