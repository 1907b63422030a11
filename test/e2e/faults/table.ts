import type { FaultRunResult } from './run.ts';
import type { Verdict } from './verdict.ts';

const MAX_EXAMPLES = 20;

/** The numbers of a run, by what they are about. */
export function sectionsOf({
  numbers,
  answers,
  kills,
  spells,
  dataverseFaults,
  verdict,
}: FaultRunResult): Readonly<Record<string, Readonly<Record<string, number>>>> {
  return {
    'what happened': numbers,
    'webhooks by answer': answers,
    'killed at work': kills,
    spells,
    'requests to Dataverse by fault': dataverseFaults,
    'in the end': countsOf(verdict),
  };
}

/** The same for people, with examples of what is wrong. */
export function asTable(result: FaultRunResult): string {
  const lines = Object.entries(sectionsOf(result)).flatMap(([title, counts]) => [
    title,
    ...Object.entries(counts).map(([name, count]) => `  ${name.padEnd(48)}${count}`),
  ]);
  return [...lines, ...examples(result.verdict)].join('\n');
}

export function countsOf(verdict: Verdict): Readonly<Record<string, number>> {
  const { lost, resurrected, regressed, duplicated, deadLetters, differing, personalData } =
    verdict;
  return {
    lost: lost.length,
    resurrected: resurrected.length,
    regressed: regressed.length,
    duplicated: duplicated.length,
    'dead letters': deadLetters,
    'differences that verify finds': differing.length,
    'places with personal data': personalData.length,
  };
}

function examples({
  lost,
  resurrected,
  regressed,
  duplicated,
  differing,
  personalData,
}: Verdict): string[] {
  return Object.entries({
    lost,
    resurrected,
    regressed,
    duplicated,
    differing,
    personalData,
  }).flatMap(([kind, details]) =>
    details.slice(0, MAX_EXAMPLES).map((detail) => `${kind}: ${detail}`),
  );
}
