import { Duration } from 'aws-cdk-lib';
import {
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  MathExpression,
  SingleValueWidget,
  Stats,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import {
  NOT_TAKEN_REASONS,
  PAUSE_REASONS,
  RESTORED_REASON,
  SIGNATURE_REASONS,
  STOPPED_REASONS,
} from './alarms.ts';
import type { Alarming } from './constructs/alarming.ts';
import {
  bridgeMetric,
  byValue,
  type Direction,
  LATENCY_LIMIT_MS,
  MINUTE,
  sumOf,
} from './metrics.ts';
import type { Monitored } from './monitored.ts';

/** The grid of a dashboard is 24 units wide. */
const THIRD = 8;
const QUARTER = 6;
const HEIGHT = 6;
const FULL = 24;

/** Work and cost are read in larger steps than faults. */
const COST_PERIOD = Duration.hours(1);

const CONTACT_OUTCOMES = [
  'applied',
  'unchanged',
  'superseded',
  'unlinked',
  'restored',
  'skipped',
  'unreadable',
];
const CONSENT_OUTCOMES = [
  'applied',
  'unchanged',
  'superseded',
  'deferred',
  'unlinked',
  'unwritable',
  'refused',
];
const REQUEST_OUTCOMES = ['answered', 'throttled', 'unauthorized', 'failed'];
const POISON_REASONS = [
  'malformed',
  'unknown_version',
  'unknown_type',
  'unknown_organization',
  'unknown_patient',
  'unknown_consent',
  'foreign_patient',
  'foreign_consent',
  'rejected_by_database',
];
/** Those of an import are not measured: nobody collects what a terminal measures. */
const FULL_READ_REASONS = ['no_link', 'link_expired'];
const IGNORED_REASONS = ['own_write', 'other_entity', 'other_message'];

/** Is it well? If not, where does it hurt? The first row answers the first question. */
export class BridgeDashboard extends Construct {
  constructor(scope: Construct, id: string, monitored: Monitored, alarming: Alarming) {
    super(scope, id);
    new Dashboard(this, 'dashboard', {
      dashboardName: 'consenthub-dynamics',
      defaultInterval: Duration.hours(3),
      widgets: [
        overviewRow(monitored, alarming),
        heading('From Dynamics', 'webhooks, then contacts; `contacts` in ConsentHub follow them'),
        ingestRow(),
        heading('The reconciler', 'finds what webhooks have not told'),
        reconcileRow(),
        heading('To Dynamics', 'consents that people give, revoke or let expire'),
        consentRow(),
        heading('Producers against consumers', 'does the work come faster than it is done?'),
        queueRow(monitored),
        heading('Dataverse', 'one user, 6,000 requests in 300 s, 52 at a time'),
        dataverseRow(),
        heading('Functions', 'as Lambda sees them'),
        functionRow(monitored),
        heading('Cost', 'what is paid for, by the hour'),
        costRow(monitored),
      ],
    });
  }
}

const heading = (title: string, text: string): IWidget[] => [
  new TextWidget({ markdown: `## ${title}\n${text}`, width: FULL, height: 2 }),
];

/** Alarms, and the three numbers that matter. */
function overviewRow({ contactEvents, consentEvents }: Monitored, alarming: Alarming): IWidget[] {
  return [
    new TextWidget({
      markdown:
        '# ConsentHub ↔ Dynamics 365\nSomething is red? `docs/runbook.md` has a paragraph for each alarm.',
      width: FULL,
      height: 2,
    }),
    new AlarmStatusWidget({
      title: 'Alarms',
      alarms: [alarming.page, ...alarming.alarms.map(({ alarm }) => alarm)],
      width: QUARTER,
      height: HEIGHT,
    }),
    graph(
      'How long 95 of 100 events take, in ms',
      QUARTER,
      [
        latency('inbound', 95, 'Dynamics to ConsentHub'),
        latency('outbound', 95, 'ConsentHub to Dynamics'),
      ],
      LATENCY_LIMIT_MS,
    ),
    new SingleValueWidget({
      title: 'Waiting and due; the oldest in seconds',
      width: QUARTER,
      height: HEIGHT,
      metrics: [
        ...backlog('contacts', contactEvents.queue, 'inbound'),
        ...backlog('consents', consentEvents.queue, 'outbound'),
      ],
    }),
    new SingleValueWidget({
      title: 'Dead letters',
      width: QUARTER,
      height: HEIGHT,
      metrics: [
        contactEvents.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          ...HIGHEST,
          label: 'contacts',
        }),
        consentEvents.deadLetterQueue.metricApproximateNumberOfMessagesVisible({
          ...HIGHEST,
          label: 'consents',
        }),
      ],
    }),
  ];
}

