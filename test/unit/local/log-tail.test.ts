import { expect, test } from 'vitest';
import { logTail } from '../../../infra/local/lambda/function-log.ts';

const lines = (...entries: (object | string)[]): string =>
  entries.map((entry) => `${typeof entry === 'string' ? entry : JSON.stringify(entry)}\n`).join('');

test('lines that name another request belong to another invocation', () => {
  const own = [
    { type: 'platform.start', record: { requestId: 'one' } },
    { level: 'INFO', requestId: 'one', message: 'by console' },
    { level: 'INFO', function_request_id: 'one', message: 'by Powertools' },
    { _aws: {}, SyncLatency: 1 },
    'past the logger',
  ];
  const text = lines(
    { type: 'platform.start', record: { requestId: 'two' } },
    ...own,
    { level: 'INFO', requestId: 'two', message: 'by console' },
    { level: 'INFO', function_request_id: 'two', message: 'by Powertools' },
  );
  expect(logTail(text, 'one').toString()).toBe(lines(...own));
});

test('the last 4,096 bytes', () => {
  const tail = logTail(`${'é'.repeat(5000)}\n`, 'one');
  expect(tail).toHaveLength(4096);
  expect(tail.at(-1)).toBe(10);
});
