import type { FaultRunResult } from './run.ts';
import type { Verdict } from './verdict.ts';

const MAX_EXAMPLES = 20;

/** The numbers of a run, for people. */
export function asTable(result: FaultRunResult): string {
  const { numbers, answers, kills, spells, dataverseFaults, verdict } = result;
  const sections: readonly [string, Readonly<Record<string, number>>][] = [
    ['', numbers],
    ['webhooks by answer', answers],
    ['killed at work', kills],
    ['spells', spells],
    ['requests to Dataverse by fault', dataverseFaults],
    ['in the end', countsOf(verdict)],
  ];
  const lines = sections.flatMap(([title, counts]) => {
    const rows = Object.entries(counts).map(([name, count]) => `  ${name.padEnd(48)}${count}`);
    return title === '' ? rows : [title, ...rows];
  });
  return [...lines, ...examples(verdict)].join('\n');
}

export function countsOf(verdict: Verdict): Readonly<Record<string, number>> {
  const { lost, resurrected, regressed, duplicated, deadLetters, personalData } = verdict;
  return {
    lost: lost.length,
    resurrected: resurrected.length,
    regressed: regressed.length,
    duplicated: duplicated.length,
    'dead letters': deadLetters,
    'places with personal data': personalData.length,
  };
}

function examples({ lost, resurrected, regressed, duplicated, personalData }: Verdict): string[] {
  return Object.entries({ lost, resurrected, regressed, duplicated, personalData }).flatMap(
    ([kind, details]) => details.slice(0, MAX_EXAMPLES).map((detail) => `${kind}: ${detail}`),
  );
}
