import { parentPort, workerData } from 'node:worker_threads';
import { connectTo } from './database.ts';
import { FAULTS } from './faults.ts';
import { guardNamed } from './guards.ts';
import { run, type RunOptions } from './run.ts';
import type { Violation } from './world.ts';

export interface WorkerInput {
  readonly databaseUrl: string;
  readonly firstSeed: number;
  readonly step: number;
  readonly lastSeed: number;
  /** Milliseconds since 1970, real ones. */
  readonly untilMs: number;
  /** Name of the guard that is taken out. */
  readonly without?: string;
}

export type Counts = Readonly<Record<string, number>>;

export interface WorkerResult {
  readonly runs: number;
  /** How often what happened, by its kind. */
  readonly actions: Counts;
  readonly faults: Counts;
  readonly broken?: { readonly seed: number; readonly violation: Violation };
}

/** Runs every so-many-th seed until the first one that breaks. */
const { databaseUrl, firstSeed, step, lastSeed, untilMs, without } = workerData as WorkerInput;
const options: RunOptions = without === undefined ? {} : guardNamed(without);
const client = await connectTo(databaseUrl);
let runs = 0;
const actions: Record<string, number> = {};
const faults: Record<string, number> = {};
let broken: WorkerResult['broken'];
for (let seed = firstSeed; seed <= lastSeed && Date.now() < untilMs; seed += step) {
  const result = await run(client, seed, options);
  const [violation] = result.violations;
  runs += 1;
  for (const action of result.actions) actions[action] = (actions[action] ?? 0) + 1;
  for (const happened of result.happened) {
    const kind = FAULTS.find((fault) => happened.endsWith(` ${fault}`));
    if (kind !== undefined) faults[kind] = (faults[kind] ?? 0) + 1;
  }
  if (violation !== undefined) {
    broken = { seed, violation };
    break;
  }
}
await client.end();
const counted: WorkerResult = { runs, actions, faults, ...(broken !== undefined && { broken }) };
parentPort?.postMessage(counted, []);
