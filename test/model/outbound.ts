import type { Model, Step } from './explore.ts';
import type { OutboundGuard } from './outbound-guards.ts';
import { readerSteps } from './outbound-reader.ts';
import {
  type Consent,
  copyState,
  type Doubt,
  earliestDoubtCanEnd,
  endEarliestDoubt,
  IDLE,
  isQuiet,
  keyOf,
  LATEST,
  rankDoubts,
  type State,
  type Writer,
  writerAt,
} from './outbound-state.ts';

/** How much may go wrong or change. Each number bounds the state space. */
export interface OutboundBudget {
  /** How often ConsentHub grants or revokes the consent, in turn: states come back. */
  readonly changes: number;
  /** How often somebody edits the field in Dynamics. */
  readonly edits?: number;
  readonly crashes: number;
  /** Writes that are lost, late, unanswered or refused. */
  readonly faults: number;
  /** Writes under one lease. */
  readonly rounds: number;
}

/**
 * The way of one consent to Dynamics, as `functions/sync-consent`, the outbox triggers, `shared/consent`
 * and `shared/sweep` go it for one row, and back where somebody edits it there: two writers, a reader, lost rings, lost, late and unanswered writes,
 * crashes, leases that end under their holder. The property: whenever nothing is left to happen,
 * Dynamics shows what ConsentHub says.
 */
