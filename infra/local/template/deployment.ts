import { statSync } from 'node:fs';
import { alarmsOf } from './alarms.ts';
import { dashboardsOf } from './dashboards.ts';
import type {
  AsynchronousPolicy,
  Deployment,
  FunctionDefinition,
  QueueDefinition,
} from './definitions.ts';
import type { Interpretation, Resource } from './interpret.ts';
import { within } from './interpret.ts';
import { onlyKnown, optionalNumber, optionalText, record, text } from './properties.ts';
import { functionName } from './resource-types.ts';
import { httpApiOf } from './http-api.ts';
import { missingInvokePermission, type MissingPermission } from './invoke-permissions.ts';
import { mappingOf } from './mappings.ts';
import { schedulesOf } from './schedules.ts';
import { isRecord, TemplateError } from './template.ts';

/** The only Lambda runtime that the functions of this project use, and the one that runs them here. */
const RUNTIME = 'nodejs24.x';
const DEFAULT_MEMORY_MB = 128;
const DEFAULT_TIMEOUT_SECONDS = 3;
/** "Configuring error handling settings for asynchronous invocations" (Lambda developer guide). */
const DEFAULT_RETRY_ATTEMPTS = 2;
const DEFAULT_EVENT_AGE_SECONDS = 6 * 3600;
const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30;

/**
 * Resolves all resources and picks out what runs.
 *
 * @throws TemplateError naming the logical id of what cannot be executed.
 */
export function deploymentOf(interpretation: Interpretation): Deployment {
  const { resources } = interpretation;
  // What nobody asks for below is resolved too: a dangling reference breaks a deployment anywhere.
  for (const resource of resources) {
    resource.identity();
    resource.properties();
  }
  interpretation.outputs();

  const ofType = (type: string): Resource[] => resources.filter((entry) => entry.type === type);
  const triggerResources = ofType('Custom::Trigger');
  // The CDK's own function behind a trigger only invokes ours; the runner does that itself.
  const providers = new Set(
    triggerResources.map((entry) => functionName(text(entry, 'ServiceToken'))),
  );
  const invokeConfigs = ofType('AWS::Lambda::EventInvokeConfig');
  const functions = ofType('AWS::Lambda::Function')
    .filter((entry) => !providers.has(entry.identity().ref))
    .map((entry) => functionOf(entry, asynchronousPolicyOf(entry, invokeConfigs)));
  const queues = ofType('AWS::SQS::Queue').map(queueOf);

  const find = (owner: Resource, nameOrArn: string): FunctionDefinition => {
    const name = functionName(nameOrArn);
    const found = functions.find((entry) => entry.name === name);
    if (found !== undefined) return found;
    throw new TemplateError(`${owner.logicalId}: there is no function ${name}`);
  };
  const known = (owner: Resource, nameOrArn: string): string => find(owner, nameOrArn).name;
  const permissions = ofType('AWS::Lambda::Permission');
  const missingPermission: MissingPermission = (caller, name) =>
    missingInvokePermission(caller, name, permissions);
  for (const queue of queues) {
    const target = queue.deadLetterQueueArn;
    if (target !== undefined && !queues.some((entry) => entry.arn === target)) {
      throw new TemplateError(`${queue.logicalId}: its dead-letter queue ${target} does not exist`);
    }
  }
  return {
    functions,
    queues,
    httpApi: httpApiOf(ofType, find, missingPermission),
    mappings: ofType('AWS::Lambda::EventSourceMapping')
      .filter((entry) => entry.properties()['Enabled'] !== false)
      .map((entry) => mappingOf(entry, find(entry, text(entry, 'FunctionName')), queues)),
    schedules: schedulesOf(ofType('AWS::Events::Rule'), known, missingPermission),
    triggers: inDependencyOrder(triggerResources, resources).map((entry) => ({
      logicalId: entry.logicalId,
      functionName: known(entry, text(entry, 'HandlerArn')),
    })),
    ...alarmsOf(resources),
    dashboards: dashboardsOf(resources),
  };
}

const FUNCTION_PROPERTIES = new Set([
  'Architectures',
  'Code',
  'Description',
  'Environment',
  'FunctionName',
  'Handler',
  'LoggingConfig',
  'MemorySize',
  'ReservedConcurrentExecutions',
  'Role',
  'Runtime',
  'Tags',
  'Timeout',
]);

