import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startSecretsManagerSimulator } from '../../test/simulators/secrets-manager/index.ts';
import { SYSTEM_CLOCK } from './clock.ts';
import { type LocalCloud, startCloud } from './cloud.ts';
import type { AlarmStatus, Transition } from './cloudwatch/alarm-board.ts';
import { startCloudWatch } from './cloudwatch/cloudwatch.ts';
import { startConsole } from './console/console.ts';
import { controlsOfMadeUpPeople } from './console/made-up-people.ts';
import { openHttpApi } from './gateway/http-api.ts';
import { type AccessGuard, accessGuard } from './iam/access-guard.ts';
import { accessPoliciesOf } from './iam/access-policies.ts';
import { keepValues } from './outside/kept-values.ts';
import { type Operators, startOperators } from './outside/identity-provider.ts';
import { askOrganization, ensureOrganization } from './outside/organization.ts';
import { allEnded } from './outside/all-ended.ts';
import { type OutsideSystems, startOutsideSystems } from './outside/outside-systems.ts';
import { type OutsideSettings, outsideSettings } from './outside/settings.ts';
import { ACCOUNT_ID, startSqs } from './queues/sqs-server.ts';
import { createSecrets } from './secrets.ts';
import { type StackDetails, writeStackFile } from './stack-file.ts';
import { LOCK_FILE, lockStack } from './stack-lock.ts';
import { synthesize } from './synthesize.ts';
import { readAssembly } from './template/assembly.ts';
import type { Deployment } from './template/definitions.ts';
import { deploymentOf } from './template/deployment.ts';
import { interpret, type Interpretation } from './template/interpret.ts';
import { TemplateError } from './template/template.ts';

export interface StackOptions {
  /** Port of the HTTP API; 0 takes a free one. */
  readonly port: number;
  /** Where everything is kept that has to survive a restart, and the logs. */
  readonly stateDirectory: string;
  /** Wipes the state first. */
  readonly fresh?: boolean;
  /** Lets the environment name systems on other machines. */
  readonly allowRemote?: boolean;
  /** False: schedules are read but do not run. */
  readonly schedules?: boolean;
  /** Stops functions between invocations, as Lambda does. */
  readonly freeze?: boolean;
  /** How webhooks show that they come from Dynamics: `signature` unless it says otherwise. */
  readonly webhookAuthentication?: 'signature' | 'header';
  /** Where outside systems are replaced by others: `process.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Cloud assembly to run; absent: the CDK app is synthesised. */
  readonly assembly?: string;
  /** Breaks off the start. */
  readonly signal?: AbortSignal;
  /** Told what is being done and what went wrong in the background, a line each. */
  readonly report?: (line: string) => void;
}

export interface Stack {
  readonly details: StackDetails;
  readonly deployment: Deployment;
  readonly cloud: LocalCloud;
  readonly guard: AccessGuard;
  readonly logDirectory: string;
  readonly schedulesRun: boolean;
  alarms(): readonly AlarmStatus[];
  /**
   * Stops receiving, lets functions finish what they hold (bounded), closes everything. Called a
   * second time with `force`, it waits for nobody.
   */
  stop(options?: { readonly force?: boolean }): Promise<void>;
}

/** The one region and the credentials of the local stack; they open nothing anywhere else. */
const CREDENTIALS = { region: 'eu-central-1', accessKeyId: 'local', secretAccessKey: 'local' };

/** Where ConsentHub's own pages are served from by its developers. */
const BROWSER_ORIGINS = 'http://localhost:3000,http://localhost:5173';

