import type { Usage } from './prices.ts';

const MILLION = 1_000_000;
const BYTES_PER_GB = 1e9;
const HOURS_PER_MONTH = 730;
const MINUTES_PER_MONTH = HOURS_PER_MONTH * 60;

/** As `infra/constructs/lambda-function.ts` sets it. */
const MEMORY_GB = 0.5;
/** "plus 26 bytes for each log event" (PutLogEvents, CloudWatch Logs API reference). */
const LINE_OVERHEAD_BYTES = 26;

/** What one event of a kind costs in work; how it was come by stands in docs/deploy.md. */
interface Work {
  /** Of `receive-webhook`: for the event, or for the webhook that a write of ours comes back as. */
  readonly webhookMs: number;
  /** Of the consumer, for a batch of the size that is asked for. */
  readonly consumerMs: (batch: number) => number;
  readonly logBytes: number;
  readonly logLines: number;
}

/** A line of the access log. */
const ACCESS_LOG_BYTES = 400;

/** Measured on the local stack: bytes, lines and the time of `receive-webhook`. Assumed: the consumers' times. */
export const CONTACT_EVENT: Work = {
  webhookMs: 70,
  // A read in Dataverse and three statements in Neon, for one contact or for ten.
  consumerMs: (batch) => 300 + 20 * (batch - 1),
  logBytes: 970 + ACCESS_LOG_BYTES + 1710,
  logLines: 11,
};

export const CONSENT_EVENT: Work = {
  webhookMs: 3,
  // Claim, write and settle; Dataverse takes 150 ms for one and 19 ms for each more.
  consumerMs: (batch) => 350 + 20 * (batch - 1),
  logBytes: 1630 + 850 + ACCESS_LOG_BYTES,
  logLines: 11,
};

/** An audit row and its share of the indexes. */
const AUDIT_ROW_BYTES = 1000;

/**
 * What a million events use. Pure.
 *
 * @param batch messages that an invocation of the consumer takes: 1 where events come one by one, 10 in a rush
 */
export function usageOfMillion(
  { webhookMs, consumerMs, logBytes, logLines }: Work,
  batch: number,
): Usage {
  const batches = MILLION / batch;
  const seconds = (MILLION * webhookMs + batches * consumerMs(batch)) / 1000;
  return {
    httpApi: MILLION,
    invocations: MILLION + batches,
    gbSeconds: seconds * MEMORY_GB,
    // One to send each; one to receive and one to delete each batch.
    sqs: MILLION + 2 * batches,
    logs: (MILLION * (logBytes + logLines * LINE_OVERHEAD_BYTES)) / BYTES_PER_GB,
    // A container asks for a pause once a second at most; its token it keeps for an hour.
    redis: batches,
    neonStorage: (MILLION * AUDIT_ROW_BYTES) / BYTES_PER_GB,
  };
}

const SWEEPS = MINUTES_PER_MONTH;
const RECONCILIATIONS = MINUTES_PER_MONTH / 5;
const SWEEP_MS = 200;
const RECONCILE_MS = 1000;
const SWEEP_LOG_BYTES = 1500;
const RECONCILE_LOG_BYTES = 2700;
/** Lambda asks an idle queue with five connections, each for 20 s. */
const POLLS = 2 * 5 * 3 * MINUTES_PER_MONTH;
/** Containers that are warm all month, each of which reads three secrets every five minutes. */
const WARM_CONTAINERS = 10;
const SECRET_READS = WARM_CONTAINERS * 3 * 12 * HOURS_PER_MONTH;

/** What a month uses in which nothing happens. */
export const USAGE_OF_MONTH: Usage = {
  invocations: SWEEPS + RECONCILIATIONS,
  gbSeconds: ((SWEEPS * SWEEP_MS + RECONCILIATIONS * RECONCILE_MS) / 1000) * MEMORY_GB,
  // The sweep asks both queues how long they are.
  sqs: POLLS + 2 * SWEEPS,
  logs: (SWEEPS * SWEEP_LOG_BYTES + RECONCILIATIONS * RECONCILE_LOG_BYTES) / BYTES_PER_GB,
  redis: RECONCILIATIONS,
  // Names times the values of their few dimensions.
  metrics: 50,
  alarmMetrics: 50,
  compositeAlarms: 1,
  dashboards: 1,
  secrets: 5,
  secretReads: SECRET_READS,
  keys: 3,
  // Each read of a secret decrypts it; a queue's data key is used for an hour.
  keyRequests: SECRET_READS + 2 * 5 * HOURS_PER_MONTH,
  // The smallest compute, a quarter of a unit: the sweep keeps it awake.
  neonCompute: 0.25 * HOURS_PER_MONTH,
};
