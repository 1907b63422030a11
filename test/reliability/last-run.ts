import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';

const counts = z.record(z.string(), z.number());

/** What the last full run counted. */
const lastRun = z.object({
  /** A day: `2026-11-25`. */
  date: z.iso.date(),
  model: z.object({ states: z.number(), guards: z.number() }),
  simulation: z.object({ runs: z.number(), actions: counts, faults: counts }),
  stack: z.record(z.string(), counts),
});

export type LastRun = z.output<typeof lastRun>;

const fileIn = (root: string) => path.join(root, 'test/reliability/last-run.json');

export async function readLastRun(root: string): Promise<LastRun> {
  return lastRun.parse(JSON.parse(await readFile(fileIn(root), 'utf8')));
}

export async function writeLastRun(root: string, run: LastRun): Promise<void> {
  await writeFile(fileIn(root), `${JSON.stringify(run, undefined, 2)}\n`);
}