/**
 * Starts the whole system on this machine: synthesises the template, starts what it needs, runs its
 * deploy-time triggers, serves its API and its queues. Whatever fails, nothing is left running.
 *
 * @throws SettingsError, PortTakenError, StackRunningError, TemplateError, TriggerError
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { stateDirectory } = options;
  const signal = options.signal ?? new AbortController().signal;
  const report = options.report ?? (() => undefined);
  const schedulesRun = options.schedules ?? true;
  const settings = outsideSettings(options.environment, options.allowRemote ?? false);
  const forced = new AbortController();

  await using resources = new AsyncDisposableStack();
  mkdirSync(stateDirectory, { recursive: true });
  resources.use(lockStack(stateDirectory));
  if (options.fresh === true) wipe(stateDirectory);
  const stackFile = join(stateDirectory, 'stack.json');
  // One that a killed stack has left would send people to ports where nobody answers.
  rmSync(stackFile, { force: true });
  const httpApi = await openHttpApi(options.port);
  resources.defer(() => httpApi.close(0));
  const kept = keepValues(join(stateDirectory, 'credentials.json'));
  const assembly = options.assembly ?? join(stateDirectory, 'cdk.out');

  const guard = accessGuard({
    place: { region: CREDENTIALS.region, accountId: ACCOUNT_ID },
    rootAccessKeyId: CREDENTIALS.accessKeyId,
    onDenied: report,
  });

  report('Synthesising the template, starting the systems around it');
  const synthesis =
    options.assembly === undefined ? synthesize(assembly, signal) : Promise.resolve();
  const [outside, operators, sqs, secretsManager] = await allEnded([
    startOutsideSystems(settings, kept, stateDirectory, resources),
    startOperators(resources),
    startSqs(join(stateDirectory, 'queues'), guard).then((server) => {
      resources.defer(() => server.close());
      return server;
    }),
    startSecretsManagerSimulator({
      region: CREDENTIALS.region,
      accountId: ACCOUNT_ID,
      access: (call, authorization) => guard.check(call, authorization),
    }).then((server) => {
      resources.defer(() => server.close());
      return server;
    }),
    synthesis,
  ]);
  signal.throwIfAborted();

  report('Reading the template');
  let secretArns: ReadonlyMap<string, string> = new Map();
  const interpretation = interpret(
    readAssembly(assembly),
    parametersOf(outside, operators, options),
    {
      region: CREDENTIALS.region,
      accountId: ACCOUNT_ID,
      apiUrl: httpApi.url,
      sqsEndpoint: sqs.endpoint,
      secretArn: (name) => secretArns.get(name),
    },
  );
  secretArns = await createSecrets(secretsManager.url, CREDENTIALS, interpretation, outside);
  const deployment = deploymentOf(interpretation);
  guard.enforce(accessPoliciesOf(interpretation, deployment.functions));

  const cloudwatch = await startCloudWatch({
    ...deployment,
    clock: SYSTEM_CLOCK,
    measureQueues: () => sqs.measure(),
    onTransition: (transition) => {
      const line = alarmLine(transition);
      if (line !== undefined) report(line);
    },
  });
  resources.defer(() => cloudwatch.close());
  const cloud = await startCloud({
    deployment,
    httpApi,
    sqsEndpoint: sqs.endpoint,
    credentials: CREDENTIALS,
    guard,
    endpoints: {
      // Lets the functions take outside systems on loopback, which they refuse in AWS.
      LOCAL_STACK: 'true',
      AWS_ENDPOINT_URL_SQS: sqs.endpoint,
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secretsManager.url,
      ...(outside.neonEndpoint !== undefined && { NEON_ENDPOINT: outside.neonEndpoint }),
    },
    stateDirectory,
    clock: SYSTEM_CLOCK,
    schedules: schedulesRun,
    freeze: options.freeze ?? false,
    signal,
    onInvocation: (name, event) => cloudwatch.onInvocation(name, event),
    warn: report,
  });
  resources.defer(() => cloud.stop(forced.signal));

  report('Running what has to run before anything is served: migrations');
  const [organization] = await allEnded([askOrganization(outside), cloud.runTriggers()]);
  const organizationId = await ensureOrganization(
    outside.databaseUrl,
    organization,
    outside.tenantId,
  );
  signal.throwIfAborted();
  cloud.serve();
  resources.use(cloudwatch.serve(cloud.functions.map(({ log }) => log)));
  const running: StackDetails = {
    pid: process.pid,
    apiUrl: httpApi.url,
    ...CREDENTIALS,
    ...outside,
    operatorToken: operators.operatorToken,
    patientToken: operators.patientToken,
    contactQueueUrl: outputOf(interpretation, 'ContactQueueUrl'),
    contactDeadLetterQueueUrl: outputOf(interpretation, 'ContactDeadLetterQueueUrl'),
    consentQueueUrl: outputOf(interpretation, 'ConsentQueueUrl'),
    consentDeadLetterQueueUrl: outputOf(interpretation, 'ConsentDeadLetterQueueUrl'),
    sqsEndpoint: sqs.endpoint,
    secretsEndpoint: secretsManager.url,
    lambdaEndpoint: cloud.lambdaEndpoint,
    eventsEndpoint: cloud.eventsEndpoint,
    sweepRuleName: outputOf(interpretation, 'SweepRuleName'),
    reconcileRuleName: outputOf(interpretation, 'ReconcileRuleName'),
    cloudwatchUrl: cloudwatch.url,
    organizationId,
    dataverseOrganizationId: organization.id,
  };
  if (outside.dataverseControlUrl !== undefined) {
    await pointWebhook(outside.dataverseControlUrl, httpApi.url, outside.webhookSecret);
  }
  signal.throwIfAborted();
  const consoleUrl = await openConsole(running, settings, deployment, cloud, resources);
  const details: StackDetails = { ...(consoleUrl !== undefined && { consoleUrl }), ...running };
  resources.use(writeStackFile(stackFile, details));

  const owned = resources.move();
  return {
    details,
    deployment,
    cloud,
    guard,
    logDirectory: join(stateDirectory, 'logs'),
    schedulesRun,
    alarms: () => cloudwatch.alarms(),
    async stop({ force = false } = {}) {
      if (force) forced.abort();
      await owned.disposeAsync();
    },
  };
}

async function openConsole(
  details: StackDetails,
  settings: OutsideSettings,
  deployment: Deployment,
  cloud: LocalCloud,
  resources: AsyncDisposableStack,
): Promise<string | undefined> {
  const controls = controlsOfMadeUpPeople(details, settings);
  if (controls === undefined) return undefined;
  const console = await startConsole({
    details,
    ...controls,
    queues: deployment.queues,
    logs: cloud.functions.map(({ log }) => log),
    clock: SYSTEM_CLOCK,
  });
  resources.defer(() => console.close());
  return console.url;
}

/** What to tell about an alarm that goes on or is over; nothing where it has only begun to measure. */
function alarmLine({ alarm, from }: Transition): string | undefined {
  const at = alarm.since.toISOString().slice(11, 19);
  if (alarm.state === 'ALARM') return `${at}Z  Alarm ${alarm.name} is on: ${alarm.description}`;
  return from === 'ALARM' ? `${at}Z  Alarm ${alarm.name} is over` : undefined;
}

