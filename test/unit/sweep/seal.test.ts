import { expect, test } from 'vitest';
import { createSealing, SEAL_PIECE } from '../../../functions/sweep/seal.ts';
import type { Sealed } from '../../../shared/audit/seal-audit.ts';
import { SealKeyMismatch } from '../../../shared/audit/seal-audit.ts';
import { DatabaseUnavailable } from '../../../shared/database/database.ts';
import { recordLog } from '../../support/observability.ts';

const CHAIN = 'ab'.repeat(32);

/** Rows that wait, and a second that passes with each piece. */
function setUp(waiting: number, seconds = 55, failure?: Error) {
  const { log, lines } = recordLog();
  let left = waiting;
  let remainingMs = seconds * 1_000;
  const seal = async (limit: number): Promise<Sealed | undefined> => {
    remainingMs -= 1_000;
    if (failure !== undefined) throw failure;
    const count = Math.min(limit, left);
    left -= count;
    return count === 0 ? undefined : { count, head: { number: waiting - left, chain: CHAIN } };
  };
  return { run: () => createSealing({ seal, log })(() => remainingMs), lines, left: () => left };
}

test('everything that waits is sealed, and the log has the newest seal of each piece', async () => {
  const { run, lines, left } = setUp(SEAL_PIECE + 7);
  await run();
  expect(left()).toBe(0);
  expect(lines).toEqual([
    expect.objectContaining({
      code: 'AU-001',
      count: SEAL_PIECE,
      sealNumber: SEAL_PIECE,
      chain: CHAIN,
    }),
    expect.objectContaining({ code: 'AU-001', count: 7, sealNumber: SEAL_PIECE + 7, chain: CHAIN }),
  ]);
});

test('where nothing waits nothing is logged', async () => {
  const { run, lines } = setUp(0);
  await run();
  expect(lines).toEqual([]);
});

test('it ends before the time is over, and leaves the rest to the next run', async () => {
  const { run, left } = setUp(SEAL_PIECE * 100, 15);
  await run();
  expect(left()).toBe(SEAL_PIECE * 95);
});

test.each([
  [new DatabaseUnavailable(undefined), 'DatabaseUnavailable'],
  [new SealKeyMismatch(3), 'SealKeyMismatch'],
])('a failure is logged and stops nothing else', async (failure, errorName) => {
  const { run, lines } = setUp(1, 55, failure);
  await run();
  expect(lines).toEqual([expect.objectContaining({ code: 'AU-002', errorName })]);
});
