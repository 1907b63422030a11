import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  compile,
  JSON_OF_THE_FRAMEWORK,
  KEY_FILE,
} from '../simulators/dataverse/plugin-host/compile.ts';
import { compileSdk } from '../simulators/dataverse/plugin-host/index.ts';

const SOURCE = fileURLToPath(
  new URL('../../infra/dynamics/plugin/SendWebhook.cs', import.meta.url),
);

export const SIGNING_PLUGIN = 'ConsentHub.Dynamics.SendWebhook';

/**
 * Compiles the signing plug-in against the stand-ins and returns the assembly in base64.
 * `edit` changes its source first, for what would take a test too long.
 */
export async function compileSigningPlugin(
  edit: (source: string) => string = (source) => source,
): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'consenthub-plugin-'));
  try {
    const output = join(directory, 'ConsentHub.Dynamics.dll');
    const source = join(directory, 'SendWebhook.cs');
    await writeFile(source, edit(await readFile(SOURCE, 'utf8')));
    await compile({
      sources: [source],
      output,
      target: 'library',
      references: [await compileSdk(directory), JSON_OF_THE_FRAMEWORK],
      keyFile: KEY_FILE,
    });
    return (await readFile(output)).toString('base64');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
