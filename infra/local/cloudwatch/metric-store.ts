import { type MetricName, metricKey, type Sample } from './metric.ts';

const MINUTE_MS = 60_000;
/** The longest that an alarm or the dashboard looks back is three hours. */
const KEEP_MINUTES = 4 * 60;

/** Values of metrics by the minute, for as long as somebody may look back. */
export interface MetricStore {
  put(sample: Sample): void;
  /** Values from a minute on until before another one, in no particular order. */
  values(metric: MetricName, fromMs: number, untilMs: number): number[];
  /** Every metric that has a value. */
  metrics(): MetricName[];
}

export function createMetricStore(): MetricStore {
  const entries = new Map<string, { metric: MetricName; minutes: Map<number, number[]> }>();

  return {
    put({ metric, atMs, values }) {
      const key = metricKey(metric);
      const entry = entries.get(key) ?? { metric, minutes: new Map<number, number[]>() };
      entries.set(key, entry);
      const minute = Math.floor(atMs / MINUTE_MS);
      const known = entry.minutes.get(minute);
      if (known !== undefined) {
        known.push(...values);
        return;
      }
      entry.minutes.set(minute, [...values]);
      for (const old of entry.minutes.keys()) {
        if (old < minute - KEEP_MINUTES) entry.minutes.delete(old);
      }
    },
    values(metric, fromMs, untilMs) {
      const entry = entries.get(metricKey(metric));
      if (entry === undefined) return [];
      const values: number[] = [];
      for (let minute = Math.floor(fromMs / MINUTE_MS); minute * MINUTE_MS < untilMs; minute += 1) {
        for (const value of entry.minutes.get(minute) ?? []) values.push(value);
      }
      return values;
    },
    metrics: () => [...entries.values()].map(({ metric }) => metric),
  };
}
