import { type Clock, wait } from '../clock.ts';
import type { AsynchronousPolicy } from '../template/definitions.ts';
import type { FunctionError, Outcome } from './execution-environment.ts';
import { ThrottledError } from './lambda-error.ts';

export interface AsynchronousRequest {
  readonly policy: AsynchronousPolicy;
  readonly clock: Clock;
  readonly invoke: (event: unknown, requestId: string) => Promise<Outcome>;
  /** Told about an event that will not be tried again. */
  readonly onDiscarded: (reason: string) => void;
}

/** Lambda's queue of events that nobody waits for. */
export interface AsynchronousInvocations {
  accept(event: unknown, requestId: string): void;
  /** Tries nothing again and resolves when the invocations under way are over. */
  stop(): Promise<void>;
}

/** Waits after the first failure and after the second. */
const FAILURE_DELAYS_MS = [60_000, 120_000];
/** Waits after a refusal: doubled each time. */
const FIRST_THROTTLE_DELAY_MS = 1000;
const MAX_THROTTLE_DELAY_MS = 300_000;

/**
 * Invokes a function for events that nobody waits for ("How Lambda handles errors and retries with
 * asynchronous invocation" of the Lambda developer guide): an event whose run fails is tried again
 * as often as the policy says, one that is throttled until it is too old. All tries have the same
 * request id. The queue is in memory: an end of the stack is the end of its events.
 */
export function asynchronousInvocations({
  policy,
  clock,
  invoke,
  onDiscarded,
}: AsynchronousRequest): AsynchronousInvocations {
  const underWay = new Set<Promise<unknown>>();
  const stopping = new AbortController();

  const deliver = async (event: unknown, requestId: string): Promise<void> => {
    const expiresAt = clock.now().getTime() + policy.maximumEventAgeSeconds * 1000;
    let failures = 0;
    let throttles = 0;
    while (!stopping.signal.aborted) {
      const result = await attempt(event, requestId);
      if (result === 'done') return;
      let delayMs: number | undefined;
      if (result === 'throttled') {
        delayMs = Math.min(FIRST_THROTTLE_DELAY_MS * 2 ** throttles, MAX_THROTTLE_DELAY_MS);
        throttles += 1;
      } else if (failures < policy.maximumRetryAttempts) {
        delayMs = FAILURE_DELAYS_MS[failures];
        failures += 1;
      }
      if (delayMs === undefined || clock.now().getTime() + delayMs > expiresAt) {
        onDiscarded(result === 'throttled' ? 'no free concurrency' : result.errorType);
        return;
      }
      await wait(clock, delayMs, stopping.signal);
    }
  };

  const attempt = async (
    event: unknown,
    requestId: string,
  ): Promise<'done' | 'throttled' | FunctionError> => {
    try {
      const outcome = await invoke(event, requestId);
      return 'error' in outcome ? outcome.error : 'done';
    } catch (error) {
      if (error instanceof ThrottledError) return 'throttled';
      throw error;
    }
  };

  return {
    accept(event, requestId) {
      const delivery = deliver(event, requestId).catch((error: unknown) =>
        onDiscarded(String(error)),
      );
      underWay.add(delivery);
      void delivery.then(() => underWay.delete(delivery));
    },
    async stop() {
      stopping.abort();
      await Promise.all(underWay);
    },
  };
}
