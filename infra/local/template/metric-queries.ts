import { isStatistic, type MetricName } from '../cloudwatch/metric.ts';
import { ExpressionError, parseExpression } from '../cloudwatch/metric-math.ts';
import type { Resource } from './interpret.ts';
import { onlyKnown, optionalText, record } from './properties.ts';
import { isRecord, TemplateError } from './template.ts';

/** A metric with a statistic, or an expression over others, as alarms and dashboards name them. */
export type MetricQuery = {
  readonly id: string;
  readonly label: string;
  readonly periodSeconds: number;
} & ({ readonly metric: MetricName; readonly statistic: string } | { readonly expression: string });

const QUERY_PROPERTIES = new Set(['Expression', 'Id', 'Label', 'MetricStat', 'ReturnData']);
const STAT_PROPERTIES = new Set(['Metric', 'Period', 'Stat']);
const METRIC_PROPERTIES = new Set(['Dimensions', 'MetricName', 'Namespace']);
const DIMENSION_PROPERTIES = new Set(['Name', 'Value']);

/** A minute is the finest that metrics of standard resolution have. */
const MIN_PERIOD_SECONDS = 60;

/**
 * `Metrics` of an alarm.
 *
 * @returns the queries, and the id of the one that the alarm watches.
 * @throws TemplateError for what CloudWatch would refuse, and for what is not evaluated here.
 */
export function metricQueriesOf(
  owner: Resource,
  metrics: readonly unknown[],
): { readonly queries: MetricQuery[]; readonly watched: string } {
  const entries = metrics.map((entry) => {
    const properties = record(entry);
    onlyKnown(owner, properties, QUERY_PROPERTIES, 'metric');
    const { Id: id, Expression: expression, Label: label } = properties;
    if (typeof id !== 'string') throw new TemplateError(`${owner.logicalId}: a metric has no Id`);
    return { id, expression, label: optionalText(label) ?? id, properties };
  });
  const stats = entries.flatMap(({ id, label, properties }): MetricQuery[] => {
    if (properties['MetricStat'] === undefined) return [];
    const stat = record(properties['MetricStat']);
    onlyKnown(owner, stat, STAT_PROPERTIES, 'metric');
    const metric = record(stat['Metric']);
    onlyKnown(owner, metric, METRIC_PROPERTIES, 'metric');
    const { Namespace: namespace, MetricName: name, Dimensions: dimensions } = metric;
    const named = { namespace: String(namespace), name: String(name) };
    return [
      {
        id,
        label,
        metric: { ...named, dimensions: dimensionsOf(owner, dimensions) },
        statistic: checkedStatistic(owner, stat['Stat']),
        periodSeconds: checkedPeriod(owner, stat['Period']),
      },
    ];
  });
  const periods = new Set(stats.map(({ periodSeconds }) => periodSeconds));
  const [periodSeconds = MIN_PERIOD_SECONDS] = periods;
  if (periods.size !== 1) {
    throw new TemplateError(`${owner.logicalId}: its metrics do not have one period`);
  }
  const expressions = entries.flatMap(({ id, label, expression }): MetricQuery[] =>
    typeof expression === 'string' ? [{ id, label, expression, periodSeconds }] : [],
  );
  const queries = [...stats, ...expressions];
  checkExpressions(owner, queries);
  const returned = entries.filter(({ properties }) => properties['ReturnData'] !== false);
  const [watched] = returned;
  if (watched === undefined || returned.length > 1 || queries.length !== entries.length) {
    throw new TemplateError(`${owner.logicalId}: it has to watch exactly one of its metrics`);
  }
  return { queries, watched: watched.id };
}

/** `Dimensions` of a metric: a list of names with values. */
export function dimensionsOf(owner: Resource, dimensions: unknown): Record<string, string> {
  if (dimensions === undefined) return {};
  if (!Array.isArray(dimensions) || !dimensions.every(isRecord)) {
    throw new TemplateError(`${owner.logicalId}: its dimensions are not a list`);
  }
  return Object.fromEntries(
    dimensions.map((dimension): [string, string] => {
      onlyKnown(owner, dimension, DIMENSION_PROPERTIES, 'dimension');
      return [String(dimension['Name']), String(dimension['Value'])];
    }),
  );
}

/** @throws TemplateError */
export function checkedStatistic(owner: Resource, statistic: unknown): string {
  if (typeof statistic === 'string' && isStatistic(statistic)) return statistic;
  throw new TemplateError(
    `${owner.logicalId}: the statistic ${String(statistic)} is not supported`,
  );
}

/** @throws TemplateError */
export function checkedPeriod(owner: Resource, period: unknown): number {
  if (Number.isInteger(period) && Number(period) > 0 && Number(period) % MIN_PERIOD_SECONDS === 0) {
    return Number(period);
  }
  throw new TemplateError(`${owner.logicalId}: the period ${String(period)} is not whole minutes`);
}

/**
 * Makes sure that every expression can be evaluated here and that what it names exists.
 *
 * @throws TemplateError
 */
export function checkExpressions(owner: Resource, queries: readonly MetricQuery[]): void {
  for (const query of queries) {
    if (!('expression' in query)) continue;
    const missing = idsOf(owner, query.expression).find(
      (id) => !queries.some((other) => other.id === id && other !== query),
    );
    if (missing !== undefined) {
      throw new TemplateError(
        `${owner.logicalId}: ${query.expression} names ${missing}, which is nothing`,
      );
    }
  }
}

function idsOf(owner: Resource, expression: string): readonly string[] {
  try {
    return parseExpression(expression).ids;
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new TemplateError(`${owner.logicalId}: ${error.message}`);
  }
}
