import type { SQSRecord } from 'aws-lambda';
import { type Queue, QueueUnavailable, type SentMessage } from '../../shared/queue/queue.ts';
import { callOutside, type Invocation } from './invocation.ts';
import type { World } from './world.ts';

/** As `shared/queue/queue.ts`: two attempts of two seconds. */
const GIVE_UP_MS = 4_000;
const LATEST_MS = 8_000;
/** As `infra/constructs/queue-with-dead-letter.ts`. */
const MAX_RECEIVES = 100;
const MAX_BATCH = 10;
/** Containers at a time; few, so that two of them meet often. */
const MAX_CONSUMERS = 3;
/** The second copy of a message comes this much later at the most: soon, or after a lease. */
const DOUBLED_WITHIN_MS = [20_000, 120_000] as const;

interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
  visibleAtMs: number;
  receives: number;
}

export interface SimulatedQueue {
  readonly name: string;
  /** What a function gets, as `createQueue` makes it. */
  of(invocation: Invocation): Omit<Queue, 'total'>;
  /** Somebody else sends: ConsentHub, or a webhook. */
  add(message: SentMessage): void;
  readonly messages: readonly { body: string; attributes: Readonly<Record<string, string>> }[];
  /** Every body that was ever sent. */
  readonly sent: readonly string[];
  /** Whatever was ever sent comes once more, as from a dead-letter queue; says how many. */
  sendAllAgain(): number;
}

/** Settles a batch and says which messages stay on the queue: all of them, if the process died. */
type Consume = (records: SQSRecord[], done: (kept: ReadonlySet<string>) => void) => void;

/**
 * A standard queue with the event source mapping behind it: at least once, in any order, in batches of
 * any size.
 */
export function createSimulatedQueue(
  world: World,
  name: string,
  label: (text: string) => string,
  consumer?: {
    readonly visibilityMs: number;
    readonly consume: Consume;
    readonly dead: () => SimulatedQueue;
  },
): SimulatedQueue {
  const { random } = world;
  const messages: Message[] = [];
  const sent: string[] = [];
  let running = 0;
  let polls = 0;
  let count = 0;

  function add({ body, attributes = {} }: SentMessage) {
    count += 1;
    const id = `${name} ${count}`;
    sent.push(body);
    messages.push({ id, body, attributes, visibleAtMs: world.now(), receives: 0 });
    pollAfter(random.between(`${id} delivered`, 5, 50));
    if (world.fault(id, name, ['message doubled']) !== undefined) {
      world.note(`${id} is delivered twice`);
      world.after(
        random.between(`${id} again`, 1, random.pick('doubled', DOUBLED_WITHIN_MS)),
        () => {
          messages.push({
            id: `${id} again`,
            body,
            attributes,
            visibleAtMs: world.now(),
            receives: 0,
          });
          pollAfter(0);
        },
      );
    }
  }

  function pollAfter(delayMs: number) {
    if (consumer !== undefined) world.after(delayMs, poll, { background: true });
  }

  function poll() {
    if (consumer === undefined || running >= MAX_CONSUMERS) return;
    const visible = messages.filter(({ visibleAtMs }) => visibleAtMs <= world.now());
    if (visible.length === 0) return;
    polls += 1;
    const key = `${name} poll ${polls}`;
    const size = random.pick(`${key} size`, [1, 2, MAX_BATCH]);
    const batch = visible
      .toSorted((a, b) => random.unit(`${key} ${a.id}`) - random.unit(`${key} ${b.id}`))
      .slice(0, size);
    for (const message of batch) {
      message.receives += 1;
      message.visibleAtMs = world.now() + consumer.visibilityMs;
      pollAfter(consumer.visibilityMs);
    }
    for (const message of batch.filter(({ receives }) => receives > MAX_RECEIVES)) {
      remove(message.id);
      consumer.dead().add({ body: message.body, attributes: { reason: 'too many receives' } });
    }
    running += 1;
    const received = batch.filter(({ receives }) => receives <= MAX_RECEIVES);
    consumer.consume(received.map(toRecord), (kept) => {
      running -= 1;
      for (const { id } of received) if (!kept.has(id)) remove(id);
      pollAfter(random.between(`${key} next`, 0, 20));
    });
    if (visible.length > batch.length) pollAfter(random.between(`${key} more`, 0, 200));
  }

  function remove(id: string) {
    const index = messages.findIndex((message) => message.id === id);
    if (index >= 0) messages.splice(index, 1);
  }

  const call = <T>(invocation: Invocation, what: string, effect: () => T): Promise<T> =>
    callOutside(world, invocation, {
      label: `${name}.${what}`,
      target: 'queue',
      effect: () => {
        const result = effect();
        return { answer: () => result, says: typeof result === 'number' ? String(result) : 'ok' };
      },
      giveUpAfterMs: GIVE_UP_MS,
      latestMs: LATEST_MS,
      unanswered: () => new QueueUnavailable('TimeoutError'),
      refusals: [],
      refuse: (refusal: never) => refusal,
    });

  return {
    name,
    messages,
    sent,
    add,
    sendAllAgain() {
      const bodies = [...new Set(sent)];
      for (const body of bodies) add({ body });
      return bodies.length;
    },
    of: (invocation) => ({
      send: (message) =>
        call(invocation, `send(${label(message.body)})`, () => {
          add(message);
          return 'sent';
        }),
      sendAll: async (all) => {
        for (let first = 0; first < all.length; first += MAX_BATCH) {
          const part = all.slice(first, first + MAX_BATCH);
          const about = part.map(({ body }) => label(body)).join(', ');
          await call(invocation, `sendAll(${about})`, () => {
            for (const message of part) add(message);
          });
        }
      },
      waiting: () =>
        call(
          invocation,
          'waiting',
          () => messages.filter(({ visibleAtMs }) => visibleAtMs <= world.now()).length,
        ),
      retryAfter: (receiptHandle, seconds) =>
        call(invocation, `retryAfter(${receiptHandle}, ${seconds} s)`, () => {
          const message = messages.find(({ id }) => id === receiptHandle);
          if (message === undefined) return;
          message.visibleAtMs = world.now() + seconds * 1000;
          pollAfter(seconds * 1000);
        }),
      delete: (receiptHandle) =>
        call(invocation, `delete(${receiptHandle})`, () => remove(receiptHandle)),
    }),
  };
}

/** Only what the consumers look at is filled in with meaning. */
function toRecord({ id, body, receives }: Message): SQSRecord {
  return {
    messageId: id,
    receiptHandle: id,
    body,
    attributes: {
      ApproximateReceiveCount: String(receives),
      SentTimestamp: '0',
      SenderId: '',
      ApproximateFirstReceiveTimestamp: '0',
    },
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: '',
    awsRegion: '',
  };
}