function functionOf(resource: Resource, asynchronous: AsynchronousPolicy): FunctionDefinition {
  const properties = resource.properties();
  onlyKnown(resource, properties, FUNCTION_PROPERTIES, 'function');
  const runtime = properties['Runtime'];
  if (runtime !== RUNTIME) {
    throw new TemplateError(`${resource.logicalId}: runtime ${String(runtime)}, not ${RUNTIME}`);
  }
  const { ref: name, attributes } = resource.identity();
  const logging = record(properties['LoggingConfig']);
  const variables = record(record(properties['Environment'])['Variables']);
  return {
    logicalId: resource.logicalId,
    name,
    title: titleOf(resource),
    arn: attributes['Arn'] ?? '',
    taskRoot: taskRootOf(resource, record(properties['Code'])),
    handler: text(resource, 'Handler'),
    roleArn: text(resource, 'Role'),
    memoryMb: Number(properties['MemorySize'] ?? DEFAULT_MEMORY_MB),
    timeoutSeconds: Number(properties['Timeout'] ?? DEFAULT_TIMEOUT_SECONDS),
    logGroupName: optionalText(logging['LogGroup']) ?? `/aws/lambda/${name}`,
    logFormat: logging['LogFormat'] === 'JSON' ? 'JSON' : 'Text',
    reservedConcurrency: optionalNumber(properties['ReservedConcurrentExecutions']),
    asynchronous,
    environment: Object.fromEntries(
      Object.entries(variables).map(([key, value]) => [key, String(value)]),
    ),
  };
}

const INVOKE_CONFIG_PROPERTIES = new Set([
  'FunctionName',
  'MaximumEventAgeInSeconds',
  'MaximumRetryAttempts',
  'Qualifier',
]);

/** What the template says about events that nobody waits for, or Lambda's defaults. */
function asynchronousPolicyOf(
  resource: Resource,
  invokeConfigs: readonly Resource[],
): AsynchronousPolicy {
  const { ref: name } = resource.identity();
  const config = invokeConfigs.find((entry) => functionName(text(entry, 'FunctionName')) === name);
  const properties = config?.properties() ?? {};
  if (config !== undefined)
    onlyKnown(config, properties, INVOKE_CONFIG_PROPERTIES, 'invoke config');
  const { MaximumRetryAttempts: attempts, MaximumEventAgeInSeconds: ageSeconds } = properties;
  return {
    maximumRetryAttempts: optionalNumber(attempts) ?? DEFAULT_RETRY_ATTEMPTS,
    maximumEventAgeSeconds: optionalNumber(ageSeconds) ?? DEFAULT_EVENT_AGE_SECONDS,
  };
}

/**
 * The tag `function` names the function's folder; without one, the construct that stands directly
 * under the stack does (`SyncContact` becomes `sync-contact`).
 */
function titleOf(resource: Resource): string {
  const tags = resource.properties()['Tags'];
  const tag = Array.isArray(tags) ? tags.find((entry) => entry?.Key === 'function') : undefined;
  if (typeof tag?.Value === 'string') return tag.Value;
  const construct = resource.path.split('/')[1] ?? resource.logicalId;
  return construct.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
}

function taskRootOf(resource: Resource, code: Record<string, unknown>): string {
  const key = code['S3Key'];
  const directory = typeof key === 'string' ? resource.stack.assets.get(key) : undefined;
  if (directory === undefined) {
    throw new TemplateError(`${resource.logicalId}: no asset for its code (${String(key)})`);
  }
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new TemplateError(`${resource.logicalId}: its asset is missing: ${directory}`);
  }
  return directory;
}

/** Properties of a queue that `CreateQueue` takes under the same name. */
const QUEUE_ATTRIBUTES = new Set([
  'ContentBasedDeduplication',
  'DelaySeconds',
  'FifoQueue',
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedriveAllowPolicy',
  'RedrivePolicy',
  'SqsManagedSseEnabled',
  'VisibilityTimeout',
]);

function queueOf(resource: Resource): QueueDefinition {
  const properties = resource.properties();
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'QueueName' || name === 'Tags') continue;
    if (!QUEUE_ATTRIBUTES.has(name)) {
      throw new TemplateError(`${resource.logicalId}: the queue property ${name} is not supported`);
    }
    attributes[name] = isRecord(value) ? JSON.stringify(value) : String(value);
  }
  const identity = resource.identity();
  const target = record(properties['RedrivePolicy'])['deadLetterTargetArn'];
  return {
    logicalId: resource.logicalId,
    name: identity.attributes['QueueName'] ?? '',
    url: identity.ref,
    arn: identity.attributes['Arn'] ?? '',
    attributes,
    visibilityTimeoutSeconds: Number(
      properties['VisibilityTimeout'] ?? DEFAULT_VISIBILITY_TIMEOUT_SECONDS,
    ),
    deadLetterQueueArn: optionalText(target),
  };
}

/** Sorts some resources so that each comes after those it depends on, directly or through others. */
function inDependencyOrder(
  wanted: readonly Resource[],
  resources: readonly Resource[],
): readonly Resource[] {
  const sorted: Resource[] = [];
  const state = new Map<Resource, 'open' | 'done'>();
  const visit = (resource: Resource): void => {
    if (state.get(resource) === 'done') return;
    if (state.get(resource) === 'open') {
      throw new TemplateError(`${resource.logicalId}: depends on itself`);
    }
    state.set(resource, 'open');
    for (const name of resource.dependsOn) {
      const dependency = resources.find(
        (entry) => entry.logicalId === name && entry.stack === resource.stack,
      );
      if (dependency !== undefined) visit(dependency);
    }
    state.set(resource, 'done');
    if (wanted.includes(resource)) sorted.push(resource);
  };
  for (const resource of wanted) within(resource.logicalId, () => visit(resource));
  return sorted;
}
