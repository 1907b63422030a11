import {
  ConnectionPaused,
  DataverseUnauthorized,
  DataverseUnavailable,
  type PauseReason,
  TokenUnavailable,
} from './errors.ts';

/** Throttled without being told for how long, which the documentation does not provide for. */
const THROTTLED_SECONDS = 5;

/** An administrator who has mended the credentials or enabled the user waits no longer than this. */
export const REFUSED_SECONDS = 60;
/** For the first refusals of a fresh token, which may be a passing mistake of one server. */
const FIRST_REFUSED_SECONDS = [5, 20] as const;

/**
 * So many different requests without an answer, one after another, are an outage. Different ones,
 * because a single contact can hang for ever in somebody's plug-in and must not stop the others.
 */
export const OUTAGE_FAILURES = 5;

/** Short enough for a message to be tried again within its five seconds; whoever fails then prolongs it. */
const OUTAGE_SECONDS = 2;

/**
 * Has a failed request said something about the whole connection?
 *
 * @param since what has happened since Dataverse last answered, this included: how many different
 *   requests have failed, and how often a fresh token was refused
 */
export function decidePause(
  error: unknown,
  { failing, refusals }: { readonly failing: number; readonly refusals: number },
): { readonly reason: PauseReason; readonly seconds: number } | undefined {
  if (error instanceof DataverseUnauthorized) {
    const seconds = FIRST_REFUSED_SECONDS[refusals - 1] ?? REFUSED_SECONDS;
    return { reason: 'credentials-refused', seconds };
  }
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
