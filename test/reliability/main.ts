/**
 * npm run reliability                 writes docs/reliability.md from the tests and the last counts
 * npm run reliability -- --check      fails if it is not what would be written
 * npm run reliability -- --measure    counts anew first: model, simulation, faults against the stack
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { INBOUND_GUARDS } from '../model/inbound-guards.ts';
import { OUTBOUND_GUARDS } from '../model/outbound-guards.ts';
import { GUARDS } from '../simulation/guards.ts';
import { collectProofs } from './collect.ts';
import { readLastRun, writeLastRun } from './last-run.ts';
import { measure } from './measure.ts';
import { render } from './render.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = path.join(ROOT, 'docs/reliability.md');

const { values } = parseArgs({
  options: { check: { type: 'boolean' }, measure: { type: 'boolean' } },
});

if (values.measure === true) await writeLastRun(ROOT, await measure(ROOT));
const guards = {
  simulated: GUARDS.map(({ name }) => name),
  modelled: [...OUTBOUND_GUARDS, ...INBOUND_GUARDS],
};
const page = render(await collectProofs(ROOT), guards, await readLastRun(ROOT));
if (values.check === true) {
  if ((await readFile(PAGE, 'utf8')) !== page) {
    process.stderr.write('docs/reliability.md is stale: npm run reliability\n');
    process.exitCode = 1;
  }
} else {
  await writeFile(PAGE, page);
}
