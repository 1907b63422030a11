import type { FunctionDefinition, MappingDefinition, QueueDefinition } from './definitions.ts';
import type { Resource } from './interpret.ts';
import { onlyKnown, optionalNumber, record, text } from './properties.ts';
import { TemplateError } from './template.ts';

const MAPPING_PROPERTIES = new Set([
  'BatchSize',
  'Enabled',
  'EventSourceArn',
  'FunctionName',
  'FunctionResponseTypes',
  'MaximumBatchingWindowInSeconds',
  'ScalingConfig',
  'Tags',
]);
const SCALING_PROPERTIES = new Set(['MaximumConcurrency']);
const RESPONSE_TYPE = 'ReportBatchItemFailures';

/** `CreateEventSourceMapping` in the Lambda API reference. */
const DEFAULT_BATCH_SIZE = 10;
const MAX_BATCH_SIZE = 10_000;
/** A larger batch takes several receives, and so a window. */
const MAX_BATCH_SIZE_WITHOUT_WINDOW = 10;
const MAX_WINDOW_SECONDS = 300;
const MIN_MAXIMUM_CONCURRENCY = 2;
const MAX_MAXIMUM_CONCURRENCY = 1000;

/**
 * An event source mapping of a queue.
 *
 * @throws TemplateError for what Lambda would refuse to create, and for what the runner does not do.
 */
export function mappingOf(
  resource: Resource,
  target: FunctionDefinition,
  queues: readonly QueueDefinition[],
): MappingDefinition {
  const properties = resource.properties();
  onlyKnown(resource, properties, MAPPING_PROPERTIES, 'mapping');
  const scaling = record(properties['ScalingConfig']);
  onlyKnown(resource, scaling, SCALING_PROPERTIES, 'scaling');
  const queueArn = text(resource, 'EventSourceArn');
  const queue = queues.find((entry) => entry.arn === queueArn);
  const refuse = (reason: string): never => {
    throw new TemplateError(`${resource.logicalId}: ${reason}`);
  };
  if (queue === undefined) return refuse(`its queue ${queueArn} does not exist`);
  if (queue.visibilityTimeoutSeconds < target.timeoutSeconds) {
    refuse(
      `the visibility timeout of its queue (${queue.visibilityTimeoutSeconds} s) is less than the ` +
        `timeout of its function (${target.timeoutSeconds} s)`,
    );
  }
  const between = (property: string, value: number, min: number, max: number): number =>
    Number.isInteger(value) && value >= min && value <= max
      ? value
      : refuse(`${property} has to be between ${min} and ${max}`);

  const batchSize = between(
    'BatchSize',
    Number(properties['BatchSize'] ?? DEFAULT_BATCH_SIZE),
    1,
    MAX_BATCH_SIZE,
  );
  const batchingWindowSeconds = between(
    'MaximumBatchingWindowInSeconds',
    Number(properties['MaximumBatchingWindowInSeconds'] ?? 0),
    0,
    MAX_WINDOW_SECONDS,
  );
  if (batchSize > MAX_BATCH_SIZE_WITHOUT_WINDOW && batchingWindowSeconds === 0) {
    refuse(`a BatchSize above ${MAX_BATCH_SIZE_WITHOUT_WINDOW} needs a batching window`);
  }
  const maximumConcurrency = optionalNumber(scaling['MaximumConcurrency']);
  if (maximumConcurrency !== undefined) {
    between(
      'MaximumConcurrency',
      maximumConcurrency,
      MIN_MAXIMUM_CONCURRENCY,
      MAX_MAXIMUM_CONCURRENCY,
    );
  }
  const responseTypes = properties['FunctionResponseTypes'] ?? [];
  if (!Array.isArray(responseTypes) || responseTypes.some((type) => type !== RESPONSE_TYPE)) {
    refuse(`of the function response types only ${RESPONSE_TYPE} exists`);
  }
  return {
    logicalId: resource.logicalId,
    id: resource.identity().ref,
    functionArn: target.arn,
    functionName: target.name,
    queueArn,
    batchSize,
    batchingWindowSeconds,
    reportBatchItemFailures: Array.isArray(responseTypes) && responseTypes.length > 0,
    maximumConcurrency,
  };
}
