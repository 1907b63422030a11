import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { LambdaFunction } from './lambda-function.ts';
import type { QueueWithDeadLetter } from './queue-with-dead-letter.ts';

/** One request to Dataverse reads a batch; larger ones would make one slow contact everybody's. */
const BATCH_SIZE = 10;

export interface QueueConsumerProps {
  readonly source: QueueWithDeadLetter;
  readonly consumer: LambdaFunction;
  /** Most containers at a time. */
  readonly maxConcurrency: number;
}

/**
 * Feeds a queue to a function: at once, in batches with partial failures, and never filtered, since
 * a filter deletes what does not match. The function sets visibilities, deletes single messages and
 * moves poison to the dead-letter queue itself, with its reason.
 */
export class QueueConsumer extends Construct {
  constructor(scope: Construct, id: string, props: QueueConsumerProps) {
    super(scope, id);
    const { source, consumer } = props;
    new EventSourceMapping(this, 'mapping', {
      target: consumer.function,
      eventSourceArn: source.queue.queueArn,
      batchSize: BATCH_SIZE,
      maxBatchingWindow: Duration.seconds(0),
      maxConcurrency: props.maxConcurrency,
      reportBatchItemFailures: true,
    });
    source.allowConsuming(consumer);
  }
}
