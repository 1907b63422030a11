import * as fc from 'fast-check';
import { expect } from 'vitest';

/** Part of every name, address and number that is made up here, and of nothing else. */
const MARKER = 'Nightingale';

/** Something about a person, as a text of any script. */
export const personal: fc.Arbitrary<string> = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.constantFrom('', '@example.test', "'--"))
  .map(([before, after]) => `${before}${MARKER}${after}`);

/** Fails if anything of a person, or one of the secrets, shows in what was written. */
export function expectNothingPersonal(written: string, secrets: readonly string[] = []): void {
  const text = written.toLowerCase();
  for (const word of [MARKER, ...secrets]) {
    expect(text.includes(word.toLowerCase()), `${word} is in ${written}`).toBe(false);
  }
}
