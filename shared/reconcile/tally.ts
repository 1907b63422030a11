/** What a run has done so far. */
export interface Counts {
  pages: number;
  /** Contacts and deletions on them. */
  listed: number;
  created: number;
  linked: number;
  updated: number;
  unlinked: number;
  /** Contacts whose consent fields somebody has edited in Dynamics: they are written again. */
  edited: number;
  /** Contacts that were not listed and are read by themselves now. */
  asked: number;
  refused: number;
  /** Differences whose webhook never came. */
  missed: number;
}

export interface Tally {
  readonly counts: Counts;
  /** A contact has shown a lower version than its row had: the environment was restored from a backup. */
  wentBack: boolean;
}

export const newTally = (): Tally => ({
  counts: {
    pages: 0,
    listed: 0,
    created: 0,
    linked: 0,
    updated: 0,
    unlinked: 0,
    edited: 0,
    asked: 0,
    refused: 0,
    missed: 0,
  },
  wentBack: false,
});

export interface Progress {
  /** Contacts that the full read under way has listed, over all runs; null: changes are followed. */
  readonly listed: number | null;
  readonly counts: Counts;
}
