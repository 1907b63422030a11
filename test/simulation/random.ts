/** Decisions of a run: the same seed and key give the same answer, whatever was asked before. */
export interface Random {
  /** In [0, 1). */
  unit(key: string): number;
  chance(key: string, probability: number): boolean;
  /** A whole number, both ends included. */
  between(key: string, from: number, to: number): number;
  pick<const T extends readonly [unknown, ...unknown[]]>(key: string, choices: T): T[number];
  uuid(key: string): string;
}

/**
 * A hash instead of a stream of numbers: taking an action or a fault out of a run leaves all other
 * decisions as they were, which is what makes shortening a history possible.
 */
export function createRandom(seed: number): Random {
  const unit = (key: string) => hash(`${seed}/${key}`) / 2 ** 32;
  const between = (key: string, from: number, to: number) =>
    from + Math.floor(unit(key) * (to - from + 1));
  return {
    unit,
    between,
    chance: (key, probability) => unit(key) < probability,
    pick: (key, choices) => choices[between(key, 0, choices.length - 1)],
    uuid(key) {
      const hex = [0, 1, 2, 3]
        .map((part) => hash(`${seed}/${part}/${key}`).toString(16).padStart(8, '0'))
        .join('');
      return [
        hex.slice(0, 8),
        hex.slice(8, 12),
        `4${hex.slice(13, 16)}`,
        `8${hex.slice(17, 20)}`,
        hex.slice(20),
      ].join('-');
    },
  };
}

/** FNV-1a with the finaliser of MurmurHash3: 32 bits that look like chance. */
function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
