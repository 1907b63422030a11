/** What a metric is called: CloudWatch takes one with other dimensions for another metric. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Values of a metric that were measured at the same moment. */
export interface Sample {
  readonly metric: MetricName;
  /** Unix milliseconds. */
  readonly atMs: number;
  readonly values: readonly number[];
}

/** One text for a metric, whatever the order of its dimensions. */
export function metricKey({ namespace, name, dimensions }: MetricName): string {
  const sorted = Object.entries(dimensions).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}

const PERCENTILE = /^p(\d{1,2}(?:\.\d+)?)$/;

const STATISTICS: Readonly<Record<string, (values: readonly number[]) => number>> = {
  SampleCount: (values) => values.length,
  Sum: sum,
  Average: (values) => sum(values) / values.length,
  Minimum: (values) => values.reduce((lowest, value) => Math.min(lowest, value), Infinity),
  Maximum: (values) => values.reduce((highest, value) => Math.max(highest, value), -Infinity),
};

/** Whether `statisticOf` knows it ("CloudWatch statistics definitions"). */
export const isStatistic = (name: string): boolean =>
  Object.hasOwn(STATISTICS, name) || PERCENTILE.test(name);

/**
 * @param values at least one.
 * @throws RangeError for a statistic that `isStatistic` does not know.
 */
export function statisticOf(name: string, values: readonly number[]): number {
  const plain = STATISTICS[name];
  if (plain !== undefined) return plain(values);
  const percent = PERCENTILE.exec(name)?.[1];
  if (percent === undefined) throw new RangeError(`${name} is no statistic`);
  const sorted = values.toSorted((left, right) => left - right);
  // Nearest rank: a value that was measured. CloudWatch interpolates for some.
  const rank = Math.ceil((Number(percent) / 100) * sorted.length);
  return sorted[Math.max(rank, 1) - 1] ?? Number.NaN;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
