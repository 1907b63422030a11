import type { Clock } from '../clock.ts';
import type { ScheduleDefinition } from '../template/definitions.ts';
import { scheduledEvent } from './scheduled-event.ts';

export interface ScheduleRequest {
  readonly schedule: ScheduleDefinition;
  readonly clock: Clock;
  /** Hands the event to Lambda, which invokes the function asynchronously. */
  readonly invoke: (event: unknown) => void;
}

/** Invokes a function at the rate of its schedule, for the first time at once, until it is disposed of. */
export function startSchedule({ schedule, clock, invoke }: ScheduleRequest): Disposable {
  const run = (): void =>
    invoke(
      schedule.input === undefined
        ? scheduledEvent(schedule.ruleArn, clock.now())
        : JSON.parse(schedule.input),
    );
  run();
  return clock.every(schedule.everySeconds * 1000, run);
}
