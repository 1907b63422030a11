import type { Answer } from '../../entra/answer.ts';
import { DataverseError, errorAnswer } from '../errors.ts';

/** Service protection limits of one user (api-limits.md). */
export interface ServiceLimits {
  /** Requests in the window. */
  readonly requests: number;
  /** Combined execution time in the window. */
  readonly executionMs: number;
  readonly concurrentRequests: number;
}

/** The documented defaults, of one web server: an organisation that has several allows more. */
export const defaultLimits: ServiceLimits = {
  requests: 6000,
  executionMs: 1_200_000,
  concurrentRequests: 52,
};

const WINDOW_SECONDS = 300;

/** How long is not documented for too many at once; they are over as soon as others end (inferred). */
const CONCURRENCY_RETRY_SECONDS = 1;

/** A refusal of the limits: 429 with `Retry-After`. */
export class LimitExceeded extends DataverseError {
  readonly retryAfterSeconds: number;

  constructor(code: string, message: string, retryAfterSeconds: number) {
    super(429, code, message);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** What happened within one second of the window: its requests, refused ones too, and their time. */
interface Second {
  readonly second: number;
  requests: number;
  executionMs: number;
}

export type ServiceProtection = ReturnType<typeof createServiceProtection>;

/**
 * Counts one user's requests in a sliding window of 300 s. A refused request counts as well: whoever
 * goes on regardless waits longer ("the duration will be extended").
 */
export function createServiceProtection(now: () => number) {
  let limits = defaultLimits;
  let seconds: Second[] = [];
  let concurrent = 0;

  function currentSecond(): Second {
    const second = Math.floor(now() / 1000);
    seconds = seconds.filter((one) => one.second > second - WINDOW_SECONDS);
    const last = seconds.at(-1);
    if (last?.second === second) return last;
    const next = { second, requests: 0, executionMs: 0 };
    seconds.push(next);
    return next;
  }

  function sum(measure: 'requests' | 'executionMs'): number {
    return seconds.reduce((total, one) => total + one[measure], 0);
  }

  /** Seconds until enough has left the window for the next request. */
  function secondsUntilBelow(measure: 'requests' | 'executionMs', limit: number): number {
    const current = Math.floor(now() / 1000);
    let rest = sum(measure);
    for (const one of seconds) {
      rest -= one[measure];
      if (rest < limit) return one.second + WINDOW_SECONDS - current;
    }
    return WINDOW_SECONDS;
  }

  /** Whether the window was full already before this second's `request` was counted. */
  function refusal(): LimitExceeded | undefined {
    if (concurrent > limits.concurrentRequests) {
      return new LimitExceeded(
        '0x80072326',
        `Number of concurrent requests exceeded the limit of ${limits.concurrentRequests}.`,
        CONCURRENCY_RETRY_SECONDS,
      );
    }
    if (sum('requests') > limits.requests) {
      return new LimitExceeded(
        '0x80072322',
        `Number of requests exceeded the limit of ${limits.requests} over time window of ` +
          `${WINDOW_SECONDS} seconds.`,
        secondsUntilBelow('requests', limits.requests),
      );
    }
    if (sum('executionMs') > limits.executionMs) {
      return new LimitExceeded(
        '0x80072321',
        'Combined execution time of incoming requests exceeded limit of ' +
          `${limits.executionMs.toLocaleString('en-US')} milliseconds over time window of ` +
          `${WINDOW_SECONDS} seconds. Decrease number of concurrent requests or reduce the ` +
          'duration of requests and try again later.',
        secondsUntilBelow('executionMs', limits.executionMs),
      );
    }
    return undefined;
  }

  return {
    /** A request has come; `undefined` if it may be carried out. `end()` has to follow in either case. */
    begin(executionMs: number): LimitExceeded | undefined {
      concurrent += 1;
      const current = currentSecond();
      current.requests += 1;
      const refused = refusal();
      // What is refused is not executed.
      if (!refused) current.executionMs += executionMs;
      return refused;
    },
    end(): void {
      concurrent -= 1;
    },

    /** What is left, as the answers' headers say it. */
    remaining: () => ({
      requests: Math.max(0, limits.requests - sum('requests')),
      executionSeconds: Math.max(0, limits.executionMs - sum('executionMs')) / 1000,
    }),

    /** Replaces the limits, and forgets what was counted. */
    configure(next: ServiceLimits): void {
      limits = next;
      seconds = [];
    },
  };
}

/** 429 with Dataverse's error and how long to wait. */
export function limitAnswer(exceeded: LimitExceeded): Answer {
  const answer = errorAnswer(exceeded);
  const retryAfter = { 'retry-after': String(exceeded.retryAfterSeconds) };
  return { ...answer, headers: { ...answer.headers, ...retryAfter } };
}

/** What every answer says about the window, for debugging only (api-limits.md). */
export function remainingHeaders(protection: ServiceProtection): Record<string, string> {
  const { requests, executionSeconds } = protection.remaining();
  return {
    'x-ms-ratelimit-burst-remaining-xrm-requests': String(requests),
    'x-ms-ratelimit-time-remaining-xrm-requests': executionSeconds.toLocaleString('en-US', {
      minimumFractionDigits: 2,
      maximumFractionDigits: 2,
    }),
  };
}
