import type { ContactDecision } from '../../shared/contacts/decide-contact.ts';
import { createDecide, email, isContact, valueOf } from './inbound-decide.ts';
import type { InboundGuard } from './inbound-guards.ts';
import {
  type Contact,
  IDLE,
  type Push,
  type Row,
  type State,
  type Stored,
  type Worker,
  workerAt,
} from './inbound-state.ts';

/** The statements of `shared/contacts`, `shared/consent` and the triggers on patients. */
export function createRowStatements(guarded: (guard: InboundGuard) => boolean) {
  const decide = createDecide(guarded);
  return {
    readRow,
    applyRead,
    claim,
    merge,
    answerTo,
    land,
    settle,
    release,
    unlink,
    endDoubt,
    patientChanged,
    changeConsent,
    erasePatient,
  };

  /** The end of read-contacts.ts and sync-contact. */
  function applyRead(next: State, index: number) {
    const { stored, read } = workerAt(next, index);
    next.workers[index] = IDLE;
    const decision = decide(stored, read);
    if (decision.row.kind === 'due') makeDue(next);
    else if (!apply(next, stored, read, decision)) next.ringRead = true;
  }

  function makeDue(next: State) {
    next.row ??= { ...NEW_ROW, revision: 0 };
    next.row.readDue = true;
    if (guarded('dueRaisesRevision')) next.row.revision += 1;
  }

  /** apply-contacts.sql; false: the row has changed since it was read. */
  function apply(next: State, stored: Stored, read: Worker['read'], decision: ContactDecision) {
    if (decision.row.kind !== 'apply') return true;
    if (stored.row === null && next.row !== null && guarded('insertConflictMisses')) return false;
    const row = next.row ?? { ...NEW_ROW };
    if (stored.row !== null) {
      const raised = row.revision !== stored.row.revision;
      if (raised && guarded('applyComparesRevision')) return false;
      const newer = row.version !== stored.row.version;
      if (newer && guarded('applyComparesVersion')) return false;
    }
    const version = decision.row.version === null ? null : Number(decision.row.version);
    if (version !== null && version < (row.version ?? 0)) next.broken ??= 'an older read has won';
    row.linked = decision.row.patientId !== null;
    row.former = decision.row.formerPatientId !== null;
    // What was pushed over an older version shows in what was read, or never will.
    if (version !== row.version) row.pushed = [];
    row.version = version;
    row.seen = valueOf(decision.row.seen);
    row.deleted = decision.row.deleted;
    row.readDue = false;
    row.writeDue = !decision.row.deleted && (row.writeDue || decision.row.writeDue);
    if (stored.row !== null && decision.row.raisesRevision) row.revision += 1;
    next.row = row;
    applyToPatient(next, stored, read, decision);
    return true;
  }

  function applyToPatient(
    next: State,
    stored: Stored,
    read: Worker['read'],
    { patient }: ContactDecision,
  ) {
    const value = patient?.fields.email;
    if (patient == null || value === undefined) return;
    if (patient.created) {
      if (next.erased) next.broken ??= 'an erased patient came back';
      if (next.patient !== null) next.broken ??= 'one contact has two patients';
    } else if (next.patient !== stored.patient) {
      next.broken ??= 'an edit in ConsentHub was overwritten unseen';
    } else if (isContact(read) && read.ours) {
      next.broken ??= 'an edit in ConsentHub was undone by our own write';
    } else if (isContact(read) && read.value === stored.row?.seen) {
      next.broken ??= 'an edit in ConsentHub was undone though Dynamics had none';
    }
    next.patient = valueOf({ email: value });
  }

  /** claim-contacts.sql and read-claimed-contacts.sql. */
  function claim(next: State, index: number) {
    const { row } = next;
    if (!row?.linked) return;
    const stored = readRow(next);
    const ahead = row.seen !== null && next.patient !== row.seen;
    const reads = ahead || row.pushed.length > 0;
    next.workers[index] = {
      ...IDLE,
      at: reads ? 'beforeContact' : next.consentWaits ? 'writing' : 'acknowledged',
      kind: 'writer',
      stored,
      doubtBefore: row.doubt,
    };
    row.doubt = true;
  }

  /** prepare-profile.ts */
  function merge(next: State, index: number) {
    const mine = workerAt(next, index);
    const decision = decide(mine.stored, mine.read);
    if (decision.row.kind === 'due') return release(next, index, true);
    if (!isContact(mine.read) || !mine.read.alive) {
      mine.at = 'unlinking';
      return;
    }
    if (!apply(next, mine.stored, mine.read, decision)) return release(next, index, true);
    const before = mine.stored;
    const patient = valueOf({ email: decision.patient?.fields.email ?? email(before.patient) });
    const applied = decision.row.kind === 'apply';
    if (applied && next.row) mine.stored = { row: { ...next.row }, patient };
    const contact = mine.read;
    mine.read = null;
    if (patient === null || patient === contact.value) {
      mine.at = next.consentWaits ? 'writing' : 'acknowledged';
      return;
    }
    mine.push = { value: patient, version: contact.version };
    mine.at = 'writing';
    if (guarded('pushIsRecorded') && !record(next, mine)) release(next, index, true);
  }

  /** The same compare-and-set as `apply`, in one statement with it. */
  function record(next: State, mine: Worker): boolean {
    const { row } = next;
    const { stored, push } = mine;
    if (row === null || push === null || row.revision !== stored.row?.revision) return false;
    row.pushed = [...new Set([...row.pushed, push.value])].toSorted();
    mine.stored = { ...stored, row: { ...row } };
    return true;
  }

  /** What Dynamics does with a PATCH: 412 and 404 change nothing. */
  function answerTo(next: State, push: Push | null): 'updated' | 'conflict' | 'missing' {
    const { contact } = next;
    if (!contact.alive) {
      if (guarded('writeNeedsContact')) return 'missing';
      next.broken ??= 'a deleted contact came back';
    }
    const changed = push !== null && push.version !== contact.version;
    if (changed && guarded('pushHasETag')) return 'conflict';
    if (changed && !contact.ours && contact.value !== push.value) {
      next.broken ??= 'an edit in Dynamics was overwritten unseen';
    }
    contact.version += 1;
    if (push !== null) {
      contact.value = push.value;
      contact.ours = true;
    }
    return 'updated';
  }

  /** A write of which nobody hears. */
  function land(next: State, push: Push) {
    answerTo(next, push);
  }

  /** settle-contact.sql; where the revision has moved, the next round is a claim of its own. */
  function settle(next: State, index: number) {
    const { stored, push, doubtBefore } = workerAt(next, index);
    const { row } = next;
    if (row === null) return;
    if (guarded('settleChecksRevision') && row.revision !== stored.row?.revision) {
      return release(next, index, true);
    }
    row.writeDue = false;
    row.doubt = doubtBefore;
    next.consentWaits = false;
    next.workers[index] = IDLE;
    if (push !== null) {
      row.seen = push.value;
      if (guarded('seenRaisesRevision')) row.revision += 1;
    }
    if (push !== null || !doubtBefore) row.pushed = [];
  }

  /** release-contact.sql */
  function release(next: State, index: number, answered: boolean) {
    const { doubtBefore } = workerAt(next, index);
    next.workers[index] = IDLE;
    if (next.row === null) return;
    next.row.writeDue = true;
    if (answered) next.row.doubt = doubtBefore;
  }

  /** `unlink` of write-contact.ts */
  function unlink(next: State, index: number) {
    const mine = workerAt(next, index);
    const stored = guarded('unlinkComparesClaim') ? mine.stored : readRow(next);
    const read: Contact = { alive: false, version: 0, value: 0, ours: false };
    apply(next, stored, read, decide(stored, read));
    release(next, index, true);
  }

  function endDoubt({ row }: State) {
    if (row === null) return;
    row.doubt = false;
    row.writeDue = row.linked;
    row.revision += 1;
  }

  function patientChanged(next: State) {
    if (next.row?.former && guarded('formerPatientChangeRaisesRevision')) next.row.revision += 1;
    if (!next.row?.linked) return;
    if (guarded('patientChangeMakesDue')) next.row.writeDue = true;
    if (guarded('patientChangeRaisesRevision')) next.row.revision += 1;
  }

  function changeConsent(next: State) {
    next.consentWaits = true;
    if (!next.row?.linked) return;
    next.row.writeDue = true;
    next.row.revision += 1;
  }

  function erasePatient(next: State) {
    next.patient = null;
    next.erased = true;
    const { row } = next;
    if (!row?.linked && !row?.former) return;
    row.linked = false;
    row.former = false;
    row.seen = null;
    row.pushed = [];
    row.writeDue = false;
    row.erased = guarded('erasureIsRemembered');
    if (guarded('erasureRaisesRevision')) row.revision += 1;
  }
}

/** read-contacts.sql: the linked patient, or the former one. */
function readRow({ row, patient }: State): Stored {
  return { row: row && { ...row }, patient: row?.linked || row?.former ? patient : null };
}

const NEW_ROW: Row = {
  revision: 1,
  version: null,
  seen: null,
  deleted: false,
  linked: false,
  former: false,
  erased: false,
  readDue: false,
  writeDue: false,
  doubt: false,
  pushed: [],
};
