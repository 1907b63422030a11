import { expect, test } from 'vitest';
import { splitBatch } from '../../../infra/local/queues/split-batch.ts';
import { sqsEvent } from '../../../infra/local/queues/sqs-event.ts';

const ARN = 'arn:aws:sqs:eu-central-1:000000000000:events';
const REGION = 'eu-central-1';
const message = (bytes: number) => ({ MessageId: String(bytes), Body: 'é'.repeat(bytes / 2) });

const split = (sizes: readonly number[]) => splitBatch(sizes.map(message), ARN, REGION, 10_000);

test('what fits into one event is one', () => {
  expect(split([2000, 2000, 2000])).toHaveLength(1);
  expect(split([])).toEqual([]);
});

test('what does not fit is several, in order and none too large', () => {
  const parts = split([4000, 4000, 4000, 4000, 2000]);
  expect(parts.flat().map((entry) => entry.MessageId)).toEqual([
    '4000',
    '4000',
    '4000',
    '4000',
    '2000',
  ]);
  expect(parts.length).toBeGreaterThan(1);
  for (const part of parts) {
    const event = JSON.stringify(sqsEvent(part, ARN, REGION));
    expect(Buffer.byteLength(event)).toBeLessThanOrEqual(10_000);
  }
});

test('a message that is too large alone stands alone', () => {
  expect(split([2000, 20_000, 2000]).map((part) => part.length)).toEqual([1, 1, 1]);
});
