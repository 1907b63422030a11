import { Duration } from 'aws-cdk-lib';
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmDefinition } from './constructs/alarming.ts';
import type { QueueWithDeadLetter } from './constructs/queue-with-dead-letter.ts';
import { functionAlarms } from './function-alarms.ts';
import {
  bridgeMetric,
  byValue,
  type Direction,
  LATENCY_LIMIT_MS,
  MINUTE,
  sumOf,
} from './metrics.ts';
import type { Monitored } from './monitored.ts';

const FIVE_MINUTES = Duration.minutes(5);
const QUARTER_OF_AN_HOUR = Duration.minutes(15);
const HOUR = Duration.hours(1);

/**
 * A message that waits for its patient's commit is tried for a minute, and a contact that Dataverse
 * does not show for seconds. What is older than this waits for something that does not pass by itself.
 * The status calls the connection degraded after the same time.
 */
const OLDEST_SECONDS = 300;

/** One forged or malformed request is the internet; so many in five minutes are a wrong secret. */
const REJECTED_SIGNATURES = 5;

/** One failed attempt is repeated by Dataverse; so many in five minutes are an outage of ours. */
const WEBHOOKS_NOT_TAKEN = 3;

/** Seconds of pause begun within five minutes: short ones are how throttling is meant to work. */
const PAUSED_SECONDS = 60;

/** Both sides edit the same person now and then; so many in an hour are a process that does. */
const MERGE_CONFLICTS = 5;

/** The reconciler says with every run, every five minutes, what stops it: once may be over by the next. */
const STOPPED_RUNS = 2;

/** Dataverse tries a webhook twice only, so one is lost now and then; so many in an hour have a cause. */
const MISSED_WEBHOOKS = 5;

/** A person who does not know better edits one contact; so many in an hour are an import or a workflow. */
const DRIFTED_CONTACTS = 5;

/** Of the metric `ReconcileFailures`, dimension `reason`: somebody has to mend it. Outages pass by themselves. */
export const STOPPED_REASONS = [
  'unknown_organization',
  'read_forbidden',
  'contacts_missing',
  'tracking_refused',
];
/** The same, where an organisation was restored from a backup. */
export const RESTORED_REASON = 'versions_went_back';

/** Of the metric `Pauses`, dimension `reason`. */
export const PAUSE_REASONS = ['throttled', 'server-error', 'credentials-refused'];
/** Of the metric `WebhooksRejected`, dimension `reason`: answered with 401. */
export const SIGNATURE_REASONS = [
  'signature_missing',
  'signature_malformed',
  'signature_mismatch',
  'signature_stale',
];
/** Of the same metric: answered with 503, and repeated once by Dataverse. */
export const NOT_TAKEN_REASONS = ['secret_unavailable', 'queue_unavailable'];

