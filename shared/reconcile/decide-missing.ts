/** So few missing contacts are asked about whatever share of all they are: each is proven by itself. */
const ALWAYS_ASKED = 10;

/**
 * May the contacts that a full read has not listed be asked about? Too many at once are no accident: the
 * application user sees less than it did, or the connection leads to another organisation.
 *
 * @param maxShare of the known contacts, 0 to 1
 */
export function mayAskMissing(
  { known, missing }: { readonly known: number; readonly missing: number },
  maxShare: number,
): boolean {
  return missing <= Math.max(ALWAYS_ASKED, known * maxShare);
}