/** What waits in a queue and what is due in the rows, with how long the oldest has. */
const backlog = (what: string, queue: Queue, direction: Direction): IMetric[] => [
  queue.metricApproximateNumberOfMessagesVisible({ ...HIGHEST, label: `${what} waiting` }),
  queue.metricApproximateAgeOfOldestMessage({ ...HIGHEST, label: `${what} waiting since` }),
  labelled(bridgeMetric('DueRows', Stats.MAXIMUM, MINUTE, { direction }), `${what} due`),
  labelled(bridgeMetric('OldestDue', Stats.MAXIMUM, MINUTE, { direction }), `${what} due since`),
];

const ingestRow = (): IWidget[] => [
  graph('Webhooks taken, ignored, refused', THIRD, [
    labelled(bridgeMetric('WebhooksAccepted', Stats.SUM, MINUTE), 'taken'),
    ...byOutcome('WebhooksIgnored', 'reason', IGNORED_REASONS),
    ...byOutcome('WebhooksRejected', 'reason', [
      ...SIGNATURE_REASONS,
      ...NOT_TAKEN_REASONS,
      'too_large',
    ]),
  ]),
  graph('What became of contact events', THIRD, [
    ...byOutcome('ContactEvents', 'outcome', CONTACT_OUTCOMES),
    labelled(bridgeMetric('MergeConflicts', Stats.SUM, MINUTE), 'both sides had changed'),
  ]),
  graph('How long contacts take, in ms', THIRD, latencies('inbound'), LATENCY_LIMIT_MS),
];

const reconcileRow = (): IWidget[] => [
  graph('Contacts listed, changes found late, contacts refused', QUARTER, [
    labelled(bridgeMetric('ContactsListed', Stats.SUM, MINUTE), 'listed'),
    labelled(bridgeMetric('MissedWebhooks', Stats.SUM, MINUTE), 'their webhook never came'),
    labelled(bridgeMetric('ContactsRefused', Stats.SUM, MINUTE), 'refused by the database'),
  ]),
  graph('What else was done in Dynamics', QUARTER, [
    labelled(bridgeMetric('ConsentDrift', Stats.SUM, MINUTE), 'consents edited'),
    labelled(bridgeMetric('PatientsToMerge', Stats.MAXIMUM, MINUTE), 'patients to be merged'),
    labelled(bridgeMetric('VersionRegressions', Stats.SUM, MINUTE), 'restored from a backup'),
  ]),
  graph('What stops the reconciler', QUARTER, [
    ...byOutcome('ReconcileFailures', 'reason', [...STOPPED_REASONS, RESTORED_REASON]),
  ]),
  graph('Why all contacts are read', QUARTER, byOutcome('FullReads', 'reason', FULL_READ_REASONS)),
];

const consentRow = (): IWidget[] => [
  graph(
    'What became of consent events',
    THIRD,
    byOutcome('ConsentEvents', 'outcome', CONSENT_OUTCOMES),
  ),
  graph('The sweep: consents expired, doorbells rung, audit rows sealed', THIRD, [
    labelled(bridgeMetric('ConsentsExpired', Stats.SUM, MINUTE), 'expired'),
    labelled(bridgeMetric('DueRung', Stats.SUM, MINUTE), 'rung'),
    labelled(bridgeMetric('AuditRowsSealed', Stats.SUM, MINUTE), 'sealed'),
  ]),
  graph('How long consents take, in ms', THIRD, latencies('outbound'), LATENCY_LIMIT_MS),
];

function queueRow({ contactEvents, consentEvents }: Monitored): IWidget[] {
  const queues = [
    ['contact events', contactEvents.queue],
    ['consent events', consentEvents.queue],
  ] as const;
  return [
    ...queues.map(([what, queue]) =>
      graph(`In and out: ${what}`, QUARTER, [
        queue.metricNumberOfMessagesSent({ ...TOTAL, label: 'sent' }),
        queue.metricNumberOfMessagesDeleted({ ...TOTAL, label: 'done' }),
      ]),
    ),
    graph('Seconds until a queue is empty, at the present pace', QUARTER, queues.map(timeToDrain)),
    graph(
      'Messages put aside, by their reason',
      QUARTER,
      byOutcome('PoisonMessages', 'reason', POISON_REASONS),
    ),
  ];
}

