import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from 'pg';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { GUARDS } from './guards.ts';
import { run } from './run.ts';
import { shorten } from './shorten.ts';

/** About fifteen seconds; `npm run simulate` tries others and more. */
const SEEDS = 150;

let server: DatabaseServer;
let client: Client;

beforeAll(async () => {
  server = await startDatabaseServer();
  client = await connectTo(await server.createDatabase('runs'));
});

afterAll(async () => {
  await client.end();
  await server.stop();
});

test(`all invariants hold in ${SEEDS} runs`, { timeout: 120_000 }, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations, history } = await run(client, seed);
    expect(violations, `seed ${seed}\n${history.join('\n')}`).toEqual([]);
  }
});

test('the same seed gives the same history', async () => {
  const [first, , again] = [await run(client, 36), await run(client, 2), await run(client, 36)];
  expect(again.history).toEqual(first.history);
});

describe('a guard that is taken out is missed:', () => {
  const proven = GUARDS.flatMap(({ within, ...guard }, index) =>
    within === undefined ? [] : [{ ...guard, within, index }],
  );

  test.for(proven)('$name', { timeout: 60_000 }, async ({ within, ddl, tampering = {}, index }) => {
    const unguarded = await connectTo(await server.createDatabase(`guard_${index}`, ddl));
    try {
      let found = false;
      for (let seed = 1; seed <= within && !found; seed += 1) {
        found = (await run(unguarded, seed, { tampering })).violations.length > 0;
      }
      expect(found).toBe(true);
    } finally {
      await unguarded.end();
    }
  });
});

test('what broke is told in the shortest way', { timeout: 60_000 }, async () => {
  const guard = GUARDS.find(({ name }) => name.includes('the doubt is recorded'));
  const tampering = guard?.tampering ?? {};
  const broken = await run(client, 3, { tampering });
  const shortest = await shorten(broken, (left) => run(client, 3, { left, tampering }));
  expect(shortest.violations[0]?.invariant).toBe(broken.violations[0]?.invariant);
  expect(shortest.happened.length).toBeLessThanOrEqual(broken.happened.length);
});
