import type { AlarmStatus } from './cloudwatch/alarm-board.ts';
import type { ConsentJourney } from './demonstration/consent.ts';
import type { Journey } from './demonstration/contacts.ts';
import type { Latency } from './latencies.ts';
import type { Stack } from './stack.ts';

/** What runs where, as a table for the terminal. */
export function overview(stack: Stack, stackFile: string): string {
  const { details, deployment } = stack;
  const rows: [string, string][] = [
    ...(details.consoleUrl === undefined
      ? []
      : [['Console: open it in a browser', details.consoleUrl] satisfies [string, string]]),
    ['HTTP API', details.apiUrl],
    ...(deployment.httpApi?.routes ?? []).map((route): [string, string] => [
      `  ${route.routeKey}`,
      titleOf(stack, route.functionName),
    ]),
    ['Queues (SQS)', details.sqsEndpoint],
    ...deployment.queues.map((queue): [string, string] => [
      `  ${queue.name}`,
      deployment.mappings
        .filter((mapping) => mapping.queueArn === queue.arn)
        .map((mapping) => titleOf(stack, mapping.functionName))
        .join(', '),
    ]),
    ...(deployment.schedules.length === 0
      ? []
      : [['Schedules', stack.schedulesRun ? '' : 'do not run'] satisfies [string, string]]),
    ...deployment.schedules.map((schedule): [string, string] => [
      `  ${schedule.expression}`,
      titleOf(stack, schedule.functionName),
    ]),
    ['Functions (Lambda)', details.lambdaEndpoint],
    ['Secrets Manager', details.secretsEndpoint],
    ['Database (PostgreSQL)', withoutPassword(details.databaseUrl)],
    ['Neon over HTTP', details.neonEndpoint ?? 'Neon itself'],
    ['Redis (Upstash)', details.redisRestUrl],
    ['Dynamics (Dataverse)', details.dataverseUrl],
    ...(details.dataverseControlUrl === undefined
      ? []
      : [['  act as its user', details.dataverseControlUrl] satisfies [string, string]]),
    ['Entra ID', details.entraUrl],
    ...(details.entraControlUrl === undefined
      ? []
      : [['  act as its administrator', details.entraControlUrl] satisfies [string, string]]),
    ['Switches for faults', details.faultControlUrl],
    ['Alarms and metrics', stack.details.cloudwatchUrl],
    ['Logs', stack.logDirectory],
    ['All of this, for scripts', stackFile],
  ];
  const uncalled = deployment.functions.filter((entry) => !isCalled(stack, entry.name));
  const warnings = uncalled.map((entry) => `Nothing calls ${entry.title}.`);
  return [...table(rows), ...warnings].join('\n');
}

/** The demonstration contacts and what became of them. */
export function journeys(list: readonly Journey[]): string {
  const rows = list.map(({ contactId, webhookStatus, patientId, latencyMs }) => [
    contactId,
    webhookStatus === undefined ? 'not delivered' : String(webhookStatus),
    patientId ?? 'none: see the logs',
    `${latencyMs} ms`,
  ]);
  return table([['contact', 'webhook', 'patient', 'latency'], ...rows]).join('\n');
}

/** The demonstration's consent, as its contact in Dynamics shows it. */
export function consentJourney(journey: ConsentJourney): string {
  const { contactId, marketingEmail, consentStatus, latencyMs } = journey;
  return table([
    ['contact', 'ch_marketing_email', 'ch_consent_status', 'latency'],
    [
      contactId,
      marketingEmail === undefined ? 'not in time: see the logs' : String(marketingEmail),
      String(consentStatus),
      `${latencyMs} ms`,
    ],
  ]).join('\n');
}

/** The alarms that have gone on in this run; undefined if none has. */
export function alarmTable(list: readonly AlarmStatus[]): string | undefined {
  const rows = list
    .filter(({ alarms }) => alarms > 0)
    .map(({ name, state, alarms, since }) => [name, state, String(alarms), since.toISOString()]);
  if (rows.length === 0) return undefined;
  return table([['alarm', 'state', 'went on', 'since'], ...rows]).join('\n');
}

/** How long events took in this run, by direction. */
export function latencyTable(list: readonly Latency[]): string {
  const rows = list.map(({ direction, count, p50Ms, p95Ms, p99Ms }) => [
    direction,
    String(count),
    ...[p50Ms, p95Ms, p99Ms].map((ms) => `${ms} ms`),
  ]);
  return table([['direction', 'events', 'p50', 'p95', 'p99'], ...rows]).join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}

function titleOf({ deployment }: Stack, functionName: string): string {
  return deployment.functions.find((entry) => entry.name === functionName)?.title ?? functionName;
}

function isCalled({ deployment }: Stack, functionName: string): boolean {
  const callers = [
    ...(deployment.httpApi?.routes ?? []),
    ...deployment.mappings,
    ...deployment.schedules,
    ...deployment.triggers,
  ];
  return callers.some((caller) => caller.functionName === functionName);
}

function withoutPassword(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  if (url === null) return '';
  url.password = '';
  return url.href;
}
