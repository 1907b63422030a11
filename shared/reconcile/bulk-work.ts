/** Contacts of one statement: a fraction of a second each, so that nobody waits long for a row of it. */
export const CHUNK = 500;

/** What is left of the time when a chunk may be begun. */
export const MIN_REMAINING_FOR_CHUNK_MS = 30_000;

/**
 * At which rate bulk work becomes due. The sweep rings twelve times a second, in the order of time: what
 * people do meanwhile finds its place between.
 */
export const DUE_PER_SECOND = 10;

export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size));
  return chunks;
}
