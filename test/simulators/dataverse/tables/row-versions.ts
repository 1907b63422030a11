/**
 * The first version lies above 2^53 (real organisations are below it today): whoever reads
 * `versionnumber` into a double gets equal numbers for different versions and is found out.
 */
const FIRST_VERSION = 2n ** 53n;

/** Left out at a restart, so that a number given out just before a crash is never given out again. */
const VERSIONS_SKIPPED_AT_RESTART = 1000n;

export type RowVersions = ReturnType<typeof createRowVersions>;

/** The organisation's counter behind every `versionnumber`. `stored`: where an earlier run ended. */
export function createRowVersions(stored: string | undefined) {
  let version = stored === undefined ? FIRST_VERSION : BigInt(stored) + VERSIONS_SKIPPED_AT_RESTART;
  return {
    current: (): bigint => version,
    next(): bigint {
      version += 1n;
      return version;
    },
    /** The organisation is restored from a backup: what comes now has numbers that were used before. */
    setBack(to: bigint): void {
      version = to;
    },
  };
}
