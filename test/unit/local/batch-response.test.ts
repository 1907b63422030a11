import { expect, test } from 'vitest';
import { failedMessageIds } from '../../../infra/local/queues/batch-response.ts';

const IDS = ['a', 'b', 'c'];
const NONE: string[] = [];

test.each<[string, unknown, string[]]>([
  ['no response', null, NONE],
  ['an empty response', {}, NONE],
  ['a null list', { batchItemFailures: null }, NONE],
  ['an empty list', { batchItemFailures: [] }, NONE],
  ['one failure', { batchItemFailures: [{ itemIdentifier: 'b' }] }, ['b']],
  [
    'the same twice',
    { batchItemFailures: [{ itemIdentifier: 'b' }, { itemIdentifier: 'b' }] },
    ['b'],
  ],
  ['an unknown id', { batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'z' }] }, IDS],
  ['an empty id', { batchItemFailures: [{ itemIdentifier: '' }] }, IDS],
  ['a null id', { batchItemFailures: [{ itemIdentifier: null }] }, IDS],
  ['another key', { batchItemFailures: [{ id: 'a' }] }, IDS],
  ['an entry that is no object', { batchItemFailures: [null] }, IDS],
  ['a list that is none', { batchItemFailures: 'a' }, IDS],
  ['text', 'failed', IDS],
  ['a number', 1, IDS],
  ['a list', [], IDS],
])('%s', (_what, response, failed) => {
  expect([...failedMessageIds(response, IDS)]).toEqual(failed);
});
