import type { Outcome } from '../lambda/execution-environment.ts';
import type { ScheduleDefinition } from '../template/definitions.ts';
import { scheduledEvent } from './scheduled-event.ts';

/** What schedules go by. */
export interface Clock {
  now(): Date;
  /** Calls back after each interval until it is disposed of. */
  every(intervalMs: number, callback: () => void): Disposable;
}

export const SYSTEM_CLOCK: Clock = {
  now: () => new Date(),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
};

export interface ScheduleRequest {
  readonly schedule: ScheduleDefinition;
  /** Reserved concurrency of the function, if it has one. */
  readonly reservedConcurrency: number | undefined;
  readonly clock: Clock;
  invoke(event: unknown): Promise<Outcome>;
}

export interface Schedule {
  /** Invokes no more and resolves when the runs under way are over. */
  stop(): Promise<void>;
}

/**
 * Invokes a function at the rate of its schedule, for the first time at once. A run whose turn comes
 * while the function's reserved concurrency is used up by earlier ones is left out, and a failed one
 * is not repeated: its log says why, and the next one comes.
 */
export function startSchedule(request: ScheduleRequest): Schedule {
  const { schedule, clock } = request;
  const limit = request.reservedConcurrency ?? Number.POSITIVE_INFINITY;
  const underWay = new Set<Promise<unknown>>();

  const run = (): void => {
    if (underWay.size >= limit) return;
    const event =
      schedule.input === undefined
        ? scheduledEvent(schedule.ruleArn, clock.now())
        : JSON.parse(schedule.input);
    const invocation = request.invoke(event);
    underWay.add(invocation);
    const forget = (): boolean => underWay.delete(invocation);
    invocation.then(forget, forget);
  };
  run();
  const interval = clock.every(schedule.everySeconds * 1000, run);

  return {
    async stop() {
      interval[Symbol.dispose]();
      await Promise.allSettled(underWay);
    },
  };
}
