import { parentPort, workerData } from 'node:worker_threads';
import { connectTo } from './database.ts';
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

export interface WorkerResult {
  readonly runs: number;
  readonly broken?: { readonly seed: number; readonly violation: Violation };
}

/** Runs every so-many-th seed until the first one that breaks. */
const { databaseUrl, firstSeed, step, lastSeed, untilMs, without } = workerData as WorkerInput;
const options: RunOptions = without === undefined ? {} : guardNamed(without);
const client = await connectTo(databaseUrl);
let runs = 0;
let broken: WorkerResult['broken'];
for (let seed = firstSeed; seed <= lastSeed && Date.now() < untilMs; seed += step) {
  const [violation] = (await run(client, seed, options)).violations;
  runs += 1;
  if (violation !== undefined) {
    broken = { seed, violation };
    break;
  }
}
await client.end();
const result: WorkerResult = { runs, ...(broken !== undefined && { broken }) };
parentPort?.postMessage(result, []);
