import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';

/**
 * What the functions measure themselves, by the names of `shared/observability/metrics.ts`. They are
 * repeated here because the CDK app imports none of the code in the bundles; a test has the functions
 * emit each of them.
 */
const NAMESPACE = 'ConsentHubDynamics';
const SERVICE = 'consenthub-dynamics';

/** Events from Dynamics to ConsentHub, and back. */
export type Direction = 'inbound' | 'outbound';

/** The promise: an accepted event is applied within this time. */
export const LATENCY_LIMIT_MS = 5_000;

export const MINUTE = Duration.minutes(1);

/** A metric of the functions. */
export function bridgeMetric(
  metricName: string,
  statistic: string,
  period: Duration,
  dimensions: Readonly<Record<string, string>> = {},
): Metric {
  return new Metric({
    namespace: NAMESPACE,
    metricName,
    dimensionsMap: { service: SERVICE, ...dimensions },
    statistic,
    period,
  });
}

/** One metric of the functions for each value of a dimension. */
export const byValue = (
  metricName: string,
  statistic: string,
  period: Duration,
  dimension: string,
  values: readonly string[],
): Metric[] =>
  values.map((value) => bridgeMetric(metricName, statistic, period, { [dimension]: value }));

/** The sum of those that have a value; a plus sign would need one of each. */
export const sumOf = (metrics: readonly IMetric[], period: Duration, label = 'sum') =>
  aggregate('SUM', metrics, period, label);

/** The highest of those that have a value. */
export const highestOf = (metrics: readonly IMetric[], period: Duration, label = 'highest') =>
  aggregate('MAX', metrics, period, label);

function aggregate(
  operation: 'SUM' | 'MAX',
  metrics: readonly IMetric[],
  period: Duration,
  label: string,
): MathExpression {
  const ids = metrics.map((_metric, index) => `${operation.toLowerCase()}${index}`);
  return new MathExpression({
    expression: `${operation}([${ids.join(', ')}])`,
    usingMetrics: Object.fromEntries(metrics.map((metric, index) => [ids[index], metric])),
    period,
    label,
  });
}
