import type { Clock } from '../clock.ts';
import type { FunctionLog } from '../lambda/function-log.ts';
import type { FunctionEvent } from '../lambda/function.ts';
import type { QueueMeasurement } from '../queues/queue-measurement.ts';
import type { AlarmDefinition, CompositeAlarmDefinition } from '../template/alarms.ts';
import type { DashboardDefinition } from '../template/dashboards.ts';
import { type AlarmStatus, createAlarmBoard, type Transition } from './alarm-board.ts';
import { startCloudWatchApi } from './cloudwatch-api.ts';
import { samplesIn } from './embedded-metrics.ts';
import { createMetricStore } from './metric-store.ts';
import { lambdaSamples, queueSamples } from './service-metrics.ts';

export interface CloudWatchRequest {
  readonly alarms: readonly AlarmDefinition[];
  readonly compositeAlarms: readonly CompositeAlarmDefinition[];
  readonly dashboards: readonly DashboardDefinition[];
  readonly clock: Clock;
  measureQueues(): readonly QueueMeasurement[];
  onTransition(transition: Transition): void;
}

/** CloudWatch's part of the local stack: metrics, alarms and the dashboard. */
export interface CloudWatch {
  /** Origin of what scripts and a console read. */
  readonly url: string;
  /** Takes in what Lambda measures. */
  onInvocation(functionName: string, event: FunctionEvent): void;
  /**
   * Collects metrics, also from these logs, and evaluates the alarms once a minute, until it is disposed
   * of: before the logs are closed.
   */
  serve(logs: readonly FunctionLog[]): Disposable;
  alarms(): readonly AlarmStatus[];
  close(): Promise<void>;
}

/** Often enough that a peak between two minutes is seen. */
const COLLECT_MS = 15_000;
const MINUTE_MS = 60_000;
const CLOSE_GRACE_MS = 1000;

export async function startCloudWatch(request: CloudWatchRequest): Promise<CloudWatch> {
  const { clock, dashboards } = request;
  const store = createMetricStore();
  const board = createAlarmBoard({ ...request, store, startedAt: clock.now() });
  const followed: { readonly log: FunctionLog; position: number }[] = [];
  let evaluatedMinute = Math.floor(clock.now().getTime() / MINUTE_MS);

  const collect = (): void => {
    const nowMs = clock.now().getTime();
    for (const follower of followed) {
      const text = follower.log.since(follower.position);
      // The last line may still be being written.
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      follower.position += Buffer.byteLength(complete);
      for (const line of complete.split('\n')) {
        for (const sample of samplesIn(line)) store.put(sample);
      }
    }
    for (const measured of request.measureQueues()) {
      for (const sample of queueSamples(measured, nowMs)) store.put(sample);
    }
  };
  const tick = (): void => {
    collect();
    const minute = Math.floor(clock.now().getTime() / MINUTE_MS);
    if (minute === evaluatedMinute) return;
    evaluatedMinute = minute;
    for (const transition of board.evaluate(clock.now())) request.onTransition(transition);
  };
  const api = await startCloudWatchApi({ board, store, dashboards, collect, clock });

  return {
    url: api.url,
    onInvocation(functionName, event) {
      for (const sample of lambdaSamples(functionName, event, clock.now().getTime())) {
        store.put(sample);
      }
    },
    serve(logs) {
      followed.push(...logs.map((log) => ({ log, position: 0 })));
      const timer = clock.every(COLLECT_MS, tick);
      return {
        [Symbol.dispose]: () => {
          timer[Symbol.dispose]();
          followed.length = 0;
        },
      };
    },
    alarms: () => board.statuses(),
    close: () => api.close(CLOSE_GRACE_MS),
  };
}
