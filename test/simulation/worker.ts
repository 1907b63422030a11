import { parentPort, workerData } from 'node:worker_threads';
import { connectTo } from './database.ts';
import { run } from './run.ts';

export interface WorkerInput {
  readonly databaseUrl: string;
  readonly firstSeed: number;
  readonly step: number;
  readonly lastSeed: number;
  /** Milliseconds since 1970, real ones. */
  readonly untilMs: number;
}

export interface WorkerResult {
  readonly runs: number;
  readonly brokenSeed?: number;
}

/** Runs every so-many-th seed until the first one that breaks. */
const { databaseUrl, firstSeed, step, lastSeed, untilMs } = workerData as WorkerInput;
const client = await connectTo(databaseUrl);
let runs = 0;
let brokenSeed: number | undefined;
for (let seed = firstSeed; seed <= lastSeed && Date.now() < untilMs; seed += step) {
  const result = await run(client, seed);
  runs += 1;
  if (result.violations.length > 0) {
    brokenSeed = seed;
    break;
  }
}
await client.end();
const result: WorkerResult = { runs, ...(brokenSeed !== undefined && { brokenSeed }) };
parentPort?.postMessage(result, []);
