import type { Run } from './run.ts';

/** A history that is still long after so many runs stays long. */
const MAX_RUNS = 400;

/**
 * Leaves out actions and faults, first many and then single ones, as long as the same invariant
 * breaks; the shortest run that is found (delta debugging).
 */
export async function shorten(
  broken: Run,
  rerun: (left: ReadonlySet<string>) => Promise<Run>,
): Promise<Run> {
  const invariant = broken.violations[0]?.invariant;
  let shortest = broken;
  let left: ReadonlySet<string> = new Set();
  let runs = 0;
  let size = Math.ceil(broken.happened.length / 2);
  for (;;) {
    let shortened = false;
    const { happened } = shortest;
    for (let from = 0; from < happened.length && runs < MAX_RUNS; from += size) {
      const candidate = new Set([...left, ...happened.slice(from, from + size)]);
      const run = await rerun(candidate);
      runs += 1;
      const same = run.violations[0]?.invariant === invariant;
      if (!same || run.happened.length >= shortest.happened.length) continue;
      left = candidate;
      shortest = run;
      shortened = true;
    }
    if (runs >= MAX_RUNS || (size === 1 && !shortened)) break;
    if (!shortened) size = Math.ceil(size / 2);
  }
  return shortest;
}
