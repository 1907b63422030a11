import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Client } from 'pg';
import { REFUSED_TOKEN_SECONDS } from '../../shared/dataverse/refused-token.ts';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { type Run, run } from './run.ts';

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

const AWAY = { cast: undefined, meanwhile: [], faults: [], contacts: 3, namesakes: false };

describe('Dataverse is away for three hours while webhooks and consents keep coming:', () => {
  // Settled means: the dead-letter queues hold nothing but nonsense, and both sides agree.
  test.for(['throttled', 'server error', 'hang'] as const)(
    '%s',
    {
      timeout: 300_000,
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
  timeout: 300_000,
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
