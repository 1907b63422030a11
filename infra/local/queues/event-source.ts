import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../lambda/execution-environment.ts';
import { type Clock, wait } from '../clock.ts';
import { MAX_EVENT_BYTES } from '../lambda/function.ts';
import { ThrottledError } from '../lambda/lambda-error.ts';
import type { MappingDefinition } from '../template/definitions.ts';
import { failedMessageIds } from './batch-response.ts';
import { addsPoller, pollerLimits } from './poller-scaling.ts';
import { splitBatch } from './split-batch.ts';
import { sqsEvent } from './sqs-event.ts';

export interface EventSourceRequest {
  readonly mapping: MappingDefinition;
  readonly queueUrl: string;
  readonly visibilityTimeoutSeconds: number;
  readonly region: string;
  readonly sqs: SQSClient;
  readonly clock: Clock;
  /** Environments that the function has at most. */
  readonly maxEnvironments: number;
  /** @throws LambdaError */
  invoke(event: unknown): Promise<Outcome>;
  /** Told about a queue that cannot be reached. */
  onError(error: unknown): void;
}

export interface EventSource {
  /** Receives no more and resolves when the batches at hand have been dealt with. */
  stop(): Promise<void>;
}

/** Receives without a message after which a poller above the minimum ends. */
const IDLE_RECEIVES = 5;
/** Short, because stopping waits for the receive under way: abandoned, it could still take messages. */
const WAIT_SECONDS = 1;
/** Most that SQS hands out in one receive. */
const MAX_RECEIVED = 10;
const RETRY_DELAY_MS = 1000;
/** A batch that is throttled is tried again after this, then after twice as long, and so on. */
const FIRST_THROTTLE_DELAY_MS = 1000;

/**
 * Polls a queue and invokes its function, as an event source mapping does: batches up to the batch
 * size, more pollers while all are busy, deletion of what succeeded. What failed stays where it
 * is until its visibility timeout ends; the queue's redrive policy does the rest.
 */
export function startEventSource(request: EventSourceRequest): EventSource {
  const { mapping, clock } = request;
  const limits = pollerLimits(mapping.maximumConcurrency, request.maxEnvironments);
  const stopping = new AbortController();
  const pollers = new Set<Promise<void>>();
  let busy = 0;
  let lastAddedMs = clock.now().getTime();

  const poll = async (): Promise<void> => {
    let idle = 0;
    while (!stopping.signal.aborted && (idle < IDLE_RECEIVES || pollers.size <= limits.min)) {
      try {
        const batch = await receiveBatch(request, stopping.signal);
        idle = batch.messages.length === 0 ? idle + 1 : 0;
        if (batch.messages.length > 0) await work(batch);
      } catch (error) {
        if (stopping.signal.aborted) return;
        request.onError(error);
        await delay(RETRY_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };
  const work = async (batch: Batch): Promise<void> => {
    busy += 1;
    try {
      const sinceLastAddedMs = clock.now().getTime() - lastAddedMs;
      if (addsPoller({ pollers: pollers.size, busy, sinceLastAddedMs }, limits.max)) addPoller();
      await handleBatch(request, batch, stopping.signal);
    } finally {
      busy -= 1;
    }
  };
  const addPoller = (): void => {
    lastAddedMs = clock.now().getTime();
    // The turn of the event loop lets the set hold the poller before it looks at the set's size.
    const poller = Promise.resolve().then(poll);
    pollers.add(poller);
    void poller.finally(() => pollers.delete(poller));
  };
  for (let count = 0; count < limits.min; count += 1) addPoller();

  return {
    async stop() {
      stopping.abort();
      await Promise.all(pollers);
    },
  };
}

interface Batch {
  readonly messages: readonly Message[];
  /** When the first of them becomes visible again, Unix milliseconds. */
  readonly visibleAtMs: number;
}

/** One batch: what is there, or, with a batching window, what comes until it is full or over. */
async function receiveBatch(
  { sqs, queueUrl, mapping, clock, visibilityTimeoutSeconds }: EventSourceRequest,
  stopping: AbortSignal,
): Promise<Batch> {
  const messages: Message[] = [];
  let receivedAtMs = clock.now().getTime();
  let windowEndsMs = 0;
  do {
    const answer = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(MAX_RECEIVED, mapping.batchSize - messages.length),
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (messages.length === 0) {
      receivedAtMs = clock.now().getTime();
      windowEndsMs = receivedAtMs + mapping.batchingWindowSeconds * 1000;
    }
    messages.push(...(answer.Messages ?? []));
  } while (
    messages.length > 0 &&
    messages.length < mapping.batchSize &&
    clock.now().getTime() < windowEndsMs &&
    !stopping.aborted
  );
  return { messages, visibleAtMs: receivedAtMs + visibilityTimeoutSeconds * 1000 };
}

async function handleBatch(
  request: EventSourceRequest,
  batch: Batch,
  stopping: AbortSignal,
): Promise<void> {
  const { mapping, region, sqs, queueUrl } = request;
  const parts = splitBatch(batch.messages, mapping.queueArn, region, MAX_EVENT_BYTES);
  for (const messages of parts) {
    const event = sqsEvent(messages, mapping.queueArn, region);
    const outcome = await invokeWhileInvisible(request, event, batch.visibleAtMs, stopping);
    const failed = failedIn(outcome, mapping, messages);
    const done = messages.filter((message) => !failed.has(idOf(message)));
    for (let first = 0; first < done.length; first += MAX_RECEIVED) {
      const Entries = done
        .slice(first, first + MAX_RECEIVED)
        .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
      await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    }
  }
}

/**
 * Invokes the function; as long as it is throttled and the messages are nobody else's, again. Whatever
 * else Lambda refuses is a failure of the batch.
 *
 * @returns undefined if the batch was given up.
 */
async function invokeWhileInvisible(
  { invoke, clock }: Pick<EventSourceRequest, 'invoke' | 'clock'>,
  event: unknown,
  visibleAtMs: number,
  stopping: AbortSignal,
): Promise<Outcome | undefined> {
  let delayMs = FIRST_THROTTLE_DELAY_MS;
  for (;;) {
    try {
      return await invoke(event);
    } catch (error) {
      if (!(error instanceof ThrottledError) || stopping.aborted) return undefined;
    }
    if (clock.now().getTime() + delayMs >= visibleAtMs) return undefined;
    await wait(clock, delayMs, stopping);
    delayMs *= 2;
  }
}

function failedIn(
  outcome: Outcome | undefined,
  mapping: MappingDefinition,
  messages: readonly Message[],
): Set<string> {
  const ids = messages.map(idOf);
  if (outcome === undefined || 'error' in outcome) return new Set(ids);
  if (!mapping.reportBatchItemFailures) return new Set();
  return failedMessageIds(JSON.parse(outcome.payload), ids);
}

function idOf(message: Message): string {
  return message.MessageId ?? '';
}
