import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../simulation/random.ts';
import type { RunningStack } from '../running-stack.ts';

/** One kind of bad weather, for as long as it lasts. */
interface Spell {
  readonly name: string;
  begin(key: string): Promise<unknown>;
  end(): Promise<unknown>;
  /** For so long all functions leave Dataverse alone afterwards: what came next would meet nobody. */
  readonly pauseMs?: number;
}

const SPELL_MS = { from: 800, to: 2_000 } as const;
const GAP_MS = { from: 100, to: 400 } as const;

/** What hits single requests to Dataverse all the time. */
const DRIZZLE = [
  { mode: 'throttled', retryAfterSeconds: 1, probability: 0.02 },
  { mode: 'unavailable', probability: 0.02 },
  { mode: 'unauthorized', probability: 0.02 },
  { mode: 'reset', probability: 0.02 },
  { mode: 'half', probability: 0.02 },
  { mode: 'html', probability: 0.02 },
  { mode: 'hang', probability: 0.005 },
  // The write that was given up lands later, perhaps after a newer one.
  { mode: 'apply-late', line: 'reset', probability: 0.02, paths: ['contacts('] },
];

/** What becomes of nearly all requests to Dataverse for a while. */
const OUTAGES = [
  // Longer than a message waits for: the row's clock takes over.
  { mode: 'throttled', retryAfterSeconds: 7, pauseMs: 7_000 },
  { mode: 'unavailable' },
  { mode: 'unauthorized', pauseMs: 5_000 },
  { mode: 'forbidden' },
  { mode: 'reset' },
  { mode: 'half' },
  { mode: 'html' },
  { mode: 'hang' },
  { mode: 'apply-late', line: 'hang', paths: ['contacts('] },
];
const OUTAGE_PROBABILITY = 0.8;

/** How webhooks travel: some twice, in an order of their own. */
export const DELIVERY = { shuffle: { seed: 1 }, duplicate: 0.1 };

/** The faults of the systems around us: two spells at a time, one of Dataverse's, one of the others'. */
export function createWeather(it: RunningStack, random: Random, seed: number) {
  const spells: Record<string, number> = {};
  const dataverse = (faults: object[]) => it.control('PUT', '/faults', { seed, faults });
  const others = (method: string, path: string, body?: object) =>
    switchFault(`${it.details.faultControlUrl}${path}`, method, body);
  const redis = (mode: string): Spell => ({
    name: `Redis: ${mode}`,
    begin: () => others('PUT', '/redis', { mode }),
    end: () => others('PUT', '/redis', { mode: 'none' }),
  });
  const neon = (mode: string): Spell => ({
    name: `Neon: ${mode}`,
    begin: (key) => others('PUT', '/neon', { mode, times: random.between(`${key} times`, 3, 12) }),
    end: () => others('PUT', '/neon', { mode: 'none' }),
  });

  const dataverseSpells = OUTAGES.map(
    ({ pauseMs = 0, ...outage }): Spell => ({
      pauseMs,
      name: `Dataverse: ${outage.mode}`,
      begin: () => dataverse([{ ...outage, probability: OUTAGE_PROBABILITY }, ...DRIZZLE]),
      async end() {
        await dataverse(DRIZZLE);
        // Dataverse may take two minutes for an operation: whatever it holds lands well before that.
        if (outage.mode === 'apply-late') await it.control('POST', '/faults/release');
      },
    }),
  );
  const otherSpells: Spell[] = [
    {
      name: 'PostgreSQL: crash and start',
      begin: () => others('POST', '/postgres/crash'),
      end: () => others('POST', '/postgres/start'),
    },
    redis('hang'),
    redis('refuse'),
    redis('error'),
    redis('garbage'),
    neon('refuse'),
    neon('unavailable'),
    neon('hang'),
    neon('reset-after-commit'),
    {
      name: 'webhooks: held back',
      begin: () => it.control('PUT', '/delivery', { ...DELIVERY, hold: true }),
      end: () => it.control('PUT', '/delivery', DELIVERY),
    },
  ];

  /** All spells of a lane in an order of their own, again and again, each once at the least. */
  async function blow(lane: string, kinds: readonly Spell[], over: AbortSignal): Promise<void> {
    const length = ({ from, to }: typeof SPELL_MS | typeof GAP_MS, key: string) =>
      delay(random.between(key, from, to));
    for (let round = 1; round === 1 || !over.aborted; round += 1) {
      const order = kinds
        .map((spell) => ({ spell, place: random.unit(`${lane} ${round} ${spell.name}`) }))
        .toSorted((left, right) => left.place - right.place);
      for (const { spell } of order) {
        if (round > 1 && over.aborted) return;
        const key = `${lane} ${round} ${spell.name}`;
        await spell.begin(key);
        await length(SPELL_MS, `${key} length`);
        await spell.end();
        spells[spell.name] = (spells[spell.name] ?? 0) + 1;
        await length(GAP_MS, `${key} gap`);
        await delay(spell.pauseMs ?? 0);
      }
    }
  }

  return {
    /** How often each spell came. */
    spells,

    /** Blows until told that it is over, then leaves everything working. */
    async storm(over: AbortSignal): Promise<void> {
      await it.control('PUT', '/delivery', DELIVERY);
      await dataverse(DRIZZLE);
      await Promise.all([
        blow('dataverse', dataverseSpells, over),
        blow('others', otherSpells, over),
      ]);
      await it.control('PUT', '/delivery', {});
      await it.control('DELETE', '/faults');
      await it.control('POST', '/faults/release');
    },
  };
}

async function switchFault(url: string, method: string, body: object | undefined): Promise<void> {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status}`);
}
