/**
 * npm run faults                                  2,000 contacts in four minutes, a seed of its own
 * npm run faults -- --seed 42 --contacts 500 --seconds 60
 * npm run faults -- --json                       the numbers for scripts
 */
import { parseArgs } from 'node:util';
import { runFaults } from './run.ts';
import { asTable, countsOf, sectionsOf } from './table.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1_000)) },
    contacts: { type: 'string', default: '2000' },
    /** How long people work and the weather is bad. */
    seconds: { type: 'string', default: '240' },
    /** Seconds that agreement may take after that, at each of its three stages. */
    patience: { type: 'string', default: '1800' },
    json: { type: 'boolean', default: false },
  },
});

const result = await runFaults({
  seed: whole('--seed', values.seed),
  contacts: whole('--contacts', values.contacts),
  stormSeconds: whole('--seconds', values.seconds),
  patienceSeconds: whole('--patience', values.patience),
  report: (line) => process.stderr.write(`${line}\n`),
});
process.stdout.write(`${values.json ? JSON.stringify(sectionsOf(result)) : asTable(result)}\n`);
process.exitCode = Object.values(countsOf(result.verdict)).every((count) => count === 0) ? 0 : 1;

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RangeError(`${name}: not a whole number: ${text}`);
}
