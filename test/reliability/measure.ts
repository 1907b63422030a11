import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as z from 'zod';
import { completeRuns, runsWithoutGuard } from '../model/runs.ts';
import type { LastRun } from './last-run.ts';

const SEEDS = 2_000;
const STACK_SEED = 7;
/** Above every budget of the model's runs. */
const MAX_STATES = 1_000_000;
const MAX_OUTPUT_BYTES = 10_000_000;

const counts = z.record(z.string(), z.number());
const simulated = z.object({ runs: z.number(), actions: counts, faults: counts });
const stack = z.record(z.string(), counts);

/** Runs everything at full size, one after the other. @throws if anything that must hold does not */
export async function measure(root: string): Promise<LastRun> {
  const complete = completeRuns().map((run) => run.explore(MAX_STATES));
  const missed = runsWithoutGuard().map((run) => run.explore(MAX_STATES));
  if (complete.some(({ violation }) => violation) || missed.some(({ violation }) => !violation)) {
    throw new Error('the model does not hold: npm run model');
  }
  return {
    date: new Date().toISOString().slice(0, 10),
    model: {
      states: complete.reduce((sum, { states }) => sum + states, 0),
      guards: missed.length,
    },
    simulation: simulated.parse(await json(root, ['simulate', '--seeds', `${SEEDS}`])),
    stack: stack.parse(await json(root, ['faults', '--seed', `${STACK_SEED}`])),
  };
}

async function json(root: string, [script = '', ...options]: readonly string[]): Promise<unknown> {
  const command = ['run', '--silent', script, '--', ...options, '--json'];
  const { stdout } = await promisify(execFile)('npm', command, {
    cwd: root,
    maxBuffer: MAX_OUTPUT_BYTES,
  });
  return JSON.parse(stdout);
}
