import { expect, test } from 'vitest';
import { LOCK_SECONDS } from '../../shared/dataverse/token-lock.ts';
import { createSimulatedCache } from './cache.ts';
import { createDataverse } from './dataverse.ts';
import type { Invocation } from './invocation.ts';
import { createOrganization } from './organization.ts';
import { createRandom } from './random.ts';
import { createWorld, START_MS } from './world.ts';

const SEEDS = 5;
const FLEET = 200;
/** All of them are started within this. */
const START_WITHIN_MS = 100;

const LOCK_MS = LOCK_SECONDS * 1000;
/**
 * What it takes to get from a lock that is over to an answer of Dataverse: the look that finds it gone
 * (150 ms), Entra ID's answer (200), the look that finds the token (150), the request (160), and a few
 * commands to Redis (10 each).
 */
const SERVED_WITHIN_MS = 750;

const LIFETIME_MS = 60_000;

function invocationNamed(name: string): Invocation {
  const invocation: Invocation = {
    name,
    skewMs: 0,
    endsByMs: START_MS + LIFETIME_MS,
    dead: false,
    disturbed: false,
    calls: 0,
    die() {
      invocation.dead = true;
    },
  };
  return invocation;
}

/** Many new containers make a request at the same time. Without faults, but for those that die in their `deaths`. */
async function startFleet(seed: number, deaths: number) {
  const world = createWorld(createRandom(seed), () => 0, new Set());
  const cache = createSimulatedCache(world);
  const organization = createOrganization(world, new Map(), () => undefined);
  const dataverse = createDataverse(world, cache, organization, () => undefined, {});
  const fleet = Array.from({ length: FLEET }, (_none, n) => invocationNamed(`container ${n + 1}`));
  const waitedMs: number[] = [];

  // The process is gone while its request is under way, so Entra ID issues a token to nobody.
  let dying = deaths;
  world.onCall(({ key, label }) => {
    if (label !== 'token' || dying === 0) return;
    dying -= 1;
    fleet.find(({ name }) => key.startsWith(`${name} #`))?.die();
  });
  for (const invocation of fleet) {
    world.after(world.random.between(`start of ${invocation.name}`, 0, START_WITHIN_MS), () => {
      const startedMs = world.now();
      // Not waited for: the world goes on while it waits.
      void dataverse
        .clientOf(invocation)
        .whoAmI()
        .then(() => waitedMs.push(world.now() - startedMs));
    });
  }
  while (await world.step(START_MS + LIFETIME_MS));
  return { fleet, dataverse, waitedMs, cache };
}

const seeds = Array.from({ length: SEEDS }, (_none, index) => index + 1);

test.for(seeds)('a cold fleet buys one token (seed %i)', { tags: ['fault-21'] }, async (seed) => {
  const { dataverse, waitedMs, cache } = await startFleet(seed, 0);
  expect(waitedMs).toHaveLength(FLEET);
  expect(dataverse.entra.issued).toBe(1);
  expect(Math.max(...waitedMs)).toBeLessThanOrEqual(SERVED_WITHIN_MS);
  expect(cache.failures).toBe(0);
});

test.for(seeds)(
  'a cold fleet whose lock’s holder dies while it asks buys one more when the lock is over (seed %i)',
  { tags: ['fault-21'] },
  async (seed) => {
    const { fleet, dataverse, waitedMs, cache } = await startFleet(seed, 1);
    expect(fleet.filter(({ dead }) => dead)).toHaveLength(1);
    expect(waitedMs).toHaveLength(FLEET - 1);
    expect(dataverse.entra.issued).toBe(2);
    expect(dataverse.outlastedLocks).toBe(0);
    expect(Math.max(...waitedMs)).toBeLessThanOrEqual(LOCK_MS + SERVED_WITHIN_MS);
    expect(cache.failures).toBe(0);
  },
);
