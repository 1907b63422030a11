import type { Answer, LineFault } from '../entra/answer.ts';
import { DataverseError, errorAnswer } from './errors.ts';
import type { Organization } from './organization.ts';

/**
 * Ways in which the Web API fails, besides those of the line: `unauthorized` (401, the token is
 * refused), `throttled` (429), `unavailable` (503), `forbidden` (403, a privilege is missing).
 */
export type ServiceFault = 'unauthorized' | 'throttled' | 'unavailable' | 'forbidden';

/**
 * - `apply-late`: a write is taken, and applied only when it is released; meanwhile the line hangs,
 *   or is reset (`line`). Whoever asks gives up, and may write again before the first write is
 *   applied. Reads are answered as ever.
 */
export type LateFault = 'apply-late';

export interface Fault {
  readonly mode: 'none' | ServiceFault | LineFault | LateFault;
  /** What the line does with `apply-late`. */
  readonly line?: 'hang' | 'reset';
  /** Added before every answer. */
  readonly latencyMs?: number;
  /** Sent as `Retry-After` with `throttled` and `unavailable`. */
  readonly retryAfterSeconds?: number;
  /** Beginnings of the paths after `/api/data/v9.2/` that fail; absent: all. */
  readonly paths?: readonly string[];
}

/** A 429 of Dataverse always says how long to wait. */
const DEFAULT_THROTTLE_SECONDS = 5;

export const noFault: Fault = { mode: 'none' };

/** The fault that a request to this path (decoded, after the version) meets. */
export function faultFor(path: string, fault: Fault): Fault {
  if (fault.paths === undefined) return fault;
  return fault.paths.some((beginning) => path.startsWith(beginning)) ? fault : noFault;
}

/**
 * The answer to a request whose token is missing or refused: no body, and the tenant in the header
 * (authenticate-oauth.md; the words of the header are captured ones).
 */
export function unauthorizedAnswer(
  organization: Organization,
  authorizationUri: string,
  hasToken: boolean,
): Answer {
  const reason = hasToken
    ? 'error=invalid_token, error_description=Error during token validation!, '
    : '';
  return {
    status: 401,
    headers: {
      'www-authenticate':
        `Bearer ${reason}authorization_uri=${authorizationUri}, ` +
        `resource_id=${organization.url}/`,
    },
  };
}

/** The answer of a failing service, apart from `unauthorized`. */
export function serviceFaultAnswer(
  mode: Exclude<ServiceFault, 'unauthorized'>,
  fault: Fault,
  organization: Organization,
): Answer {
  switch (mode) {
    case 'throttled':
      return withRetryAfter(
        errorAnswer(
          new DataverseError(
            429,
            '0x80072322',
            'Number of requests exceeded the limit of 6000 over time window of 300 seconds.',
          ),
        ),
        fault.retryAfterSeconds ?? DEFAULT_THROTTLE_SECONDS,
      );
    case 'unavailable':
      return withRetryAfter(
        errorAnswer(new DataverseError(503, '', 'The service is temporarily unavailable.')),
        fault.retryAfterSeconds,
      );
    case 'forbidden':
      return errorAnswer(
        new DataverseError(
          403,
          '0x80040220',
          `Principal user (Id=${organization.applicationUserId}, type=8) is missing prvReadContact ` +
            "privilege on OTC=2 for entity 'contact'.",
        ),
      );
  }
}

function withRetryAfter(answer: Answer, seconds: number | undefined): Answer {
  if (seconds === undefined) return answer;
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(seconds) } };
}
