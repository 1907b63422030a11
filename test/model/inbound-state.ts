/** The values of a field of the profile: few, so that they come back. */
export type Value = 0 | 1 | 2;

/** The contact in Dynamics. */
export interface Contact {
  alive: boolean;
  version: number;
  value: Value;
  /** The value came from a push of ours. */
  ours: boolean;
}

/** The patient's value on its way to Dynamics. */
export interface Push {
  value: Value;
  /** Of the contact when it was read: the ETag. */
  version: number;
}

/** The columns of `dynamics_contacts` that this model needs. */
export interface Row {
  revision: number;
  version: number | null;
  seen: Value | null;
  deleted: boolean;
  linked: boolean;
  former: boolean;
  erased: boolean;
  readDue: boolean;
  writeDue: boolean;
  /** A write may still land. */
  doubt: boolean;
  /** What our pushes over that version show if they have landed, or still will. */
  pushed: readonly Value[];
}

/** The row and the patient as one statement has read them; null where there was none. */
export interface Stored {
  row: Row | null;
  patient: Value | null;
}

/** One invocation of sync-contact (reads) or of sync-consent (writes). */
export interface Worker {
  at:
    | 'idle'
    | 'beforeRow'
    | 'beforeContact'
    | 'applying'
    | 'writing'
    | 'acknowledged'
    | 'unlinking';
  kind: 'reader' | 'writer';
  stored: Stored;
  read: Contact | 'unreadable' | 'notFound' | null;
  push: Push | null;
  /** A writer's: the row had a doubt when it was claimed. */
  doubtBefore: boolean;
}

export interface State {
  contact: Contact;
  row: Row | null;
  patient: Value | null;
  erased: boolean;
  /** A consent that Dynamics does not show yet. */
  consentWaits: boolean;
  /** At least one message waits, to read the contact or to write it. */
  ringRead: boolean;
  ringWrite: boolean;
  /** Pushes that may still land. */
  late: Push[];
  workers: Worker[];
  spent: Spending;
  /** What must never happen, and has happened. */
  broken: string | null;
}

/** How often something happens. Each number bounds the state space. */
export interface Spending {
  /** Users of Dynamics edit, delete and restore the contact. */
  dynamics: number;
  /** ConsentHub edits the patient. */
  patient: number;
  /** Consents that change, so that the contact's version grows and its profile does not. */
  consents: number;
  erasures: number;
  /** Messages that are delivered a second time. */
  doubles: number;
  crashes: number;
  /** Reads that fail, and writes that are lost, late or unanswered. */
  faults: number;
}

export const IDLE: Worker = {
  at: 'idle',
  kind: 'reader',
  stored: { row: null, patient: null },
  read: null,
  push: null,
  doubtBefore: false,
};

/** `new`: a contact that nobody knows yet. `linked`: both sides agree. */
export function initialState(start: 'new' | 'linked'): State {
  const linked: Row = {
    revision: 1,
    version: 1,
    seen: 0,
    deleted: false,
    linked: true,
    former: false,
    erased: false,
    readDue: false,
    writeDue: false,
    doubt: false,
    pushed: [],
  };
  return {
    contact: { alive: true, version: 1, value: 0, ours: false },
    row: start === 'linked' ? linked : null,
    patient: start === 'linked' ? 0 : null,
    erased: false,
    consentWaits: false,
    ringRead: start === 'new',
    ringWrite: false,
    late: [],
    workers: [IDLE, IDLE],
    spent: { dynamics: 0, patient: 0, consents: 0, erasures: 0, doubles: 0, crashes: 0, faults: 0 },
    broken: null,
  };
}

/** Deep, except for what is only ever replaced: `stored`, `read` and `push`. */
export function copyState(state: State): State {
  return {
    ...state,
    contact: { ...state.contact },
    row: state.row && { ...state.row },
    late: [...state.late],
    workers: state.workers.map((worker) => ({ ...worker })),
    spent: { ...state.spent },
  };
}

/** A worker, to be changed: only of a copied state. */
export function workerAt(next: State, index: number): Worker {
  const worker = next.workers[index];
  if (worker === undefined) throw new RangeError('no such worker');
  return worker;
}

/** Only the order of versions matters, only the equality of revisions, and the workers are alike. */
export function keyOf(state: State): string {
  const versions = new Set<number | null | undefined>([state.contact.version, state.row?.version]);
  for (const { stored, read, push } of state.workers) {
    versions.add(stored.row?.version).add(push?.version);
    if (read !== null && typeof read === 'object') versions.add(read.version);
  }
  for (const push of state.late) versions.add(push.version);
  versions.delete(undefined);
  const order = [...versions].toSorted((a, b) => (a ?? 0) - (b ?? 0));
  const rank = (version: number | null) => (version === null ? '-' : order.indexOf(version));
  const push = (one: Push | null) => (one === null ? '-' : `${one.value}@${rank(one.version)}`);
  const contact = (one: Contact) =>
    `${one.value}@${rank(one.version)}${one.alive ? 'a' : ''}${one.ours ? 'o' : ''}`;
  const row = (one: Row | null) =>
    one === null
      ? '-'
      : [
          rank(one.version),
          one.seen ?? '-',
          bits([
            one.deleted,
            one.linked,
            one.former,
            one.erased,
            one.readDue,
            one.writeDue,
            one.doubt,
          ]),
          one.pushed.join(''),
        ].join();
  const workers = state.workers.map(({ at, kind, stored, read, push: pushing, doubtBefore }) =>
    at === 'idle'
      ? ''
      : [
          at,
          kind,
          row(stored.row),
          stored.row?.revision === state.row?.revision,
          stored.patient,
          typeof read === 'string' || read === null ? read : contact(read),
          push(pushing),
          doubtBefore,
        ].join(),
  );
  return [
    contact(state.contact),
    row(state.row),
    state.patient,
    bits([state.erased, state.consentWaits, state.ringRead, state.ringWrite]),
    state.late.map(push).toSorted().join(),
    Object.values(state.spent).join(''),
    state.broken,
    ...workers.toSorted(),
  ].join(';');
}

const bits = (values: readonly boolean[]) => values.map((value) => (value ? 1 : 0)).join('');
