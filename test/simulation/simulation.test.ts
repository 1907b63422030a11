import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Client } from 'pg';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { guardNamed } from './guards.ts';
import { run } from './run.ts';
import { shorten } from './shorten.ts';

/** About a minute; `npm run simulate` tries others and more. */
const SEEDS = 500;

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

test('all invariants hold under seeded faults', {
  timeout: 600_000,
  tags: [
    'fault-1',
    'fault-2',
    'fault-3',
    'fault-4',
    'fault-5',
    'fault-6',
    'fault-7',
    'fault-9',
    'fault-10',
    'fault-11',
    'fault-12',
    'fault-13',
    'fault-14',
    'fault-15',
    'fault-16',
    'fault-17',
    'fault-18',
    'fault-19',
    'fault-20',
    'fault-22',
    'fault-24',
    'fault-25',
    'fault-26',
    'fault-28',
    'fault-29',
    'fault-30',
    'fault-31',
    'fault-32',
    'fault-33',
    'fault-34',
  ],
}, async () => {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const { violations, history } = await run(client, seed);
    expect(violations, `seed ${seed}\n${history.join('\n')}`).toEqual([]);
  }
});

test('the same seed gives the same history', async () => {
  const [first, , again] = [await run(client, 36), await run(client, 2), await run(client, 36)];
  expect(again.history).toEqual(first.history);
});

test('what broke is told in the shortest way', { timeout: 300_000 }, async () => {
  const guard = guardNamed('outbound: the doubt is recorded before the write');
  const broken = await run(client, 2, guard);
  const shortest = await shorten(broken, (left) => run(client, 2, { ...guard, left }));
  expect(shortest.violations[0]?.invariant).toBe(broken.violations[0]?.invariant);
  expect(shortest.happened.length).toBeLessThan(broken.happened.length);
});
