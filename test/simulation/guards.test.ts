import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { GUARDS } from './guards.ts';
import { run } from './run.ts';

/** Most guards are missed within ten runs that are about them. */
const SEEDS_WITHOUT_GUARD = 200;

let server: DatabaseServer;

beforeAll(async () => {
  server = await startDatabaseServer();
});

afterAll(() => server.stop());

describe('a guard that is taken out is missed:', () => {
  test.for(GUARDS.map((guard, index) => ({ ...guard, index })))(
    '$name',
    { timeout: 300_000 },
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