const dataverseRow = (): IWidget[] => [
  graph(
    'Requests by how they ended',
    THIRD,
    byOutcome('DataverseRequests', 'outcome', REQUEST_OUTCOMES),
  ),
  graph('Seconds of pause begun', THIRD, byOutcome('Pauses', 'reason', PAUSE_REASONS)),
  graph('Tokens asked for, failures of Redis', THIRD, [
    labelled(bridgeMetric('TokensRequested', Stats.SUM, MINUTE), 'tokens'),
    labelled(bridgeMetric('CacheFailures', Stats.SUM, MINUTE), 'Redis failed'),
  ]),
];

function functionRow({ functions }: Monitored): IWidget[] {
  const all = Object.values(functions);
  const each = (measure: (target: (typeof all)[number]) => IMetric) => all.map(measure);
  return [
    graph(
      'Calls',
      QUARTER,
      each((target) => target.function.metricInvocations({ ...TOTAL, label: target.node.id })),
    ),
    graph(
      'Failed calls',
      QUARTER,
      each((target) => target.function.metricErrors({ ...TOTAL, label: target.node.id })),
    ),
    graph(
      'Refused calls',
      QUARTER,
      each((target) => target.function.metricThrottles({ ...TOTAL, label: target.node.id })),
    ),
    graph(
      'Longest call, in ms',
      QUARTER,
      each((target) =>
        target.function.metricDuration({
          statistic: Stats.MAXIMUM,
          period: MINUTE,
          label: target.node.id,
        }),
      ),
    ),
  ];
}

function costRow({ functions }: Monitored): IWidget[] {
  const all = Object.values(functions);
  const hourly = { statistic: Stats.SUM, period: COST_PERIOD };
  const gigabyteSeconds = all.map(
    (target, index) =>
      new MathExpression({
        // Milliseconds times megabytes; what Lambda bills is rounded up to a millisecond a call.
        expression: `spent${index} * ${target.memoryMb} / 1024 / 1000`,
        usingMetrics: { [`spent${index}`]: target.function.metricDuration(hourly) },
        period: COST_PERIOD,
        label: target.node.id,
      }),
  );
  return [
    graph('Calls of functions', THIRD, [
      sumOf(
        all.map((target) => target.function.metricInvocations(hourly)),
        COST_PERIOD,
        'calls',
      ),
    ]),
    graph('Gigabyte-seconds of functions, estimated', THIRD, [
      sumOf(gigabyteSeconds, COST_PERIOD, 'GB-seconds'),
    ]),
    graph('Requests to Dataverse', THIRD, [
      sumOf(
        byValue('DataverseRequests', Stats.SUM, COST_PERIOD, 'outcome', REQUEST_OUTCOMES),
        COST_PERIOD,
        'requests',
      ),
    ]),
  ];
}

const TOTAL = { statistic: Stats.SUM, period: MINUTE };
const HIGHEST = { statistic: Stats.MAXIMUM, period: MINUTE };

/** No value while more comes than goes: it would never be empty. */
const timeToDrain = ([label, queue]: readonly [string, Queue], index: number): MathExpression => {
  const [waiting, sent, done] = [`waiting${index}`, `sent${index}`, `done${index}`];
  return new MathExpression({
    expression: `IF(${done} > ${sent}, ${waiting} * PERIOD(${waiting}) / (${done} - ${sent}))`,
    usingMetrics: {
      [waiting]: queue.metricApproximateNumberOfMessagesVisible({
        statistic: Stats.MAXIMUM,
        period: MINUTE,
      }),
      [sent]: queue.metricNumberOfMessagesSent(TOTAL),
      [done]: queue.metricNumberOfMessagesDeleted(TOTAL),
    },
    period: MINUTE,
    label,
  });
};

const latency = (direction: Direction, percent: number, label = `p${percent}`): IMetric =>
  labelled(bridgeMetric('SyncLatency', Stats.p(percent), MINUTE, { direction }), label);

const latencies = (direction: Direction): IMetric[] =>
  [50, 95, 99].map((percent) => latency(direction, percent));

const byOutcome = (metricName: string, dimension: string, values: readonly string[]): IMetric[] =>
  byValue(metricName, Stats.SUM, MINUTE, dimension, values).map((metric, index) =>
    labelled(metric, values[index] ?? ''),
  );

const labelled = (metric: ReturnType<typeof bridgeMetric>, label: string): IMetric =>
  metric.with({ label });

function graph(title: string, width: number, left: IMetric[], limit?: number): GraphWidget {
  return new GraphWidget({
    title,
    width,
    height: HEIGHT,
    left,
    leftYAxis: { min: 0, showUnits: false },
    ...(limit !== undefined && { leftAnnotations: [{ value: limit, label: `${limit} ms` }] }),
  });
}
