import type { OutboundGuard } from './outbound-guards.ts';
import type { Reader, State } from './outbound-state.ts';

/**
 * Finds what somebody has edited (`functions/sync-contact`, `shared/contacts`): the row, then Dynamics, then
 * a compare-and-set.
 */
export function readerSteps(
  state: State,
  guarded: (guard: OutboundGuard) => boolean,
  can: (name: string, change: (next: State) => void) => void,
) {
  const { reader } = state;
  switch (reader.at) {
    case 'idle':
      if (!state.readDue) return;
      can('the reader reads the row (read-contacts.sql)', (next) => {
        // What is edited from here on brings a webhook of its own.
        next.readDue = false;
        next.reader = rowOf(next, holderLives(next));
      });
      return;
    case 'row':
      can(`the reader reads the contact: ${state.dynamics}`, (next) => {
        next.reader = { ...reader, at: 'contact', shown: next.dynamics };
      });
      return;
    case 'contact':
      can('the reader applies what it has read (apply-contacts.sql)', (next) => {
        next.reader = { at: 'idle' };
        apply(next, reader);
      });
  }

  function apply(
    next: State,
    { revision, written, leased, shown }: Exclude<Reader, { at: 'idle' }>,
  ) {
    if (next.revision !== revision) {
      next.readDue = true;
    } else if (written !== null && shown !== written) {
      if (next.written !== written || next.lease !== null || next.doubt !== null) {
        next.readDue = true;
        return;
      }
      if (guarded('editForgetsWritten')) next.written = null;
      if (guarded('editMakesDue')) next.writeDue = true;
      next.revision += 1;
    } else if (leased && guarded('leasedIsReadAgain')) {
      next.readDue = true;
      next.revision += 1;
    }
  }
}

/** While somebody writes, or a write may still land, nobody knows what Dynamics has. */
function rowOf({ revision, written, lease, doubt }: State, leased: boolean): Reader {
  const known = lease === null && doubt === null ? written : null;
  return { at: 'row', revision, written: known, leased, shown: null };
}

/** The lease is longer than a function may run: it ends under nobody who can still settle. */
function holderLives({ lease, writers }: State): boolean {
  return lease !== null && writers[lease]?.at !== 'idle';
}
