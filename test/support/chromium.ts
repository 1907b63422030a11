import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Said where a browser is missing. */
export const WITHOUT_CHROMIUM =
  'Not tried in a browser: there is no chromium on the PATH (apt-get install chromium).';

/** Starts the `chromium` of the PATH, without a window; undefined, and said aloud, if there is none. */
export async function launchChromium(): Promise<Browser | undefined> {
  const executablePath = await find('chromium');
  if (executablePath === undefined) {
    process.stderr.write(`\n${WITHOUT_CHROMIUM}\n`);
    return undefined;
  }
  return chromium.launch({ executablePath });
}

async function find(program: string): Promise<string | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, program);
    const found = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return path;
  }
  return undefined;
}
