import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** One namespace, few dimensions, never an id: every combination of values is billed as a metric. */
const METRICS_NAMESPACE = 'ConsentHubDynamics';

export type MetricName =
  | 'WebhooksAccepted'
  | 'WebhooksIgnored'
  | 'WebhooksRejected'
  | 'ContactEvents'
  | 'ConsentEvents'
  | 'ConsentsExpired'
  | 'DueRung'
  | 'SyncLatency'
  | 'MergeConflicts'
  | 'ConsentDrift'
  | 'MergedPatients'
  | 'VersionRegressions'
  | 'MissedWebhooks'
  | 'ContactsListed'
  | 'ContactsRefused'
  | 'ReconcileFailures'
  | 'FullReads';

export interface Measurements {
  /** Counts one, under a dimension of few values if given. */
  count(name: MetricName, dimensions?: Readonly<Record<string, string>>): void;
  /** Counts several at once. */
  add(name: MetricName, count: number): void;
  /** Milliseconds that something took. */
  duration(name: MetricName, ms: number, dimensions?: Readonly<Record<string, string>>): void;
}

/** Embedded metric format on standard output, one line a measurement, through Powertools' metrics. */
export function createMetrics(): Measurements {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE });
  const emit = (
    name: MetricName,
    unit: (typeof MetricUnit)['Count' | 'Milliseconds'],
    value: number,
    dimensions: Readonly<Record<string, string>>,
  ) => {
    const single = metrics.singleMetric();
    for (const [dimension, dimensionValue] of Object.entries(dimensions)) {
      single.addDimension(dimension, dimensionValue);
    }
    single.addMetric(name, unit, value);
  };
  return {
    count: (name, dimensions = {}) => emit(name, MetricUnit.Count, 1, dimensions),
    add: (name, count) => emit(name, MetricUnit.Count, count, {}),
    duration: (name, ms, dimensions = {}) => emit(name, MetricUnit.Milliseconds, ms, dimensions),
  };
}
