import type { Model, Step } from './explore.ts';
import type { InboundGuard } from './inbound-guards.ts';
import {
  type Contact,
  copyState,
  IDLE,
  initialState,
  keyOf,
  type Spending,
  type State,
  type Value,
  type Worker,
  workerAt,
} from './inbound-state.ts';
import { createRowStatements } from './inbound-statements.ts';

export interface InboundBudget extends Partial<Spending> {
  readonly start: 'new' | 'linked';
  /** Different values of the field. */
  readonly values: 2 | 3;
}

const VALUES: readonly Value[] = [0, 1, 2];

type Can = (name: string, change: (next: State) => void) => void;

/**
 * One contact, its row and its patient, with one field of the profile, as `functions/sync-contact`,
 * the profile's way back in `functions/sync-consent`, the triggers on patients, `shared/contacts` and
 * `shared/sweep` treat them. A webhook can be late and doubled, not lost: only reading the changes of
 * all contacts could mend that. There is one writer at a time: what one does that has lost its lease
 * is in the outbound model. The properties are in `problem`.
 */
export function inboundModel(
  budget: InboundBudget,
  without: readonly InboundGuard[] = [],
): Model<State> {
  const missing = new Set(without);
  const guarded = (guard: InboundGuard) => !missing.has(guard);
  const statements = createRowStatements(guarded);
  const others = (value: Value) => VALUES.slice(0, budget.values).filter((one) => one !== value);
  const left = (state: State, what: keyof Spending) => state.spent[what] < (budget[what] ?? 0);

  return { initial: initialState(budget.start), steps, key: keyOf, atRest, problem };

  function steps(state: State): Step<State>[] {
    const found: Step<State>[] = [];
    const can: Can = (name, change) => {
      const next = copyState(state);
      change(next);
      found.push({ name, next });
    };
    dynamicsSteps(state, can);
    consentHubSteps(state, can);
    sweepSteps(state, can);
    state.late.forEach((push, index) => {
      can(`a late write arrives: ${push.value}`, (next) => {
        next.late.splice(index, 1);
        statements.land(next, push);
      });
    });
    state.workers.forEach((worker, index) => {
      const who = `worker ${index}`;
      if (worker.at === 'idle') idleSteps(state, index, who, can);
      else if (worker.kind === 'reader') readerSteps(state, worker, index, who, can);
      else writerSteps(state, worker, index, who, can);
      if (worker.at !== 'idle' && left(state, 'crashes')) crashSteps(worker, index, who, can);
    });
    return found;
  }

  function dynamicsSteps(state: State, can: Can) {
    if (!left(state, 'dynamics')) return;
    const user = (name: string, change: (contact: Contact) => void) => {
      can(`a user of Dynamics ${name} the contact`, (next) => {
        next.spent.dynamics += 1;
        next.contact.version += 1;
        next.ringRead = true;
        change(next.contact);
      });
    };
    if (state.contact.alive) {
      for (const value of others(state.contact.value)) {
        user(`sets ${value} in`, (contact) => {
          contact.value = value;
          contact.ours = false;
        });
      }
      user('deletes', (contact) => {
        contact.alive = false;
      });
    } else {
      user('restores', (contact) => {
        contact.alive = true;
      });
    }
  }

  function consentHubSteps(state: State, can: Can) {
    if (state.patient === null) return;
    const consentHub = (what: keyof Spending, name: string, change: (next: State) => void) => {
      if (!left(state, what)) return;
      can(`ConsentHub ${name}`, (next) => {
        next.spent[what] += 1;
        change(next);
      });
    };
    for (const value of others(state.patient)) {
      consentHub('patient', `sets ${value} in the patient`, (next) => {
        next.patient = value;
        statements.patientChanged(next);
      });
    }
    consentHub('consents', 'changes a consent', statements.changeConsent);
    consentHub('erasures', 'erases the patient', statements.erasePatient);
  }

  function sweepSteps(state: State, can: Can) {
    const { row } = state;
    if (row === null) return;
    if (row.readDue && !state.ringRead) {
      can('sweep rings, to read (claim-due-contacts.sql)', (next) => {
        next.ringRead = true;
      });
    }
    if (row.writeDue && !state.ringWrite) {
      can('sweep rings, to write (claim-due-contacts.sql)', (next) => {
        if (next.row?.linked) next.ringWrite = true;
        else if (next.row) next.row.writeDue = false;
      });
    }
    if (row.doubt && !writes(state) && state.late.length === 0) {
      can('sweep ends the doubt (end-doubts.sql)', statements.endDoubt);
    }
  }

  function idleSteps(state: State, index: number, who: string, can: Can) {
    const what = guarded('rowIsReadFirst') ? 'the row' : 'the contact';
    const begin = (next: State) => {
      next.workers[index] = guarded('rowIsReadFirst')
        ? { ...IDLE, at: 'beforeContact', stored: statements.readRow(next) }
        : { ...IDLE, at: 'beforeRow', read: { ...next.contact } };
    };
    if (state.ringRead) {
      can(`${who} takes a message and reads ${what}`, (next) => {
        next.ringRead = false;
        begin(next);
      });
      if (left(state, 'doubles')) {
        can(`${who} takes a message that comes again, and reads ${what}`, (next) => {
          next.spent.doubles += 1;
          begin(next);
        });
      }
    }
    if (state.ringWrite && !writes(state)) {
      can(`${who} claims the row (claim-contacts.sql)`, (next) => {
        next.ringWrite = false;
        statements.claim(next, index);
      });
    }
  }

  function readerSteps(state: State, { at }: Worker, index: number, who: string, can: Can) {
    if (at === 'beforeContact') readContact(state, index, who, can);
    else if (at === 'applying') {
      can(`${who} applies (apply-contacts.sql)`, (next) => statements.applyRead(next, index));
    } else {
      can(`${who} reads the row`, (next) => {
        Object.assign(workerAt(next, index), {
          at: 'applying',
          stored: statements.readRow(next),
        });
      });
    }
  }

  function readContact(state: State, index: number, who: string, can: Can) {
    const shown = state.contact.alive ? `${state.contact.value}` : 'deleted';
    can(`${who} reads the contact: ${shown}`, (next) => {
      Object.assign(workerAt(next, index), { at: 'applying', read: { ...next.contact } });
    });
    if (!left(state, 'faults')) return;
    for (const fault of ['unreadable', 'notFound'] as const) {
      const how = fault === 'unreadable' ? 'it cannot be read' : 'not found, without proof';
      can(`${who} reads the contact: ${how}`, (next) => {
        next.spent.faults += 1;
        Object.assign(workerAt(next, index), { at: 'applying', read: fault });
      });
    }
  }

  function writerSteps(state: State, worker: Worker, index: number, who: string, can: Can) {
    switch (worker.at) {
      case 'idle':
      case 'beforeRow':
        break;
      case 'beforeContact':
        readContact(state, index, who, can);
        break;
      case 'applying':
        can(`${who} merges (apply-contacts.sql)`, (next) => statements.merge(next, index));
        break;
      case 'writing':
        writeSteps(state, worker, index, who, can);
        break;
      case 'acknowledged':
        can(`${who} settles (settle-contact.sql)`, (next) => statements.settle(next, index));
        break;
      case 'unlinking':
        can(`${who} unlinks what is deleted (apply-contacts.sql)`, (next) =>
          statements.unlink(next, index),
        );
        break;
    }
  }

  function writeSteps(state: State, { push }: Worker, index: number, who: string, can: Can) {
    const what = push === null ? 'a consent' : `${push.value}`;
    can(`${who} writes ${what} (PATCH)`, (next) => {
      const answer = statements.answerTo(next, push);
      if (answer === 'conflict') statements.release(next, index, true);
      else workerAt(next, index).at = answer === 'updated' ? 'acknowledged' : 'unlinking';
    });
    if (push === null || !left(state, 'faults')) return;
    const fails = (how: string, effect: (next: State) => void) => {
      can(`${who} writes ${what}, ${how}`, (next) => {
        next.spent.faults += 1;
        effect(next);
        statements.release(next, index, false);
      });
    };
    fails('lost without an answer', () => {});
    fails('without an answer', (next) => statements.land(next, push));
    fails('late without an answer', (next) => next.late.push(push));
  }

  function crashSteps({ at, kind, push }: Worker, index: number, who: string, can: Can) {
    const crash = (next: State) => {
      next.spent.crashes += 1;
      next.workers[index] = IDLE;
      // The message comes again after its visibility timeout; a writer's row is due as well.
      if (kind === 'reader') next.ringRead = true;
      else next.ringWrite = true;
    };
    can(`${who} crashes`, crash);
    if (at === 'writing' && push !== null) {
      can(`${who} crashes while it writes ${push.value}`, (next) => {
        crash(next);
        next.late.push(push);
      });
    }
  }
}

const writes = (state: State) =>
  state.workers.some(({ at, kind }) => at !== 'idle' && kind === 'writer');

function atRest({ row, ringRead, ringWrite, late, workers }: State): boolean {
  return (
    !ringRead &&
    !ringWrite &&
    !row?.readDue &&
    !row?.writeDue &&
    !row?.doubt &&
    late.length === 0 &&
    workers.every(({ at }) => at === 'idle')
  );
}

/** At rest row, patient and contact agree. At no time is anything lost, undone or brought back. */
function problem({ contact, row, patient, broken }: State, resting: boolean): string | undefined {
  if (broken !== null) return broken;
  if (!resting) return undefined;
  if (row === null) return 'nobody knows the contact';
  if (row.deleted === contact.alive) return 'the row does not know whether the contact is there';
  if (row.erased) return row.linked || patient !== null ? 'an erased patient is linked' : undefined;
  if (!contact.alive) return row.linked ? 'a deleted contact is linked' : undefined;
  if (!row.linked) return 'the contact has no patient';
  const agree = patient === contact.value && row.seen === contact.value;
  return agree
    ? undefined
    : `at rest Dynamics shows ${contact.value}, ConsentHub says ${patient}, seen was ${row.seen}`;
}
