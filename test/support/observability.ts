import type { Log, LogFields } from '../../shared/observability/log.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';

export interface RecordedLine extends LogFields {
  readonly code: string;
}

/** A log that can be read back. */
export function recordLog(): { log: Log; lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  return { lines, log: ({ code }, fields = {}) => lines.push({ code, ...fields }) };
}

/** Measurements that can be read back: `WebhooksRejected{reason=too_large}`. */
export function recordMetrics(): { metrics: Measurements; recorded: string[] } {
  const recorded: string[] = [];
  const name = (metric: string, dimensions: Readonly<Record<string, string>> = {}) => {
    const parts = Object.entries(dimensions).map(([key, value]) => `${key}=${value}`);
    return parts.length > 0 ? `${metric}{${parts.join(',')}}` : metric;
  };
  return {
    recorded,
    metrics: {
      count: (metric, dimensions) => recorded.push(name(metric, dimensions)),
      add: (metric, count, dimensions) => recorded.push(`${name(metric, dimensions)} ${count}`),
      duration: (metric, ms, dimensions) => recorded.push(`${name(metric, dimensions)} ${ms}`),
      seconds: (metric, count, dimensions) => recorded.push(`${name(metric, dimensions)} ${count}`),
    },
  };
}
