import type { Message } from '@aws-sdk/client-sqs';
import { sqsEvent } from './sqs-event.ts';

/** Beside the records: `{"Records":[` and its end. */
const ENVELOPE_BYTES = 16;

/**
 * Divides messages among events that fit into an invocation: a batch is as large as the batch size or
 * as its payload may be, whichever comes first ("Using Lambda with Amazon SQS"). A message that is too
 * large alone gets an event of its own.
 */
export function splitBatch(
  messages: readonly Message[],
  queueArn: string,
  region: string,
  maxBytes: number,
): Message[][] {
  const batches: Message[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const message of messages) {
    const { Records: records } = sqsEvent([message], queueArn, region);
    const size = Buffer.byteLength(JSON.stringify(records));
    if (bytes + size > maxBytes) {
      batches.push([]);
      bytes = ENVELOPE_BYTES;
    }
    batches.at(-1)?.push(message);
    bytes += size;
  }
  return batches;
}
