import { expect, test } from 'vitest';
import { createIdSet } from '../../../shared/verify/id-set.ts';

test('ids are told apart by all of their digits', () => {
  const ids = createIdSet();
  ids.add('c0000000-0000-4000-8000-00000000000a');
  ids.add('c0000000-0000-4000-8000-00000000000a');
  ids.add('c0000000-0000-4000-8000-0000000000ff');
  expect(ids.size).toBe(2);
  expect(ids.has('c0000000-0000-4000-8000-00000000000a')).toBe(true);
  expect(ids.has('c0000000-0000-4000-8000-0000000000fe')).toBe(false);
  expect(ids.has('d0000000-0000-4000-8000-00000000000a')).toBe(false);
});
