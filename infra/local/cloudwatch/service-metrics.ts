import type { FunctionEvent } from '../lambda/function.ts';
import type { QueueMeasurement } from '../queues/queue-measurement.ts';
import type { Sample } from './metric.ts';

/** What Lambda measures of an invocation ("Types of metrics for Lambda functions"). */
export function lambdaSamples(functionName: string, event: FunctionEvent, atMs: number): Sample[] {
  const of = (name: string, value: number): Sample => ({
    metric: { namespace: 'AWS/Lambda', name, dimensions: { FunctionName: functionName } },
    atMs,
    values: [value],
  });
  // One that is refused is no invocation.
  if (event.kind === 'throttled') return [of('Throttles', 1)];
  return [
    of('Invocations', 1),
    of('Errors', event.failed ? 1 : 0),
    of('Throttles', 0),
    ...(event.durationMs === undefined ? [] : [of('Duration', event.durationMs)]),
  ];
}

/** What SQS measures of a queue ("Available CloudWatch metrics for Amazon SQS"). */
export function queueSamples(measured: QueueMeasurement, atMs: number): Sample[] {
  const { queueName, visible, oldestSeconds, sent, deleted } = measured;
  const of = (name: string, value: number): Sample => ({
    metric: { namespace: 'AWS/SQS', name, dimensions: { QueueName: queueName } },
    atMs,
    values: [value],
  });
  return [
    of('ApproximateNumberOfMessagesVisible', visible),
    of('ApproximateAgeOfOldestMessage', oldestSeconds),
    of('NumberOfMessagesSent', sent),
    of('NumberOfMessagesDeleted', deleted),
  ];
}
