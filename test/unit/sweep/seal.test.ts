import { expect, test } from 'vitest';
import { createSealing, SEAL_PIECE, type Seal } from '../../../functions/sweep/seal.ts';
import { SealKeyMismatch } from '../../../shared/audit/seal-audit.ts';
import { DatabaseUnavailable } from '../../../shared/database/database.ts';
import { SecretUnset } from '../../../shared/secrets/errors.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';

const CHAIN = 'ab'.repeat(32);

/** Rows that wait, and a second that passes with each piece. */
function setUp(waiting: number, seconds = 55, failure?: Error) {
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  let left = waiting;
  let remainingMs = seconds * 1_000;
  const seal: Seal = async (limit) => {
    remainingMs -= 1_000;
    if (failure !== undefined) throw failure;
    const count = Math.min(limit, left);
    left -= count;
    return count === 0 ? undefined : { count, head: { number: waiting - left, chain: CHAIN } };
  };
  const start = async () => {
    if (failure instanceof SecretUnset) throw failure;
    return seal;
  };
  return {
    run: () => createSealing({ start, log, metrics })(() => remainingMs),
    lines,
    recorded,
    left: () => left,
  };
}

test('everything that waits is sealed, and the log has the newest seal of each piece', async () => {
  const { run, lines, recorded, left } = setUp(SEAL_PIECE + 7);
  await run();
  expect(left()).toBe(0);
  expect(recorded).toEqual([`AuditRowsSealed ${SEAL_PIECE + 7}`]);
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

test('where nothing waits nothing is logged, and it is measured that somebody looked', async () => {
  const { run, lines, recorded } = setUp(0);
  await run();
  expect(lines).toEqual([]);
  expect(recorded).toEqual(['AuditRowsSealed 0']);
});

test('it ends before the time is over, and leaves the rest to the next run', async () => {
  const { run, left } = setUp(SEAL_PIECE * 100, 15);
  await run();
  expect(left()).toBe(SEAL_PIECE * 95);
});

test.each([
  [new DatabaseUnavailable(undefined), 'DatabaseUnavailable'],
  [new SealKeyMismatch(3), 'SealKeyMismatch'],
  [new SecretUnset('audit-key'), 'SecretUnset'],
])('a failure is logged, stops nothing else, and measures nothing', async (failure, errorName) => {
  const { run, lines, recorded } = setUp(1, 55, failure);
  await run();
  expect(recorded).toEqual([]);
  expect(lines).toEqual([expect.objectContaining({ code: 'AU-002', errorName })]);
});
