import { vi } from 'vitest';
import {
  type AlarmStatus,
  createAlarmBoard,
  type Transition,
} from '../../../infra/local/cloudwatch/alarm-board.ts';
import { samplesIn } from '../../../infra/local/cloudwatch/embedded-metrics.ts';
import type { MetricName } from '../../../infra/local/cloudwatch/metric.ts';
import { createMetricStore } from '../../../infra/local/cloudwatch/metric-store.ts';
import { lambdaSamples, queueSamples } from '../../../infra/local/cloudwatch/service-metrics.ts';
import type { FunctionEvent } from '../../../infra/local/lambda/function.ts';
import type { QueueMeasurement } from '../../../infra/local/queues/queue-measurement.ts';
import type { readMonitoring } from './monitoring.ts';

const MINUTE_MS = 60_000;
const STARTED_AT = Date.UTC(2026, 10, 22, 10);

/** From now on the time only passes when `minute` says so, for everything but timers. */
export function stopTime(): void {
  vi.useFakeTimers({ now: STARTED_AT, toFake: ['Date', 'performance'] });
}

/** CloudWatch of the local stack, fed with what functions, queues and the runner tell it. */
export function createWorld(
  monitoring: Pick<ReturnType<typeof readMonitoring>, 'alarms' | 'compositeAlarms'>,
  measureQueues: () => readonly QueueMeasurement[],
) {
  const store = createMetricStore();
  const board = createAlarmBoard({ ...monitoring, store, startedAt: new Date() });

  return {
    /** Lets things happen for a minute, then looks at the alarms. */
    async minute(work: () => Promise<unknown>): Promise<Transition[]> {
      const endMs = (Math.floor(Date.now() / MINUTE_MS) + 1) * MINUTE_MS;
      for (const line of await written(work)) {
        for (const sample of samplesIn(line)) store.put(sample);
      }
      vi.advanceTimersByTime(Math.max(0, endMs - 1 - Date.now()));
      for (const measured of measureQueues()) {
        for (const sample of queueSamples(measured, Date.now())) store.put(sample);
      }
      vi.advanceTimersByTime(1);
      return board.evaluate(new Date());
    },
    onInvocation(functionName: string, event: FunctionEvent): void {
      for (const sample of lambdaSamples(functionName, event, Date.now())) store.put(sample);
    },
    status(arn: string): AlarmStatus {
      const found = board.statuses().find((status) => status.arn === arn);
      if (found === undefined) throw new Error(`there is no alarm ${arn}`);
      return found;
    },
    metrics: (): MetricName[] => store.metrics(),
  };
}

export type World = ReturnType<typeof createWorld>;

/** The lines that functions write to their log, where Lambda would find them. */
async function written(work: () => Promise<unknown>): Promise<string[]> {
  const chunks: string[] = [];
  const output = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    chunks.push(String(chunk));
    return true;
  });
  try {
    await work();
  } finally {
    output.mockRestore();
  }
  return chunks.join('').split('\n');
}
