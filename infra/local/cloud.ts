import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from './clock.ts';
import type { SQSClient } from '@aws-sdk/client-sqs';
import type { HttpApi } from './gateway/http-api.ts';
import type { AccessGuard } from './iam/access-guard.ts';
import type { FunctionError, Outcome } from './lambda/execution-environment.ts';
import {
  type AsynchronousInvocations,
  asynchronousInvocations,
} from './lambda/asynchronous-invocations.ts';
import {
  type FunctionEvent,
  type InvokeOptions,
  localFunction,
  type LocalFunction,
} from './lambda/function.ts';
import { startLambdaApi } from './lambda/lambda-api.ts';
import { startOrphanThaw } from './lambda/orphan-thaw.ts';
import { prepareBootstrap } from './lambda/prepare-bootstrap.ts';
import { type EventSource, startEventSource } from './queues/event-source.ts';
import { manageMapping } from './queues/managed-mapping.ts';
import { ACCOUNT_ID, createQueues, type LocalCredentials, sqsClient } from './queues/sqs-server.ts';
import { startEventsApi } from './schedules/events-api.ts';
import { manageRule, type ManagedRule } from './schedules/managed-rule.ts';
import { startSchedule } from './schedules/schedule.ts';
import type {
  Deployment,
  FunctionDefinition,
  MappingDefinition,
  ScheduleDefinition,
} from './template/definitions.ts';
import { TemplateError } from './template/template.ts';

export interface CloudRequest {
  readonly deployment: Deployment;
  readonly httpApi: HttpApi;
  readonly sqsEndpoint: string;
  /** Of the account itself. */
  readonly credentials: LocalCredentials;
  readonly guard: AccessGuard;
  /** Variables of the functions that stand for what AWS or the network would give them. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly stateDirectory: string;
  readonly clock: Clock;
  /** Whether what the clock runs runs by itself. */
  readonly schedules: boolean;
  /** Whether functions are stopped between invocations, as Lambda does. */
  readonly freeze: boolean;
  readonly signal: AbortSignal;
  /** Told what Lambda measures. */
  onInvocation(functionName: string, event: FunctionEvent): void;
  /** Something that runs in the background went wrong. */
  warn(message: string): void;
}

/** The part of AWS that runs on this machine: functions, queues and what connects them. */
export interface LocalCloud {
  readonly functions: readonly LocalFunction[];
  /** Origin of Lambda's API. */
  readonly lambdaEndpoint: string;
  /** Origin of EventBridge's API. */
  readonly eventsEndpoint: string;
  /**
   * Runs the deploy-time triggers, one after the other.
   *
   * @throws TriggerError
   */
  runTriggers(): Promise<void>;
  /** Lets requests and messages through, and the schedules run. */
  serve(): void;
  /** Takes nothing new, waits for what is under way until `force` aborts, ends all processes. */
  stop(force: AbortSignal): Promise<void>;
}

/** A deploy-time trigger failed: the deployment would have been rolled back. */
export class TriggerError extends Error {
  override readonly name = 'TriggerError';
}

/** AWS runs a thousand environments at once; here twice as many as there are cores keep them busy. */
const MAX_ENVIRONMENTS = Math.max(4, 2 * availableParallelism());
/** How long a stop waits for what is under way: a batch takes seconds, and somebody sits at the terminal. */
const DRAIN_MS = 20_000;

/**
 * Creates queues and functions of a deployment; nothing is invoked before `serve`.
 *
 * @throws TemplateError if a mapping's function may not poll its queue.
 */
