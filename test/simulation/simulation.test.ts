import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from 'pg';
import { REFUSED_TOKEN_SECONDS } from '../../shared/dataverse/refused-token.ts';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { GUARDS, guardNamed } from './guards.ts';
import { type Run, run } from './run.ts';
import { shorten } from './shorten.ts';

/** With the guards this is about a minute; `npm run simulate` tries others and more. */
const SEEDS = 500;
/** Most guards are missed within ten runs that are about them. */
const SEEDS_WITHOUT_GUARD = 200;

/** Of each kind of outage. */
const SEEDS_OF_OUTAGE = 2;
const SEEDS_OF_DISABLED_USER = 16;
/** Long enough for the refusal to be noted several times. */
const DISABLED_MS = 4 * REFUSED_TOKEN_SECONDS * 1000;
const HOUR_MS = 3_600_000;

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
  timeout: 180_000,
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

const AWAY = { cast: undefined, meanwhile: [], faults: [], contacts: 3, namesakes: false };

describe('Dataverse is away for three hours while webhooks and consents keep coming:', () => {
  // Settled means: the dead-letter queues hold nothing but nonsense, and both sides agree.
  test.for(['throttled', 'server error', 'hang'] as const)(
    '%s',
    {
      timeout: 60_000,
      tags: ['fault-15', 'fault-17'],
    },
    async (kind) => {
      const outage = { kind, lastsMs: 3 * HOUR_MS };
      for (let seed = 1; seed <= SEEDS_OF_OUTAGE; seed += 1) {
        const { violations, history } = await run(client, seed, { focus: { ...AWAY, outage } });
        expect(violations, `seed ${seed}\n${history.join('\n')}`).toEqual([]);
        expect(history.join('\n')).toContain('Dataverse is away');
      }
    },
  );
});

test('a disabled application user costs few tokens, and then all goes on by itself', {
  timeout: 60_000,
  tags: ['fault-16', 'fault-36'],
}, async () => {
  const outage = { kind: 'disabled', lastsMs: DISABLED_MS } as const;
  const undisturbed: Run[] = [];
  for (let seed = 1; seed <= SEEDS_OF_DISABLED_USER; seed += 1) {
    const result = await run(client, seed, { focus: { ...AWAY, outage } });
    // That no more was bought than the allowance is one of the invariants.
    expect(result.violations, `seed ${seed}\n${result.history.join('\n')}`).toEqual([]);
    expect(result.tokenAllowance.replacements).toBeGreaterThan(0);
    const { late, withoutRedis } = result.tokenAllowance;
    if (late + withoutRedis === 0) undisturbed.push(result);
  }
  // The first token and its successor, and a replacement for each note: one at the first refusal, and one
  // whenever its life is over.
  const notes = 1 + DISABLED_MS / (REFUSED_TOKEN_SECONDS * 1000);
  for (const { seed, tokens } of undisturbed) {
    expect(tokens, `seed ${seed}`).toBeLessThanOrEqual(2 + notes);
  }
  expect(undisturbed.length).toBeGreaterThan(0);
});

test('the same seed gives the same history', async () => {
  const [first, , again] = [await run(client, 36), await run(client, 2), await run(client, 36)];
  expect(again.history).toEqual(first.history);
});

describe('a guard that is taken out is missed:', () => {
  test.for(GUARDS.map((guard, index) => ({ ...guard, index })))(
    '$name',
    { timeout: 120_000 },
    async ({ index, fromSeed = 1, ...guard }) => {
      const unguarded = await connectTo(await server.createDatabase(`guard_${index}`, guard.ddl));
      try {
        let found = false;
        for (let n = 0; n < SEEDS_WITHOUT_GUARD && !found; n += 1) {
          const seed = fromSeed + n;
          found = (await run(unguarded, seed, guard)).violations.length > 0;
        }
        expect(found).toBe(true);
      } finally {
        await unguarded.end();
      }
    },
  );
});

test('what broke is told in the shortest way', { timeout: 60_000 }, async () => {
  const guard = guardNamed('outbound: the doubt is recorded before the write');
  const broken = await run(client, 2, guard);
  const shortest = await shorten(broken, (left) => run(client, 2, { ...guard, left }));
  expect(shortest.violations[0]?.invariant).toBe(broken.violations[0]?.invariant);
  expect(shortest.happened.length).toBeLessThan(broken.happened.length);
});
