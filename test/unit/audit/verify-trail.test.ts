import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createSealer, type SealableRow, sealRows } from '../../../shared/audit/seal.ts';
import type { SealReader } from '../../../shared/audit/seal-store.ts';
import { SEALS_PER_READ, verifyTrail } from '../../../shared/audit/verify-trail.ts';
import { AT, row } from '../../support/sealable-rows.ts';

test('what the database sends is taken in while the page before it is computed', async () => {
  const sealer = createSealer('a key of this test');
  const rows = Array.from({ length: SEALS_PER_READ + 1 }, (_, n) => row(n + 1));
  const seals = sealRows(sealer, rows, undefined, AT);
  const sealed = seals.map((seal, n) => ({ seal, row: rows[n] }));
  let computed = 0;
  const computedOnArrival: number[] = [];
  const reader: SealReader = {
    readHead: async () => undefined,
    async readSealed(after, limit) {
      // Whoever computes without a pause keeps this from going on.
      await setImmediate();
      computedOnArrival.push(computed);
      const first = Number(after ?? 0);
      const next = first + limit < sealed.length ? String(first + limit) : undefined;
      return { sealed: sealed.slice(first, first + limit), next };
    },
    findInserted: async () => [],
    findTakenUnsealed: async () => [],
    countUnsealed: async () => ({ waiting: 0, oldestSeconds: 0 }),
  };
  const counting = {
    ...sealer,
    rowHash(sealable: SealableRow) {
      computed += 1;
      return sealer.rowHash(sealable);
    },
  };

  const { seals: looked, findings } = await verifyTrail({ reader, sealer: counting });

  expect({ looked, computed, findings }).toEqual({
    looked: rows.length,
    computed: rows.length,
    findings: [],
  });
  expect(computedOnArrival[0]).toBe(0);
  expect(computedOnArrival[1]).toBeLessThan(SEALS_PER_READ / 2);
});
