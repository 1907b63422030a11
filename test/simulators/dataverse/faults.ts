import type { Answer, LineFault } from '../entra/answer.ts';
import { type Random, seededRandom } from '../entra/random.ts';
import { DataverseError, errorAnswer } from './errors.ts';
import type { Organization } from './organization.ts';

/**
 * Ways in which the Web API fails, besides those of the line: `unauthorized` (401, the token is
 * refused), `throttled` (429), `unavailable` (503), `forbidden` (403, a privilege is missing),
 * `not-a-member` (403, the organisation has no such user any more).
 */
export type ServiceFault =
  | 'unauthorized'
  | 'throttled'
  | 'unavailable'
  | 'forbidden'
  | 'not-a-member';

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
  /** Share of those requests that fail, 0 to 1; absent: all of them. */
  readonly probability?: number;
}

/** Faults that may come to one request, tried in their order: the first one that hits is its fault. */
export interface FaultMix {
  /** Of the probabilities: the same seed and the same requests, in their order, meet the same faults. */
  readonly seed: number;
  readonly faults: readonly Fault[];
}

/** A 429 of Dataverse always says how long to wait. */
const DEFAULT_THROTTLE_SECONDS = 5;

const noFault: Fault = { mode: 'none' };

export type FaultSwitch = ReturnType<typeof createFaultSwitch>;

/** The faults that are switched on, and how often each of them was met. */
export function createFaultSwitch() {
  let mix: FaultMix = { seed: 0, faults: [] };
  let random: Random = seededRandom(mix.seed);
  const met = new Map<Fault['mode'], number>();

  return {
    set(next: FaultMix): void {
      mix = next;
      random = seededRandom(next.seed);
    },
    clear(): void {
      mix = { seed: 0, faults: [] };
    },
    current: (): FaultMix => mix,
    /** How many requests met each fault since the start. */
    met: (): Readonly<Record<string, number>> => Object.fromEntries(met),
    /** The fault that a request to this path (decoded, after the version) meets. */
    meet(path: string): Fault {
      const fault = mix.faults.find((one) => concerns(one, path) && hits(one, random)) ?? noFault;
      if (fault.mode !== 'none') met.set(fault.mode, (met.get(fault.mode) ?? 0) + 1);
      return fault;
    },
  };
}

function concerns({ paths }: Fault, path: string): boolean {
  return paths === undefined || paths.some((beginning) => path.startsWith(beginning));
}

/** What is certain costs no random number, so that it changes nothing for those that are not. */
function hits({ probability }: Fault, random: Random): boolean {
  return probability === undefined || random() < probability;
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
    case 'not-a-member':
      return errorAnswer(
        new DataverseError(403, '0x80072560', 'The user is not a member of the organization.'),
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
