import {
  DeleteMessageBatchCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../lambda/execution-environment.ts';
import type { MappingDefinition } from '../template/definitions.ts';
import { failedMessageIds } from './batch-response.ts';
import { sqsEvent } from './sqs-event.ts';

export interface EventSourceRequest {
  readonly mapping: MappingDefinition;
  readonly queueUrl: string;
  readonly region: string;
  readonly sqs: SQSClient;
  invoke(event: unknown): Promise<Outcome>;
  /** Told about a queue that cannot be reached. */
  onError(error: unknown): void;
}

export interface EventSource {
  /** Receives no more and resolves when the batches at hand have been dealt with. */
  stop(): Promise<void>;
}

/** Lambda starts with five pollers; two are enough to keep a laptop's queue moving. */
const MIN_POLLERS = 2;
/** Lambda goes far higher; here each poller keeps a process busy. */
const DEFAULT_MAX_POLLERS = 5;
/** Receives without a message after which a poller above the minimum ends. */
const IDLE_RECEIVES = 5;
/** Short, because stopping waits for the receive under way: abandoned, it could still take messages. */
const WAIT_SECONDS = 1;
/** Most that SQS hands out in one receive. */
const MAX_RECEIVED = 10;
const RETRY_DELAY_MS = 1000;

/**
 * Polls a queue and invokes its function, as an event source mapping does: batches up to the batch
 * size, more pollers while batches are full, deletion of what succeeded. What failed stays where it
 * is until its visibility timeout ends; the queue's redrive policy does the rest.
 */
export function startEventSource(request: EventSourceRequest): EventSource {
  const { mapping } = request;
  const maxPollers = Math.max(1, mapping.maximumConcurrency ?? DEFAULT_MAX_POLLERS);
  const minPollers = Math.min(MIN_POLLERS, maxPollers);
  const stopping = new AbortController();
  const pollers = new Set<Promise<void>>();

  const poll = async (): Promise<void> => {
    let idle = 0;
    while (!stopping.signal.aborted && (idle < IDLE_RECEIVES || pollers.size <= minPollers)) {
      try {
        const messages = await receiveBatch(request, stopping.signal);
        idle = messages.length === 0 ? idle + 1 : 0;
        if (messages.length === mapping.batchSize && pollers.size < maxPollers) addPoller();
        if (messages.length > 0) await handleBatch(request, messages);
      } catch (error) {
        if (stopping.signal.aborted) return;
        request.onError(error);
        await delay(RETRY_DELAY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  };
  const addPoller = (): void => {
    // The turn of the event loop lets the set hold the poller before it looks at the set's size.
    const poller = Promise.resolve().then(poll);
    pollers.add(poller);
    void poller.finally(() => pollers.delete(poller));
  };
  for (let count = 0; count < minPollers; count += 1) addPoller();

  return {
    async stop() {
      stopping.abort();
      await Promise.all(pollers);
    },
  };
}

/** One batch: what is there, or, with a batching window, what comes until it is full or over. */
async function receiveBatch(
  { sqs, queueUrl, mapping }: EventSourceRequest,
  stopping: AbortSignal,
): Promise<Message[]> {
  const batch: Message[] = [];
  let windowEnds: number | undefined;
  do {
    const answer = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: Math.min(MAX_RECEIVED, mapping.batchSize - batch.length),
        WaitTimeSeconds: WAIT_SECONDS,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    batch.push(...(answer.Messages ?? []));
    if (batch.length === 0) return batch;
    windowEnds ??= Date.now() + mapping.batchingWindowSeconds * 1000;
  } while (batch.length < mapping.batchSize && Date.now() < windowEnds && !stopping.aborted);
  return batch;
}

async function handleBatch(request: EventSourceRequest, messages: Message[]): Promise<void> {
  const { mapping, region, sqs, queueUrl } = request;
  const outcome = await request.invoke(sqsEvent(messages, mapping.queueArn, region));
  const failed = failedIn(outcome, mapping, messages);
  const done = messages.filter((message) => !failed.has(idOf(message)));
  for (let first = 0; first < done.length; first += MAX_RECEIVED) {
    const Entries = done
      .slice(first, first + MAX_RECEIVED)
      .map((message, index) => ({ Id: String(index), ReceiptHandle: message.ReceiptHandle }));
    await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
  }
}

function failedIn(
  outcome: Outcome,
  mapping: MappingDefinition,
  messages: readonly Message[],
): Set<string> {
  const ids = messages.map(idOf);
  if ('error' in outcome) return new Set(ids);
  if (!mapping.reportBatchItemFailures) return new Set();
  return failedMessageIds(JSON.parse(outcome.payload), ids);
}

function idOf(message: Message): string {
  return message.MessageId ?? '';
}
