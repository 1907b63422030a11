import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/** One namespace, few dimensions, never an id: every combination of values is billed as a metric. */
const METRICS_NAMESPACE = 'ConsentHubDynamics';
/**
 * Powertools puts a dimension `service` on everything. It is the whole bridge and not the function:
 * what is measured in several functions is one metric, and an alarm names it without a sum over them.
 */
const METRICS_SERVICE = 'consenthub-dynamics';

export type MetricName =
  | 'WebhooksAccepted'
  | 'WebhooksIgnored'
  | 'WebhooksRejected'
  | 'ContactEvents'
  | 'ConsentEvents'
  | 'PoisonMessages'
  | 'ConsentsExpired'
  | 'DueRung'
  | 'DueRows'
  | 'OldestDue'
  | 'PatientsToMerge'
  | 'AuditRowsSealed'
  | 'SyncLatency'
  | 'MergeConflicts'
  | 'ConsentDrift'
  | 'VersionRegressions'
  | 'MissedWebhooks'
  | 'ContactsListed'
  | 'ContactsRefused'
  | 'ReconcileFailures'
  | 'FullReads'
  | 'DataverseRequests'
  | 'Pauses'
  | 'TokensRequested'
  | 'CacheFailures';

type Dimensions = Readonly<Record<string, string>>;

export interface Measurements {
  /** Counts one, under a dimension of few values if given. */
  count(name: MetricName, dimensions?: Dimensions): void;
  /** Counts several at once; none is worth saying too, so that silence means that nobody measured. */
  add(name: MetricName, count: number, dimensions?: Dimensions): void;
  /** Milliseconds that something took. */
  duration(name: MetricName, ms: number, dimensions?: Dimensions): void;
  /** Seconds that something lasts. */
  seconds(name: MetricName, seconds: number, dimensions?: Dimensions): void;
}

/** Embedded metric format on standard output, one line a measurement, through Powertools' metrics. */
export function createMetrics(): Measurements {
  const metrics = new Metrics({ namespace: METRICS_NAMESPACE, serviceName: METRICS_SERVICE });
  const emit = (
    name: MetricName,
    unit: (typeof MetricUnit)['Count' | 'Milliseconds' | 'Seconds'],
    value: number,
    dimensions: Dimensions = {},
  ) => {
    const single = metrics.singleMetric();
    for (const [dimension, dimensionValue] of Object.entries(dimensions)) {
      single.addDimension(dimension, dimensionValue);
    }
    single.addMetric(name, unit, value);
  };
  return {
    count: (name, dimensions) => emit(name, MetricUnit.Count, 1, dimensions),
    add: (name, count, dimensions) => emit(name, MetricUnit.Count, count, dimensions),
    duration: (name, ms, dimensions) => emit(name, MetricUnit.Milliseconds, ms, dimensions),
    seconds: (name, seconds, dimensions) => emit(name, MetricUnit.Seconds, seconds, dimensions),
  };
}