export async function startCloud(request: CloudRequest): Promise<LocalCloud> {
  const { deployment, httpApi, credentials, guard } = request;
  for (const mapping of deployment.mappings) await checkPoller(mapping, deployment, guard);
  const logDirectory = join(request.stateDirectory, 'logs');
  mkdirSync(logDirectory, { recursive: true });
  const sqs = sqsClient(request.sqsEndpoint, credentials);
  await createQueues(sqs, deployment.queues);

  const orphanThaw = request.freeze ? startOrphanThaw() : undefined;
  const host = {
    bootstrap: prepareBootstrap(request.stateDirectory),
    logDirectory,
    region: credentials.region,
    maxEnvironments: MAX_ENVIRONMENTS,
    ...(orphanThaw && { freeze: orphanThaw }),
    credentials: ({ roleArn, name }: FunctionDefinition) => {
      const issued = guard.issueCredentials(roleArn, name);
      return {
        AWS_ACCESS_KEY_ID: issued.accessKeyId,
        AWS_SECRET_ACCESS_KEY: issued.secretAccessKey,
        AWS_SESSION_TOKEN: issued.sessionToken,
      };
    },
    variables: request.endpoints,
    onInvocation: (name: string, event: FunctionEvent) => request.onInvocation(name, event),
  };
  const functions = new Map(
    deployment.functions.map((entry) => [entry.name, localFunction(entry, host)]),
  );
  const find = (name: string): LocalFunction => {
    const target = functions.get(name);
    if (target === undefined) throw new Error(`there is no function ${name}`);
    return target;
  };
  const invoke = async (
    target: LocalFunction,
    event: unknown,
    options?: InvokeOptions,
  ): Promise<Outcome> => {
    const outcome = await target.invoke(event, options);
    if ('error' in outcome) warnOnce(`${target.definition.title} failed: ${said(outcome.error)}`);
    return outcome;
  };
  /** A function that fails at every message is told of once. */
  const warned = new Set<string>();
  const warnOnce = (message: string) => {
    if (warned.has(message)) return;
    warned.add(message);
    request.warn(message);
  };
  const later = new Map<LocalFunction, AsynchronousInvocations>(
    [...functions.values()].map((target) => [
      target,
      asynchronousInvocations({
        policy: target.definition.asynchronous,
        clock: request.clock,
        invoke: (event, requestId) => invoke(target, event, { requestId }),
        onDiscarded: (reason) =>
          warnOnce(`${target.definition.title}: an event was dropped (${reason})`),
      }),
    ]),
  );
  const invokeLater = (target: LocalFunction, event: unknown, requestId: string): void =>
    later.get(target)?.accept(event, requestId);
  const pollers: SQSClient[] = [];
  const mappings = deployment.mappings.map((mapping) =>
    manageMapping(mapping, () => poll(mapping)),
  );
  const rules = rulesOf(deployment.schedules, (schedule) => runSchedule(schedule));
  const lambdaApi = await startLambdaApi({
    functions: [...functions.values()],
    mappings,
    invoke,
    invokeLater,
  });
  const eventsApi = await startEventsApi(rules);
  let stopping: Promise<void> | undefined;

  return {
    functions: [...functions.values()],
    lambdaEndpoint: lambdaApi.url,
    eventsEndpoint: eventsApi.url,
    async runTriggers() {
      for (const { functionName } of deployment.triggers) {
        request.signal.throwIfAborted();
        const target = find(functionName);
        const outcome = await invoke(target, {});
        if ('error' in outcome) throw triggerError(target, outcome.error);
      }
    },
    serve() {
      const definition = deployment.httpApi;
      for (const caller of [...(definition?.routes ?? []), ...deployment.schedules]) {
        if (caller.missingPermission !== undefined) request.warn(caller.missingPermission);
      }
      if (definition !== undefined) {
        httpApi.serve({
          definition,
          accountId: ACCOUNT_ID,
          now: () => request.clock.now(),
          invoke: (name, event) => invoke(find(name), event),
        });
      }
      for (const mapping of mappings) mapping.enable();
      for (const rule of rules) rule.enable();
    },
    stop(force) {
      stopping ??= shutDown(force);
      return stopping;
    },
  };

  function poll(mapping: MappingDefinition): EventSource {
    const queue = deployment.queues.find((entry) => entry.arn === mapping.queueArn);
    if (queue === undefined) throw new Error(`there is no queue ${mapping.queueArn}`);
    const target = find(mapping.functionName);
    const { roleArn, name } = target.definition;
    const { region } = credentials;
    const poller = sqsClient(request.sqsEndpoint, {
      region,
      ...guard.issueCredentials(roleArn, name),
    });
    pollers.push(poller);
    return startEventSource({
      mapping,
      queueUrl: queue.url,
      visibilityTimeoutSeconds: queue.visibilityTimeoutSeconds,
      region,
      sqs: poller,
      clock: request.clock,
      maxEnvironments: MAX_ENVIRONMENTS,
      invoke: (event) => invoke(target, event),
      onError: (error) => request.warn(`${queue.name} cannot be polled: ${String(error)}`),
    });
  }

  function runSchedule(schedule: ScheduleDefinition): readonly Disposable[] {
    if (!request.schedules || schedule.missingPermission !== undefined) return [];
    const target = find(schedule.functionName);
    return [
      startSchedule({
        schedule,
        clock: request.clock,
        invoke: (event) => invokeLater(target, event, randomUUID()),
      }),
    ];
  }

  async function shutDown(force: AbortSignal): Promise<void> {
    for (const rule of rules) rule.disable();
    const quiet = Promise.all([
      httpApi.close(DRAIN_MS),
      lambdaApi.close(DRAIN_MS),
      eventsApi.close(DRAIN_MS),
      ...mappings.map((mapping) => mapping.stop()),
      ...[...later.values()].map((entry) => entry.stop()),
    ]);
    await Promise.race([quiet, delay(DRAIN_MS, undefined, { signal: force, ref: false })]).catch(
      () => undefined,
    );
    // What is still at work is killed: its messages stay in the queue, as after a crash.
    await Promise.all([...functions.values()].map((entry) => entry.stop()));
    orphanThaw?.[Symbol.dispose]();
    await quiet;
    for (const client of [sqs, ...pollers]) client.destroy();
  }
}

/** A rule for each ARN, with the schedules of all its targets. */
function rulesOf(
  schedules: readonly ScheduleDefinition[],
  run: (schedule: ScheduleDefinition) => readonly Disposable[],
): readonly ManagedRule[] {
  return [...Map.groupBy(schedules, ({ ruleArn }) => ruleArn)].map(([arn, ofRule]) =>
    manageRule({ arn, expression: ofRule[0]?.expression ?? '' }, () => ofRule.flatMap(run)),
  );
}

/** What Lambda makes sure of when a mapping is created ("Using Lambda with Amazon SQS"). */
const POLLER_OPERATIONS = ['ReceiveMessage', 'DeleteMessage', 'GetQueueAttributes'];

/** @throws TemplateError if the function's role may not poll the queue. */
async function checkPoller(
  { logicalId, functionName, queueArn }: MappingDefinition,
  { functions, queues }: Deployment,
  guard: AccessGuard,
): Promise<void> {
  const { roleArn = '' } = functions.find((entry) => entry.name === functionName) ?? {};
  const queue = queues.find((entry) => entry.arn === queueArn);
  for (const operation of POLLER_OPERATIONS) {
    const call = { target: `AmazonSQS.${operation}`, body: { QueueUrl: queue?.url } };
    const denied = await guard.checkRole(call, roleArn, functionName);
    if (denied !== undefined) throw new TemplateError(`${logicalId}: ${denied.message}`);
  }
}

function triggerError({ definition }: LocalFunction, error: FunctionError): TriggerError {
  return new TriggerError(`${definition.title} failed at the start: ${said(error)}`);
}

const said = (error: FunctionError): string => `${error.errorType}: ${error.errorMessage}`;