export function outboundModel(
  budget: OutboundBudget,
  without: readonly OutboundGuard[] = [],
): Model<State> {
  const missing = new Set(without);
  const guarded = (guard: OutboundGuard) => !missing.has(guard);

  return {
    initial: {
      consent: 0,
      dynamics: 0,
      revision: 0,
      written: 0,
      writeDue: false,
      doubt: null,
      lease: null,
      ring: false,
      late: [],
      readDue: false,
      reader: { at: 'idle' },
      landedLate: false,
      writers: [IDLE, IDLE],
      changes: 0,
      edits: 0,
      crashes: 0,
      faults: 0,
    },
    steps,
    key: keyOf,
    atRest: (state) => isQuiet(state) && state.doubt === null,
    problem(state, atRest) {
      if (state.dynamics === state.consent) return undefined;
      if (atRest) return `Dynamics shows ${state.dynamics} for ever`;
      // Only a write that came late, or an edit, may have to wait for the doubt's end.
      return isQuiet(state) && !state.landedLate
        ? `Dynamics shows ${state.dynamics} until the doubt is over`
        : undefined;
    },
  };

  function steps(state: State): Step<State>[] {
    const found: Step<State>[] = [];
    const can = (name: string, change: (next: State) => void) => {
      const next = copyState(state);
      change(next);
      rankDoubts(next);
      found.push({ name, next });
    };
    if (state.changes < budget.changes) {
      can('ConsentHub changes the consent and rings', (next) => changeConsent(next, true));
      can('ConsentHub changes the consent, its event is lost', (next) =>
        changeConsent(next, false),
      );
    }
    if (state.edits < (budget.edits ?? 0)) {
      can('a user edits the field in Dynamics', (next) => {
        next.edits += 1;
        next.dynamics = next.dynamics === 0 ? 1 : 0;
        next.landedLate = true;
        next.readDue = true;
      });
    }
    readerSteps(state, guarded, can);
    if (state.writeDue && !state.ring) {
      can('sweep rings (claim-due-contacts.sql)', (next) => {
        next.ring = true;
        if (!guarded('ringLeavesRowDue')) next.writeDue = false;
      });
    }
    if (state.doubt === 0) can('sweep ends the doubt (end-doubts.sql)', endDoubt);
    if (earliestDoubtCanEnd(state))
      can('time passes, the earliest doubt is over', endEarliestDoubt);
    state.late.forEach((write, index) => {
      can(`a late write lands: ${write.consent}`, (next) => {
        next.late.splice(index, 1);
        next.dynamics = write.consent;
        next.landedLate = true;
      });
    });
    state.writers.forEach((writer, index) => writerSteps(state, writer, index, can));
    return found;
  }

  function writerSteps(
    state: State,
    writer: Writer,
    index: number,
    can: (name: string, change: (next: State) => void) => void,
  ) {
    const who = `writer ${index}`;
    const holds = state.lease === index;
    switch (writer.at) {
      case 'idle':
        if (!state.ring) break;
        if (state.lease !== null) {
          can(`${who} finds a lease, is done`, (next) => {
            next.ring = false;
          });
        }
        if (guarded('claimReadsAfterLock')) {
          can(`${who} claims${state.lease === null ? '' : ' after the lease ended'}`, (next) => {
            next.ring = false;
            claimFirst(next, index, next.consent);
          });
        } else {
          can(`${who} takes a snapshot: ${state.consent}`, (next) => {
            next.ring = false;
            next.writers[index] = { ...IDLE, at: 'reading', consent: state.consent };
          });
        }
        break;
      case 'reading':
        can(`${who} claims with its snapshot`, (next) => claimFirst(next, index, writer.consent));
        break;
      case 'claimed':
        if (writer.known === writer.consent) {
          can(`${who} has nothing to write`, (next) => {
            writerAt(next, index).at = 'acknowledged';
          });
          break;
        }
        can(`${who} writes ${writer.consent}, acknowledged`, (next) => {
          land(next, index);
          const mine = writerAt(next, index);
          mine.at = 'acknowledged';
          mine.wrote = true;
          if (guarded('lastAcknowledgedCounts')) mine.known = writer.consent;
        });
        if (state.faults < budget.faults) {
          const fails = (how: string, to: 'unknown' | 'failed', effect: (next: State) => void) => {
            can(`${who} writes ${writer.consent}, ${how}`, (next) => {
              next.faults += 1;
              writerAt(next, index).at = to;
              effect(next);
            });
          };
          fails('refused', 'failed', () => {});
          fails('lost without an answer', 'unknown', () => {});
          fails('applied without an answer', 'unknown', (next) => land(next, index));
          fails('late without an answer', 'unknown', (next) => sendLate(next, writer));
        }
        break;
      case 'acknowledged':
        can(`${who} settles (settle-contact.sql)`, (next) => settle(next, index));
        break;
      case 'moved':
        if (writer.round >= budget.rounds) {
          can(`${who} gives up for now (release-contact.sql)`, (next) =>
            release(next, index, false),
          );
          break;
        }
        if (holds || !guarded('roundsKeepTheLease')) {
          can(`${who} claims again`, (next) => claimAgain(next, index));
        }
        if (!holds) {
          can(`${who} has lost its lease (release-contact.sql)`, (next) =>
            release(next, index, false),
          );
        }
        break;
      case 'unknown':
        can(`${who} releases, unknown (release-contact.sql)`, (next) => release(next, index, true));
        break;
      case 'failed':
        can(`${who} releases (release-contact.sql)`, (next) => release(next, index, false));
        break;
    }
    if (writer.at === 'idle' || state.crashes >= budget.crashes) return;
    const crash = (next: State) => {
      next.crashes += 1;
      next.writers[index] = IDLE;
    };
    can(`${who} crashes, its message is used up`, crash);
    can(`${who} crashes, its message comes again`, (next) => {
      crash(next);
      next.ring = true;
    });
    if (writer.at === 'claimed') {
      can(`${who} crashes while it writes ${writer.consent}`, (next) => {
        crash(next);
        sendLate(next, writer);
      });
    }
  }

  /** The triggers of the outbox (010.do.consent-outbox.sql). */
  function changeConsent(next: State, rings: boolean) {
    next.changes += 1;
    next.consent = next.consent === 0 ? 1 : 0;
    if (guarded('changeRaisesRevision')) next.revision += 1;
    if (guarded('changeMakesDue')) next.writeDue = true;
    if (rings) next.ring = true;
  }

  function claimFirst(next: State, index: number, consent: Consent) {
    const trusted = next.doubt === null || !guarded('doubtHidesWritten');
    next.writers[index] = {
      ...IDLE,
      at: 'claimed',
      revision: next.revision,
      consent,
      known: trusted ? next.written : null,
      doubtBefore: next.doubt,
      round: 1,
    };
    takeLease(next, index);
  }

  function claimAgain(next: State, index: number) {
    const mine = writerAt(next, index);
    mine.at = 'claimed';
    mine.revision = next.revision;
    mine.consent = next.consent;
    mine.round += 1;
    takeLease(next, index);
  }

  function takeLease(next: State, index: number) {
    next.lease = index;
    writerAt(next, index).doubt = LATEST;
    if (guarded('claimRecordsDoubt')) next.doubt = LATEST;
  }

  function settle(next: State, index: number) {
    const mine = writerAt(next, index);
    if (guarded('settleChecksToken') && next.lease !== index) {
      next.written = null;
      next.doubt = LATEST;
      next.writers[index] = IDLE;
    } else if (guarded('settleChecksRevision') && next.revision !== mine.revision) {
      mine.at = 'moved';
    } else {
      next.doubt = doubtAfter(mine, guarded('settleLeavesEndedDoubt'));
      next.written = next.doubt === null ? mine.consent : null;
      next.writeDue = false;
      next.lease = null;
      next.writers[index] = IDLE;
    }
  }

  function release(next: State, index: number, unknown: boolean) {
    const mine = writerAt(next, index);
    const holds = next.lease === index;
    const forget = mine.wrote && guarded('releaseForgetsUnsettled');
    if (unknown || forget) next.written = null;
    if (unknown && guarded('unknownLeavesDoubt')) {
      if (!holds) next.doubt = LATEST;
    } else if (holds) {
      next.doubt = doubtAfter(mine, guarded('releaseLeavesEndedDoubt'));
    } else if (forget) {
      next.doubt = LATEST;
    }
    if (holds) {
      next.writeDue = true;
      next.lease = null;
    }
    next.writers[index] = IDLE;
  }

  /** What stood there before the claim. */
  function doubtAfter({ doubtBefore }: Writer, leavesEnded: boolean): Doubt | null {
    if (!guarded('settleRestoresDoubt')) return null;
    return doubtBefore === 0 && !leavesEnded ? null : doubtBefore;
  }

  function endDoubt(next: State) {
    next.doubt = null;
    if (guarded('endOfDoubtForgetsWritten')) next.written = null;
    if (guarded('endOfDoubtMakesDue')) next.writeDue = true;
    next.revision += 1;
  }
}

/** A write takes effect while its writer waits for the answer. */
function land(next: State, index: number) {
  next.dynamics = writerAt(next, index).consent;
  next.landedLate = next.lease !== index;
}

function sendLate(next: State, { consent, doubt }: Writer) {
  next.late.push({ consent, doubt });
}
