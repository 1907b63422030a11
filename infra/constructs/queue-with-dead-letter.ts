import { type CfnCondition, Duration, Stack } from 'aws-cdk-lib';
import { ArnPrincipal, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { ConditionalStatement } from './conditional-statement.ts';
import type { LambdaFunction } from './lambda-function.ts';

/** The longest that SQS keeps a message: time enough to notice and mend anything. */
const RETENTION = Duration.days(14);

/**
 * An outage of Neon has to be outlived in the queue. The waits grow with every receive (1, 2, 4 …
 * 256, then 300 seconds), so 100 receives last more than seven hours; a message that kills its
 * process, and so comes back only after its visibility timeout, is out of the way in a few hours too.
 */
const MAX_RECEIVES = 100;

/** "At least six times the timeout of the function" (Lambda documentation, using Lambda with SQS). */
const VISIBILITY_TIMEOUTS = 6;

export interface QueueWithDeadLetterProps {
  readonly key: IKey;
  /** Timeout of the function that consumes it. */
  readonly consumerTimeout: Duration;
}

/** Who sends from outside this stack, perhaps from another account. */
export interface OutsideSender {
  readonly principalArn: string;
  /** Whether there is anybody yet. */
  readonly exists: CfnCondition;
}

/**
 * A standard queue: order and uniqueness are the database's business, and FIFO would add waiting.
 * Encrypted, kept for 14 days, with a dead-letter queue.
 */
export class QueueWithDeadLetter extends Construct {
  readonly queue: Queue;
  readonly deadLetterQueue: Queue;
  private readonly key: IKey;

  constructor(scope: Construct, id: string, props: QueueWithDeadLetterProps) {
    super(scope, id);
    this.key = props.key;
    const encrypted = {
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: props.key,
      // Fewer calls to KMS, and a cold one on the way of fewer events.
      dataKeyReuse: Duration.hours(1),
      enforceSSL: true,
      retentionPeriod: RETENTION,
    };
    this.deadLetterQueue = new Queue(this, 'dead-letter', {
      ...encrypted,
      queueName: `${id}-dead-letter`,
    });
    this.queue = new Queue(this, 'queue', {
      ...encrypted,
      queueName: id,
      visibilityTimeout: Duration.seconds(props.consumerTimeout.toSeconds() * VISIBILITY_TIMEOUTS),
      deadLetterQueue: { queue: this.deadLetterQueue, maxReceiveCount: MAX_RECEIVES },
    });
  }

  /** Lets a function put messages onto the queue, and read nothing. */
  allowSending(sender: LambdaFunction) {
    sender.allow(['sqs:SendMessage'], this.queue.queueArn, this.key, SENDING_ENCRYPTED);
  }

  /**
   * Lets somebody outside put messages onto the queue, by the queue's policy and the key's. In this
   * account that is enough; in another one its own policies have to allow the same.
   */
  allowSendingFromOutside({ principalArn, exists }: OutsideSender) {
    const principals = [new ArnPrincipal(principalArn)];
    const send = new ConditionalStatement(exists, {
      sid: 'OutsideSender',
      principals,
      actions: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
      resources: [this.queue.queueArn],
    });
    this.queue.addToResourcePolicy(send);
    const encrypt = new ConditionalStatement(exists, {
      sid: 'OutsideSender',
      principals,
      actions: SENDING_ENCRYPTED,
      resources: ['*'],
      conditions: {
        StringEquals: { 'kms:ViaService': `sqs.${Stack.of(this).region}.amazonaws.com` },
      },
    });
    this.key.addToResourcePolicy(encrypt);
  }

  /** Lets a function see how many messages wait, and none of them. */
  allowCounting(counter: LambdaFunction) {
    counter.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['sqs:GetQueueAttributes'],
        resources: [this.queue.queueArn],
      }),
    );
  }

  /** Lets a function see how many messages are dead letters, and none of them. */
  allowCountingDeadLetters(counter: LambdaFunction) {
    counter.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['sqs:GetQueueAttributes'],
        resources: [this.deadLetterQueue.queueArn],
      }),
    );
  }

  /** Lets a function consume the queue and move what is poison to the dead-letter queue. */
  allowConsuming(consumer: LambdaFunction) {
    const consume = [
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
      // Asked for by the event source mapping.
      'sqs:GetQueueAttributes',
    ];
    consumer.allow(consume, this.queue.queueArn, this.key, ['kms:Decrypt']);
    const { queueArn } = this.deadLetterQueue;
    consumer.allow(['sqs:SendMessage'], queueArn, this.key, SENDING_ENCRYPTED);
  }
}

/** "Configure KMS permissions for producers" (SQS documentation). */
const SENDING_ENCRYPTED = ['kms:GenerateDataKey', 'kms:Decrypt'];
