import type { MetricQuery } from '../template/metric-queries.ts';
import { statisticOf } from './metric.ts';
import { parseExpression, type Series } from './metric-math.ts';
import type { MetricStore } from './metric-store.ts';

export interface Window {
  /** Where the last period ends, Unix milliseconds. */
  readonly endMs: number;
  readonly periods: number;
}

/**
 * The values of a metric or an expression, period by period, back from the end of a window. All metrics
 * of an expression have its period.
 *
 * @throws ExpressionError
 */
export function metricData(
  id: string,
  queries: readonly MetricQuery[],
  store: MetricStore,
  window: Window,
): Series {
  const query = queries.find((entry) => entry.id === id);
  if (query === undefined) throw new Error(`there is no metric ${id}`);
  const { periodSeconds } = query;
  if ('expression' in query) {
    const series = (other: string): Series => metricData(other, queries, store, window);
    return parseExpression(query.expression).evaluate({ series, periodSeconds });
  }
  const periodMs = periodSeconds * 1000;
  const values: [number, number][] = [];
  for (let back = window.periods; back > 0; back -= 1) {
    const startMs = window.endMs - back * periodMs;
    const measured = store.values(query.metric, startMs, startMs + periodMs);
    if (measured.length > 0) values.push([startMs, statisticOf(query.statistic, measured)]);
  }
  return new Map(values);
}
