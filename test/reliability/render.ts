import { FAULTS, INVARIANTS } from './catalogue.ts';
import type { Proof } from './collect.ts';
import type { LastRun } from './last-run.ts';

export interface Guards {
  /** Taken out of the real statements, and missed by the simulation. */
  readonly simulated: readonly string[];
  /** Taken out of the model, with a counterexample each. */
  readonly modelled: readonly string[];
}

/** What no test of this project can show, whatever the table says. */
const LIMITS = [
  'AWS, Neon, Upstash, Entra ID and Dynamics themselves: they are simulated by their documented contracts ([local stack](local-stack.md)).',
  'What happens between the statements of transactions that are open at the same time is in the integration tests, which have several connections, and not in the simulation, which has one.',
  'The fault run against the stack does not repeat itself: its seed says who does what and which faults come, the machine says how they meet.',
];

/** `docs/reliability.md`. */
export function render(
  proofs: ReadonlyMap<number, readonly Proof[]>,
  guards: Guards,
  lastRun: LastRun,
): string {
  const uncovered = Object.entries(FAULTS).filter(([fault]) => !proofs.get(Number(fault))?.length);
  return [
    '# Reliability',
    '',
    'What can go wrong, what must hold all the same, and which tests show it. This page is generated from',
    'the tests: `npm run reliability` writes it, `npm run check` fails where it is stale.',
    '',
    '```',
    'npm run simulate -- --seeds 2000   the use cases and their SQL under seeded faults, two minutes',
    'npm run simulate -- --minutes 10   the same, from seeds that nobody has tried yet',
    'npm run simulate -- --seed 42      one history; what breaks is told in the shortest way',
    'npm run simulate -- --guards 400   what is found with each guard taken out',
    'npm run faults                     thousands of webhooks and consents through the local stack, while it breaks',
    'npm run model                      the protocol of a row, every interleaving of it',
    'npm run fuzz                       broken and generated requests, messages and answers',
    'npx vitest run --tags-filter fault-11   the tests of one line of the table',
    'npm run reliability -- --measure   counts anew what stands below (about ten minutes)',
    '```',
    '',
    '## Invariants',
    ...Object.entries(INVARIANTS).map(([number, text]) => `${number}. ${text}`),
    '',
    '## Faults',
    '| # | fault | invariants | shown by |',
    '|---|---|---|---|',
    ...Object.entries(FAULTS).map(([fault, { what, invariants }]) =>
      row([fault, what, invariants.join(', '), shownBy(proofs.get(Number(fault)) ?? [])]),
    ),
    '',
    '## Guards',
    'Each line of the protocol that keeps an invariant is taken out in turn, and the simulation has to find',
    `what breaks. These ${guards.simulated.length} are taken out of the real statements, requests and triggers:`,
    '',
    ...guards.simulated.map((name) => `- ${name}`),
    '',
    `And these ${guards.modelled.length} out of the model ([protocol](protocol.md), "Checked"), which has a shortest`,
    'counterexample for each:',
    '',
    `${guards.modelled.map((name) => `\`${name}\``).join(', ')}.`,
    '',
    `## The last full run, ${lastRun.date}`,
    `The model: ${number(lastRun.model.states)} states with all guards, none of them wrong, and`,
    `${lastRun.model.guards} counterexamples without one.`,
    '',
    `The simulation: ${number(lastRun.simulation.runs)} runs, every invariant held.`,
    '',
    ...table('what people and systems did', lastRun.simulation.actions),
    '',
    ...table('what befell calls, messages and processes', lastRun.simulation.faults),
    '',
    'The stack, `npm run faults -- --seed 7`:',
    '',
    ...Object.entries(lastRun.stack).flatMap(([title, counts]) => [...table(title, counts), '']),
    '## Not covered',
    ...uncovered.map(([fault, { what }]) => `- Fault ${fault}: ${what}. No test yet.`),
    ...LIMITS.map((text) => `- ${text}`),
    '',
  ].join('\n');
}

/** By file, as links; the names of its tests below it. */
function shownBy(proofs: readonly Proof[]): string {
  if (proofs.length === 0) return 'nothing yet';
  const byFile = Map.groupBy(proofs, ({ file }) => file);
  return [...byFile]
    .map(([file, tests]) => {
      // Suites and tests are named so that they read as one sentence.
      const names = tests.map(({ name }) => name.replaceAll(' > ', ' '));
      return `[${file.replace(/^test\//, '')}](../${file}): ${[...new Set(names)].join('; ')}`;
    })
    .join('<br>');
}

const table = (title: string, counts: Readonly<Record<string, number>>): string[] => [
  row([title, 'count']),
  '|---|---|',
  ...Object.entries(counts).map(([name, count]) => row([name, number(count)])),
];

const row = (cells: readonly string[]): string =>
  `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;

const number = (value: number): string => value.toLocaleString('en-US');
