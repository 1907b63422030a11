/**
 * npm run simulate -- --seed 42        one run, its history and what it broke
 * npm run simulate -- --seeds 2000     the runs 1 … 2000, in two workers
 * npm run simulate -- --minutes 10     as many as there is time for, from a seed of its own
 * npm run simulate -- --seeds 2000 --json   the counts for scripts
 * npm run simulate -- --guards 300     what is found with each guard taken out, within so many runs
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { connectTo } from './database.ts';
import { type DatabaseServer, startDatabaseServer } from './database-server.ts';
import { GUARDS } from './guards.ts';
import { type Run, run } from './run.ts';
import { shorten } from './shorten.ts';
import type { Counts, WorkerInput, WorkerResult } from './worker.ts';

const WORKERS = 2;
const DEFAULT_SEEDS = 200;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    guards: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});

const server = await startDatabaseServer();
try {
  if (values.seed !== undefined) process.exitCode = await showSeed(server, whole(values.seed));
  else if (values.guards !== undefined) await showGuards(server, whole(values.guards));
  else process.exitCode = await search(server);
} finally {
  await server.stop();
}

/** Everything that is printed is the same for the same seed. */
async function showSeed(on: DatabaseServer, seed: number): Promise<number> {
  const client = await connectTo(await on.createDatabase('one'));
  try {
    const result = await run(client, seed);
    if (result.violations.length === 0) {
      print([...result.history, `seed ${seed}: all invariants hold`]);
      return 0;
    }
    print(explain(await shorten(result, (left) => run(client, seed, { left }))));
    return 1;
  } finally {
    await client.end();
  }
}

async function search(on: DatabaseServer): Promise<number> {
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  const firstSeed = minutes === undefined ? 1 : Math.floor(Date.now() / 1000);
  const seeds = values.seeds === undefined ? DEFAULT_SEEDS : whole(values.seeds);
  const results = await Promise.all(
    Array.from({ length: WORKERS }, async (_, index) =>
      inWorker({
        databaseUrl: await on.createDatabase(`worker_${index}`),
        firstSeed: firstSeed + index,
        step: WORKERS,
        lastSeed: minutes === undefined ? seeds : Infinity,
        untilMs: minutes === undefined ? Infinity : Date.now() + minutes * 60_000,
      }),
    ),
  );
  const runs = results.reduce((sum, result) => sum + result.runs, 0);
  const [broken] = results.flatMap((one) => one.broken?.seed ?? []).toSorted((a, b) => a - b);
  if (broken === undefined) {
    const actions = total(results.map((one) => one.actions));
    const faults = total(results.map((one) => one.faults));
    print(
      values.json
        ? [JSON.stringify({ runs, actions, faults })]
        : [
            `${runs} runs: all invariants hold`,
            `${sumOf(actions)} actions: ${listed(actions)}`,
            `${sumOf(faults)} faults: ${listed(faults)}`,
          ],
    );
    return 0;
  }
  return showSeed(on, broken);
}

/** Takes out one guard after the other, and says in which run it is missed first. */
async function showGuards(on: DatabaseServer, seeds: number): Promise<void> {
  const waiting = [...GUARDS.entries()];
  await Promise.all(
    Array.from({ length: WORKERS }, async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, { name, ddl }] = next;
        const { broken } = await inWorker({
          databaseUrl: await on.createDatabase(`guard_${index}`, ddl),
          firstSeed: 1,
          step: 1,
          lastSeed: seeds,
          untilMs: Infinity,
          without: name,
        });
        print([
          broken === undefined
            ? `${name}: not missed within ${seeds} runs`
            : `${name}: seed ${broken.seed}, ${broken.violation.invariant}: ${broken.violation.detail}`,
        ]);
      }
    }),
  );
}

/** In the order of their names: the same for the same runs. */
function total(all: readonly Counts[]): Counts {
  const names = [...new Set(all.flatMap((counts) => Object.keys(counts)))].toSorted();
  return Object.fromEntries(
    names.map((name) => [name, all.reduce((sum, counts) => sum + (counts[name] ?? 0), 0)]),
  );
}

function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, one) => sum + one, 0);
}

function listed(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

async function inWorker(workerData: WorkerInput): Promise<WorkerResult> {
  const worker = new Worker(new URL('worker.ts', import.meta.url), { workerData });
  const [message] = (await once(worker, 'message')) as [WorkerResult];
  return message;
}

function explain({ seed, history, violations, happened }: Run): string[] {
  const first = violations[0];
  return [
    ...history,
    '',
    `seed ${seed} breaks: ${first?.invariant} (${first?.detail})`,
    `with nothing but: ${happened.join('; ')}`,
  ];
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`not a whole number: ${text}`);
  return value;
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}
