import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesize } from '../../infra/local/synthesize.ts';

const VARIABLE = 'CONSENTHUB_TEST_ASSEMBLY';

/** Synthesises the template for a whole run of the tests: for each stack again it would cost seconds. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // The other project whose tests start stacks was first.
  if (assemblyOfRun() !== undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'consenthub-test-assembly-'));
  await synthesize(directory, new AbortController().signal);
  process.env[VARIABLE] = directory;
  return () => rm(directory, { recursive: true, force: true });
}

/** The cloud assembly that all stacks of this run share; undefined outside of a run. */
export const assemblyOfRun = (): string | undefined => process.env[VARIABLE];
