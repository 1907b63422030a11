import type { buildApp } from 'fauxqs';
import * as z from 'zod';
import type { Clock } from '../clock.ts';

type SqsStore = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>['sqsStore'];

/** What SQS tells CloudWatch of a queue. */
export interface QueueMeasurement {
  readonly queueName: string;
  readonly visible: number;
  readonly oldestSeconds: number;
  /** Since it was measured last; what a redrive policy moves is not sent. */
  readonly sent: number;
  readonly deleted: number;
}

/** "Messages received more than three times" do not count for the age (`ApproximateAgeOfOldestMessage`). */
const MAX_RECEIVES_FOR_AGE = 3;

const COUNTED: Readonly<Record<string, 'sent' | 'deleted'>> = {
  'AmazonSQS.SendMessage': 'sent',
  'AmazonSQS.SendMessageBatch': 'sent',
  'AmazonSQS.DeleteMessage': 'deleted',
  'AmazonSQS.DeleteMessageBatch': 'deleted',
};

const addressed = z.object({ QueueUrl: z.string() });
const batchAnswer = z.object({ Successful: z.array(z.unknown()).default([]) });

/** Counts what goes through the queues of a store, and looks at what is in them. */
export function measureQueues(store: SqsStore, clock: Pick<Clock, 'now'>) {
  const traffic = new Map<string, { sent: number; deleted: number }>();
  const trafficOf = (queueName: string) => {
    const known = traffic.get(queueName) ?? { sent: 0, deleted: 0 };
    traffic.set(queueName, known);
    return known;
  };

  return {
    /** Takes in a request that succeeded, with its answer. */
    count(target: string, request: unknown, answer: string): void {
      const kind = COUNTED[target];
      if (kind === undefined) return;
      const { QueueUrl: url } = addressed.parse(request);
      const count = target.endsWith('Batch')
        ? batchAnswer.parse(JSON.parse(answer)).Successful.length
        : 1;
      trafficOf(url.split('/').at(-1) ?? '')[kind] += count;
    },
    measure(): QueueMeasurement[] {
      store.processAllTimers();
      return [...store.allQueues()].map((queue) => {
        const { ready, delayed, inflight } = queue.inspectMessages();
        const aged = [...ready, ...delayed, ...inflight.map(({ message }) => message)]
          .filter((message) => message.approximateReceiveCount <= MAX_RECEIVES_FOR_AGE)
          .map((message) => clock.now().getTime() - message.sentTimestamp);
        const { sent, deleted } = trafficOf(queue.name);
        traffic.delete(queue.name);
        const oldestMs = aged.reduce((oldest, age) => Math.max(oldest, age), 0);
        return {
          queueName: queue.name,
          visible: ready.length,
          oldestSeconds: Math.floor(oldestMs / 1000),
          sent,
          deleted,
        };
      });
    },
  };
}