/** Values of the template's parameters: what differs between deployments and is no secret. */
function parametersOf(
  outside: OutsideSystems,
  operators: Operators,
  { webhookAuthentication = 'signature' }: StackOptions,
): Record<string, string> {
  return {
    WebhookAuthentication: webhookAuthentication,
    DynamicsOrgUrl: outside.dataverseUrl,
    DynamicsAuthorityUrl: outside.entraUrl,
    DynamicsTenantId: outside.tenantId,
    DynamicsClientId: outside.clientId,
    UpstashRedisRestUrl: outside.redisRestUrl,
    ApiTokenIssuer: operators.issuer,
    ApiTokenAudience: operators.audience,
    ApiRequiredScope: operators.scope,
    ApiAllowedOrigins: BROWSER_ORIGINS,
  };
}

/** What the template publishes about itself under this name. */
function outputOf(interpretation: Interpretation, name: string): string {
  const value = interpretation.outputs().get(name);
  if (typeof value === 'string') return value;
  throw new TemplateError(`${name}: the template has no such output`);
}

/** Registers the webhook in the simulated Dynamics, as an administrator does in the real one. */
async function pointWebhook(controlUrl: string, apiUrl: string, secret: string): Promise<void> {
  const response = await fetch(`${controlUrl}/webhook`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ url: `${apiUrl}/api/dynamics/webhook`, secret }),
  });
  if (!response.ok)
    throw new Error(`the simulated Dynamics refused the webhook: ${response.status}`);
}

function wipe(stateDirectory: string): void {
  for (const entry of readdirSync(stateDirectory)) {
    if (!entry.startsWith(LOCK_FILE)) rmSync(join(stateDirectory, entry), { recursive: true });
  }
}
