export type Consent = 0 | 1;

/**
 * A point in time by its rank among those that still matter; 0: it is over. A claim's doubt stands for
 * the claim itself: once it is over, the claim's holder is gone and its writes have landed or never will.
 */
export type Doubt = number;
export const LATEST: Doubt = 99;

export interface Writer {
  at: 'idle' | 'reading' | 'claimed' | 'acknowledged' | 'moved' | 'unknown' | 'failed';
  /** Of the row, as read by the claim. */
  revision: number;
  /** The consent, as read by the claim. */
  consent: Consent;
  /** What Dynamics is thought to have. */
  known: Consent | null;
  /** A write under this lease was acknowledged, and is not settled. */
  wrote: boolean;
  /** Recorded by the newest claim. */
  doubt: Doubt;
  doubtBefore: Doubt | null;
  round: number;
}

/** Whoever reads the contact after a change in Dynamics (`functions/sync-contact`). */
export type Reader =
  | { readonly at: 'idle' }
  | {
      /** The row is read, then Dynamics. */
      readonly at: 'row' | 'contact';
      readonly revision: number;
      /** Null as well while somebody writes, or a write may still land. */
      readonly written: Consent | null;
      readonly leased: boolean;
      readonly shown: Consent | null;
    };

export interface State {
  consent: Consent;
  dynamics: Consent;
  revision: number;
  written: Consent | null;
  writeDue: boolean;
  doubt: Doubt | null;
  /** Index of the writer whose token it is, alive or not: a writer holds one lease at a time. */
  lease: number | null;
  /** A message waits, at least one. */
  ring: boolean;
  /** Writes on their way, under the claim of that doubt. */
  late: { consent: Consent; doubt: Doubt }[];
  /** A change of the contact in Dynamics has to be read: a webhook, or the clock. */
  readDue: boolean;
  reader: Reader;
  /** What Dynamics shows came late, from a writer who had lost its lease, or from a user. */
  landedLate: boolean;
  writers: Writer[];
  changes: number;
  edits: number;
  crashes: number;
  faults: number;
}

export const IDLE: Writer = {
  at: 'idle',
  revision: 0,
  consent: 0,
  known: null,
  wrote: false,
  doubt: 0,
  doubtBefore: null,
  round: 0,
};

/** The writer, to be changed: only of a copied state. */
export function writerAt(next: State, index: number): Writer {
  const writer = next.writers[index];
  if (writer === undefined) throw new RangeError('no such writer');
  return writer;
}

export function copyState(state: State): State {
  return {
    ...state,
    late: state.late.map((write) => ({ ...write })),
    writers: state.writers.map((writer) => ({ ...writer })),
  };
}

/** No message waits, nothing is due, nobody is at work, nothing is on its way. */
export function isQuiet({ ring, writeDue, readDue, reader, late, writers }: State): boolean {
  const working = reader.at !== 'idle' || writers.some((writer) => writer.at !== 'idle');
  return !ring && !writeDue && !readDue && late.length === 0 && !working;
}

function mapDoubts(next: State, change: (doubt: Doubt) => Doubt) {
  if (next.doubt !== null) next.doubt = change(next.doubt);
  for (const writer of next.writers) {
    writer.doubt = change(writer.doubt);
    if (writer.doubtBefore !== null) writer.doubtBefore = change(writer.doubtBefore);
  }
  for (const write of next.late) write.doubt = change(write.doubt);
}

/** Keeps the order of the times that still matter, and nothing else of them. */
export function rankDoubts(next: State) {
  const times = new Set<Doubt>();
  mapDoubts(next, (doubt) => {
    times.add(doubt);
    return doubt;
  });
  times.delete(0);
  const ranks = new Map([...times].toSorted((a, b) => a - b).map((time, rank) => [time, rank + 1]));
  mapDoubts(next, (doubt) => ranks.get(doubt) ?? 0);
}

/** A doubt lasts longer than its claim's holder lives and its writes take. */
export function earliestDoubtCanEnd({ doubt, writers, late }: State): boolean {
  const awaited = [doubt, ...writers.map(({ doubtBefore }) => doubtBefore)].includes(1);
  return awaited && [...writers, ...late].every((active) => active.doubt !== 1);
}

export function endEarliestDoubt(next: State) {
  mapDoubts(next, (doubt) => Math.max(0, doubt - 1));
}

/** Revisions are only ever compared for equality with the row's, and the writers are alike. */
export function keyOf(state: State): string {
  const writers = state.writers.map((writer, index) =>
    [
      writer.at,
      writer.revision === state.revision,
      writer.consent,
      writer.known,
      writer.wrote,
      writer.doubt,
      writer.doubtBefore,
      writer.round,
      state.lease === index,
    ].join(),
  );
  const { reader } = state;
  return [
    reader.at === 'idle'
      ? ''
      : [
          reader.at,
          reader.revision === state.revision,
          reader.written,
          reader.leased,
          reader.shown,
        ].join(),
    state.readDue,
    state.edits,
    state.consent,
    state.dynamics,
    state.written,
    state.writeDue,
    state.doubt,
    state.lease !== null,
    state.ring,
    state.late
      .map((write) => `${write.consent}${write.doubt}`)
      .toSorted()
      .join(),
    state.landedLate,
    state.changes,
    state.crashes,
    state.faults,
    ...writers.toSorted(),
  ].join(';');
}
