import * as fc from 'fast-check';

/** Not a limit of speed: a single case takes milliseconds, and whoever waits for this one waits for ever. */
const HANG_MS = 60_000;

/** For `testTimeout`, grows with the number of cases. */
export const TEST_TIMEOUT_MS = HANG_MS * whole('FUZZ_TIMES', 1);

/**
 * Looks for a case that breaks the property. The cases are the same at every run; `FUZZ_SEED` makes
 * others and `FUZZ_TIMES` so many times as many. A failure prints the seed and the smallest case found.
 */
export async function explore<Case>(
  property: fc.IAsyncProperty<Case> | fc.IProperty<Case>,
  cases: number,
): Promise<void> {
  await fc.assert(property, {
    seed: whole('FUZZ_SEED', 20_261_122),
    numRuns: cases * whole('FUZZ_TIMES', 1),
    ...(property.isAsync() && { timeout: HANG_MS }),
  });
}

function whole(name: string, byDefault: number): number {
  const value = Number(process.env[name] ?? byDefault);
  if (!Number.isSafeInteger(value)) throw new TypeError(`${name} must be a whole number`);
  return value;
}
