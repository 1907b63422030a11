import { renameSync, rmSync, writeFileSync } from 'node:fs';

/** Where everything of a running stack is: what people and scripts find in `.local/stack.json`. */
export interface StackDetails {
  /** Of the process that runs all of it. */
  readonly pid: number;
  /** The page that shows and drives all of this; absent where Dynamics or the database is replaced. */
  readonly consoleUrl?: string;
  readonly apiUrl: string;
  readonly databaseUrl: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sqsEndpoint: string;
  readonly contactQueueUrl: string;
  readonly contactDeadLetterQueueUrl: string;
  readonly consentQueueUrl: string;
  readonly consentDeadLetterQueueUrl: string;
  readonly redisRestUrl: string;
  readonly redisRestToken: string;
  readonly secretsEndpoint: string;
  /** Lambda's API: `endpoint` of an AWS client. */
  readonly lambdaEndpoint: string;
  /** EventBridge's API: `endpoint` of an AWS client. */
  readonly eventsEndpoint: string;
  /** Of the schedules of `sweep` and `reconcile-contacts`. */
  readonly sweepRuleName: string;
  readonly reconcileRuleName: string;
  /** Alarms, metrics and the dashboard as JSON: `/alarms`, `/metrics`, `/dashboard`. */
  readonly cloudwatchUrl: string;
  readonly dataverseUrl: string;
  /** Absent when Dynamics is replaced. */
  readonly dataverseControlUrl?: string;
  readonly entraUrl: string;
  /** Absent when Dynamics is replaced. */
  readonly entraControlUrl?: string;
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly webhookSecret: string;
  /** Bearer token for the status and the test of the connection; ends with the stack, or after 12 hours. */
  readonly operatorToken: string;
  /** Of somebody who signs in at the same provider and may do neither. */
  readonly patientToken: string;
  /** ConsentHub's id of the organisation. */
  readonly organizationId: string;
  readonly dataverseOrganizationId: string;
  /** Absent when the database is Neon itself. */
  readonly neonEndpoint?: string;
  /** Where Redis and the database are made to fail. */
  readonly faultControlUrl: string;
}

/** Publishes the details in one step, readable by their owner only: they hold credentials. */
export function writeStackFile(file: string, details: StackDetails): Disposable {
  const unfinished = `${file}.new`;
  writeFileSync(unfinished, `${JSON.stringify(details, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(unfinished, file);
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) };
}
