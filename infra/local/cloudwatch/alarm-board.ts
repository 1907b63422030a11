import type { AlarmDefinition, CompositeAlarmDefinition } from '../template/alarms.ts';
import { type AlarmState, evaluateAlarm, evaluationRange } from './evaluate-alarm.ts';
import { metricData } from './metric-data.ts';
import type { MetricStore } from './metric-store.ts';

const MINUTE_MS = 60_000;

/** An alarm as it is now. */
export interface AlarmStatus {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly state: AlarmState;
  /** Since when. */
  readonly since: Date;
  /** How often it has gone on. */
  readonly alarms: number;
}

export interface Transition {
  readonly alarm: AlarmStatus;
  readonly from: AlarmState;
  /** Topics that would hear of it. */
  readonly notified: readonly string[];
}

/** The alarms of the template and their states. */
export interface AlarmBoard {
  /** Evaluates them over the whole minutes that are over; returns those that have changed. */
  evaluate(now: Date): Transition[];
  statuses(): AlarmStatus[];
}

export interface AlarmBoardOptions {
  readonly alarms: readonly AlarmDefinition[];
  readonly compositeAlarms: readonly CompositeAlarmDefinition[];
  readonly store: MetricStore;
  readonly startedAt: Date;
}

export function createAlarmBoard(options: AlarmBoardOptions): AlarmBoard {
  const { alarms, compositeAlarms, store, startedAt } = options;
  const statuses = new Map<string, AlarmStatus>(
    [...alarms, ...compositeAlarms].map(({ name, arn, description }) => [
      arn,
      { name, arn, description, state: 'INSUFFICIENT_DATA', since: startedAt, alarms: 0 },
    ]),
  );
  const stateOf = (arn: string): AlarmState => statuses.get(arn)?.state ?? 'INSUFFICIENT_DATA';

  const move = (
    { arn, alarmActions, okActions }: AlarmDefinition | CompositeAlarmDefinition,
    state: AlarmState,
    since: Date,
  ): Transition[] => {
    const before = statuses.get(arn);
    if (before === undefined || before.state === state) return [];
    const on = state === 'ALARM';
    const alarm = { ...before, state, since, alarms: before.alarms + (on ? 1 : 0) };
    statuses.set(arn, alarm);
    return [{ alarm, from: before.state, notified: on ? alarmActions : okActions }];
  };

  return {
    evaluate(now) {
      const endMs = Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
      const moved = alarms.flatMap((alarm) => {
        const values = recentValues(alarm, store, endMs);
        return move(alarm, evaluateAlarm(alarm, values, stateOf(alarm.arn)), now);
      });
      const composites = compositeAlarms.flatMap((composite) => {
        const on = composite.anyOf.some((arn) => stateOf(arn) === 'ALARM');
        return move(composite, on ? 'ALARM' : 'OK', now);
      });
      return [...moved, ...composites];
    },
    statuses: () => [...statuses.values()],
  };
}

/** The values of the evaluation range, the most recent first. */
function recentValues(
  alarm: AlarmDefinition,
  store: MetricStore,
  endMs: number,
): (number | undefined)[] {
  const periods = evaluationRange(alarm);
  const series = metricData(alarm.watched, alarm.queries, store, { endMs, periods });
  return Array.from({ length: periods }, (_, index) =>
    series.get(endMs - (index + 1) * alarm.periodSeconds * 1000),
  );
}
