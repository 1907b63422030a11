import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Any key will do for the stand-in: a signed assembly may refer to signed ones only. */
export const KEY_FILE = fileURLToPath(
  new URL('../../../../infra/dynamics/plugin/ConsentHub.Dynamics.snk', import.meta.url),
);

/** A package of its own in Debian, which the compiler does not bring along. */
export const JSON_OF_THE_FRAMEWORK = 'System.Runtime.Serialization.dll';
/** What the compiler calls a reference that is not there. */
const MISSING_REFERENCE = 'CS0006';

export const NO_MONO =
  'There is no mono to run plug-ins with (apt-get install mono-mcs libmono-system-runtime-serialization4.0-cil).';

/** Whether this machine can compile and run C#: mono, its compiler and the framework's JSON. */
export async function isMonoAvailable(): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'consenthub-mono-'));
  const empty = join(directory, 'empty.cs');
  try {
    await run('mono', ['--version']);
    await writeFile(empty, '');
    await compile({
      sources: [empty],
      output: join(directory, 'empty.dll'),
      target: 'library',
      references: [JSON_OF_THE_FRAMEWORK],
    });
    return true;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if ('code' in error && error.code === 'ENOENT') return false;
    if (error.message.includes(MISSING_REFERENCE)) return false;
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Compiles C# with mono's compiler; any warning is an error. */
export async function compile(options: {
  readonly sources: readonly string[];
  readonly output: string;
  readonly target: 'library' | 'exe';
  readonly references: readonly string[];
  /** Signs the assembly with this key (a strong name). */
  readonly keyFile?: string;
}): Promise<void> {
  const { sources, output, target, references, keyFile } = options;
  await run('mcs', [
    '-nologo',
    '-warnaserror',
    '-langversion:7',
    `-target:${target}`,
    `-out:${output}`,
    ...references.map((reference) => `-r:${reference}`),
    ...(keyFile === undefined ? [] : [`-keyfile:${keyFile}`]),
    ...sources,
  ]);
}
