import { parseArgs } from 'node:util';
import { type Exploration, explore } from './explore.ts';
import { inboundModel } from './inbound.ts';
import { INBOUND_GUARDS, type InboundGuard } from './inbound-guards.ts';
import { outboundModel } from './outbound.ts';
import { OUTBOUND_GUARDS, type OutboundGuard } from './outbound-guards.ts';
import { completeRuns, runsWithoutGuard } from './runs.ts';

const HELP = `Explores the protocol of a row exhaustively.

  main.ts                       what the test explores, with the counterexample of every missing guard
  main.ts outbound [options]    --changes 2 --edits 0 --crashes 1 --faults 1 --rounds 2
  main.ts inbound [options]     --start linked|new --values 2 --dynamics 2 --patient 1 --consents 0
                                --erasures 0 --doubles 0 --crashes 0 --faults 0
  both: --without <guard> (repeatable), --max-states 5000000

guards of outbound: ${OUTBOUND_GUARDS.join(', ')}
guards of inbound: ${INBOUND_GUARDS.join(', ')}
`;

const number = (fallback: string) => ({ type: 'string', default: fallback }) as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean' },
    start: { type: 'string', default: 'linked' },
    values: number('2'),
    dynamics: number('2'),
    patient: number('1'),
    consents: number('0'),
    erasures: number('0'),
    doubles: number('0'),
    changes: number('2'),
    edits: number('0'),
    crashes: number('1'),
    faults: number('1'),
    rounds: number('2'),
    without: { type: 'string', multiple: true, default: [] },
    'max-states': number('5000000'),
  },
});

const maxStates = count('max-states');
if (values.help) {
  console.log(HELP);
} else if (positionals[0] === undefined) {
  for (const run of completeRuns()) report(run.name, run.explore, false);
  for (const run of runsWithoutGuard()) report(run.name, run.explore, true);
} else if (positionals[0] === 'outbound') {
  const budget = {
    changes: count('changes'),
    edits: count('edits'),
    crashes: count('crashes'),
    faults: count('faults'),
    rounds: count('rounds'),
  };
  const model = outboundModel(budget, guards<OutboundGuard>(OUTBOUND_GUARDS));
  report('outbound', (max) => explore(model, max), false);
} else if (positionals[0] === 'inbound') {
  const budget = {
    start: values.start === 'new' ? 'new' : 'linked',
    values: values.values === '3' ? 3 : 2,
    dynamics: count('dynamics'),
    patient: count('patient'),
    consents: count('consents'),
    erasures: count('erasures'),
    doubles: count('doubles'),
    crashes: count('crashes'),
    faults: count('faults'),
  } as const;
  const model = inboundModel(budget, guards<InboundGuard>(INBOUND_GUARDS));
  report('inbound', (max) => explore(model, max), false);
} else {
  throw new TypeError(HELP);
}

function report(name: string, run: (maxStates: number) => Exploration, expected: boolean) {
  const startedAtMs = performance.now();
  const { states, restingStates, violation } = run(maxStates);
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  console.log(
    `${name}: ${violation?.problem ?? 'holds'} (${states} states, ${restingStates} at rest, ${seconds} s)`,
  );
  for (const [index, step] of (violation?.steps ?? []).entries()) {
    console.log(`  ${String(index + 1).padStart(2)} ${step}`);
  }
  if ((violation !== undefined) !== expected) process.exitCode = 1;
}

function count(option: Exclude<keyof typeof values, 'help' | 'start' | 'without'>): number {
  const value = Number(values[option]);
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${option} takes a number`);
  return value;
}

function guards<Guard extends string>(known: readonly Guard[]): Guard[] {
  return values.without.map((name) => {
    const guard = known.find((one) => one === name);
    if (guard === undefined) throw new TypeError(`no such guard: ${name}\n\n${HELP}`);
    return guard;
  });
}