/** Every alarm there is. Its id is the heading of its paragraph in docs/runbook.md. */
export function alarmsOf({
  contactEvents,
  consentEvents,
  functions,
}: Monitored): AlarmDefinition[] {
  return [
    deadLetters(
      'contact-dead-letters',
      contactEvents,
      'A change of a contact in Dynamics was put aside: the patient may not show it.',
    ),
    deadLetters(
      'consent-dead-letters',
      consentEvents,
      'A change of a consent was put aside: Dynamics may show one that does not hold.',
    ),
    oldestMessage(
      'contact-events-old',
      contactEvents,
      'Changes of contacts have waited for five minutes: ConsentHub shows old names and addresses.',
    ),
    oldestMessage(
      'consent-events-old',
      consentEvents,
      'Changes of consents have waited for five minutes: marketing may reach who has revoked.',
    ),
    oldestDue(
      'contacts-overdue',
      'inbound',
      'Contacts could not be read from Dynamics for five minutes: ConsentHub shows old data.',
    ),
    oldestDue(
      'consents-overdue',
      'outbound',
      'Consents could not be written to Dynamics for five minutes: marketing may reach who has revoked.',
    ),
    latency(
      'contacts-late',
      'inbound',
      'Contacts take longer than the promised five seconds from Dynamics to ConsentHub.',
    ),
    latency(
      'consents-late',
      'outbound',
      'Consents take longer than the promised five seconds from ConsentHub to Dynamics.',
    ),
    {
      id: 'signatures-rejected',
      severity: 'ticket',
      impact:
        'Webhooks are refused for their signature: changes in Dynamics do not arrive, or somebody tries to forge some.',
      metric: sumOf(
        byValue('WebhooksRejected', Stats.SUM, FIVE_MINUTES, 'reason', SIGNATURE_REASONS),
        FIVE_MINUTES,
      ),
      threshold: REJECTED_SIGNATURES,
      datapoints: [1, 1],
      // Nobody was refused.
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'webhooks-not-taken',
      severity: 'page',
      impact: 'Changes in Dynamics are turned away and, after one more try, lost as events.',
      metric: sumOf(
        byValue('WebhooksRejected', Stats.SUM, FIVE_MINUTES, 'reason', NOT_TAKEN_REASONS),
        FIVE_MINUTES,
      ),
      threshold: WEBHOOKS_NOT_TAKEN,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'connection-paused',
      severity: 'page',
      impact:
        'Dynamics is not asked for a while because it is throttled, down or refuses us: nothing gets across.',
      metric: sumOf(
        byValue('Pauses', Stats.SUM, FIVE_MINUTES, 'reason', PAUSE_REASONS),
        FIVE_MINUTES,
      ),
      threshold: PAUSED_SECONDS,
      datapoints: [1, 1],
      // Nobody began a pause.
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'sweep-silent',
      severity: 'page',
      impact:
        'Nothing that was missed is made good: lost events, expiries and failed writes stay as they are.',
      metric: bridgeMetric('DueRung', Stats.SAMPLE_COUNT, MINUTE),
      // Each run says how often it rang, also if it did not.
      threshold: 1,
      below: true,
      datapoints: [3, 3],
      missingData: TreatMissingData.BREACHING,
    },
    {
      id: 'sealing-silent',
      severity: 'ticket',
      impact:
        'Audit rows are not sealed: who alters one now, or takes one away, leaves less proof of it.',
      // Each sealing that comes to its end says how many rows it sealed, also if there were none.
      metric: bridgeMetric('AuditRowsSealed', Stats.SAMPLE_COUNT, FIVE_MINUTES),
      threshold: 1,
      below: true,
      // A database that is down for a moment is what `sweep-silent` is for.
      datapoints: [2, 2],
      missingData: TreatMissingData.BREACHING,
    },
    {
      id: 'reconciler-silent',
      severity: 'ticket',
      impact:
        'Nobody looks for changes in Dynamics whose webhook was lost: ConsentHub may keep old data.',
      // Each run that comes to its end says how many contacts it saw, also if there were none.
      metric: bridgeMetric('ContactsListed', Stats.SAMPLE_COUNT, FIVE_MINUTES),
      threshold: 1,
      below: true,
      // One that reads everything takes a quarter of an hour.
      datapoints: [3, 3],
      missingData: TreatMissingData.BREACHING,
    },
    {
      id: 'reconciler-stopped',
      severity: 'ticket',
      impact:
        'Changes in Dynamics whose webhook was lost are not found until somebody mends something.',
      metric: sumOf(
        byValue('ReconcileFailures', Stats.SUM, QUARTER_OF_AN_HOUR, 'reason', STOPPED_REASONS),
        QUARTER_OF_AN_HOUR,
      ),
      threshold: STOPPED_RUNS,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'organization-restored',
      severity: 'page',
      impact:
        'Dynamics was restored from a backup: it may show consents that were revoked since, and old contacts.',
      metric: sumOf(
        [
          bridgeMetric('VersionRegressions', Stats.SUM, FIVE_MINUTES),
          bridgeMetric('ReconcileFailures', Stats.SUM, FIVE_MINUTES, { reason: RESTORED_REASON }),
        ],
        FIVE_MINUTES,
      ),
      threshold: 1,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'missed-webhooks',
      severity: 'ticket',
      impact:
        'Webhooks of Dynamics get lost: changes of contacts arrive minutes late instead of in seconds.',
      metric: bridgeMetric('MissedWebhooks', Stats.SUM, HOUR),
      threshold: MISSED_WEBHOOKS,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'consent-drift',
      severity: 'ticket',
      impact:
        'Somebody edits consents in Dynamics, where they do not count: until they are put right, marketing goes by them.',
      metric: bridgeMetric('ConsentDrift', Stats.SUM, HOUR),
      threshold: DRIFTED_CONTACTS,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'merge-conflicts',
      severity: 'ticket',
      impact:
        'Names, emails or phones that were changed in ConsentHub lost against other changes in Dynamics.',
      metric: bridgeMetric('MergeConflicts', Stats.SUM, HOUR),
      threshold: MERGE_CONFLICTS,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'patients-to-merge',
      severity: 'ticket',
      impact:
        'Contacts were merged in Dynamics, and their patients were not: until they are, the master shows the most restrictive consents of both.',
      metric: bridgeMetric('PatientsToMerge', Stats.MAXIMUM, FIVE_MINUTES),
      threshold: 1,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    ...functionAlarms(functions),
  ];
}

/** Visible ones, not those sent: what SQS moves itself is not counted as sent. */
const deadLetters = (
  id: string,
  { deadLetterQueue }: QueueWithDeadLetter,
  impact: string,
): AlarmDefinition => ({
  id,
  severity: 'ticket',
  impact,
  metric: deadLetterQueue.metricApproximateNumberOfMessagesVisible({
    statistic: Stats.MAXIMUM,
    period: MINUTE,
  }),
  threshold: 1,
  datapoints: [1, 1],
  // SQS stops measuring a queue in which nothing happens. An empty one is no reason to alarm, and one
  // that holds a message goes on being measured.
  missingData: TreatMissingData.NOT_BREACHING,
});

const oldestMessage = (
  id: string,
  { queue }: QueueWithDeadLetter,
  impact: string,
): AlarmDefinition => ({
  id,
  severity: 'page',
  impact,
  metric: queue.metricApproximateAgeOfOldestMessage({ statistic: Stats.MAXIMUM, period: MINUTE }),
  threshold: OLDEST_SECONDS,
  datapoints: [2, 3],
  missingData: TreatMissingData.NOT_BREACHING,
});

const oldestDue = (id: string, direction: Direction, impact: string): AlarmDefinition => ({
  id,
  severity: 'page',
  impact,
  metric: bridgeMetric('OldestDue', Stats.MAXIMUM, MINUTE, { direction }),
  threshold: OLDEST_SECONDS,
  datapoints: [2, 3],
  // Nobody has looked, and `sweep-silent` says so: what was known last is the best guess.
  missingData: TreatMissingData.IGNORE,
});

const latency = (id: string, direction: Direction, impact: string): AlarmDefinition => ({
  id,
  severity: 'page',
  impact,
  metric: bridgeMetric('SyncLatency', Stats.p(99), MINUTE, { direction }),
  threshold: LATENCY_LIMIT_MS,
  datapoints: [2, 3],
  // No event, nobody who waits.
  missingData: TreatMissingData.NOT_BREACHING,
});
