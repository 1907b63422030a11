import {
  type ConsentFields,
  driftedFields,
  type ShownConsentFields,
} from '../consent/consent-fields.ts';
import type { ContactEvent } from '../queue/contact-event.ts';
import { backoffSeconds } from './backoff.ts';
import { mergeProfile } from './merge-profile.ts';
import {
  PROFILE_FIELDS,
  type Profile,
  type ProfileField,
  type ProfilePart,
  sameValue,
} from './profile.ts';

/** What ConsentHub held of a contact before Dynamics was asked. */
export interface StoredContact {
  readonly revision: string;
  /** Decimal of a 64-bit integer; null while no read was ever applied. */
  readonly version: string | null;
  readonly seen: Profile | null;
  /**
   * What our own writes over that version show if they have landed, or still will. Where Dynamics shows
   * one of these values it is ours, whatever came of the write's answer.
   */
  readonly pushed: readonly ProfilePart[];
  /** The consent fields that Dynamics has for certain; null if unknown, or while a write may land. */
  readonly written: ConsentFields | null;
  /** Somebody is writing the contact: what its consent fields should show is not known before they are done. */
  readonly leased: boolean;
  /** The contact that this one was merged into. */
  readonly mergedInto: string | null;
  readonly deleted: boolean;
  readonly readDue: boolean;
  /** Tries that failed since the last one that succeeded. */
  readonly attempts: number;
  readonly linked: boolean;
  /** ConsentHub has erased the patient. */
  readonly erased: boolean;
  /** The linked patient, or the former one if it is still free. */
  readonly patient: Patient | null;
  /** Whom it was linked to before, free or not. */
  readonly formerPatientId: string | null;
}

export interface Patient extends Profile {
  readonly id: string;
}

/** A patient that a contact without one gets. */
export interface MatchedPatient extends Patient {
  /** The merged contact that it is still linked to, at the revision of its row; absent: to none. */
  readonly movesFrom?: LinkToMove;
}

export interface LinkToMove {
  readonly contactId: string;
  readonly revision: string;
}

/** What Dynamics said of the contact after the row was read. */
export type ContactRead =
  | {
      readonly kind: 'found';
      readonly version: string;
      readonly profile: Profile;
      /** The contact that this one was merged into in Dynamics. */
      readonly mergedInto: string | null;
      /** Null where they were not asked for, or the organisation has no columns for them. */
      readonly consent: ShownConsentFields | null;
    }
  /** Proven: a single read was answered with 404 and Dataverse's code for a missing row. */
  | { readonly kind: 'deleted' }
  | {
      readonly kind: 'unreadable';
      /** Name of the error, for the log and the audit trail. */
      readonly reason: string;
      /** What Dataverse asked for, if it did. */
      readonly retryAfterSeconds: number | undefined;
    };

/** What a decision is made on: the row, what was read after it, and what may be linked. */
export interface ContactCase {
  readonly stored: StoredContact | undefined;
  readonly read: ContactRead;
  /** A patient that is certainly this person: an unlinked one, or that of a contact merged into this one. */
  readonly match: MatchedPatient | undefined;
  readonly newPatientId: string;
}

export type Outcome =
  | 'applied'
  | 'unchanged'
  | 'superseded'
  | 'unlinked'
  | 'restored'
  | 'unreadable'
  /** The patient was erased in ConsentHub and is not made again. */
  | 'skipped';
export type PatientAction =
  | 'patient_created'
  | 'patient_updated'
  | 'patient_linked'
  | 'patient_unlinked';

/** The change of one row, its patient, and what the audit trail says of the event that led to it. */
export interface ContactDecision {
  readonly outcome: Outcome;
  readonly action: PatientAction;
  readonly patientId: string | null;
  readonly changedFields: readonly ProfileField[];
  readonly conflicts: readonly ProfileField[];
  /** Consent fields that somebody has edited in Dynamics: they are written again. */
  readonly driftedFields: readonly (keyof ConsentFields)[];
  readonly row: RowChange;
  readonly patient: PatientChange | null;
}

export type RowChange =
  | { readonly kind: 'none' }
  /** The contact has to be read again after so many seconds. */
  | { readonly kind: 'due'; readonly readDueSeconds: number }
  | {
      readonly kind: 'apply';
      readonly version: string | null;
      readonly seen: Profile | null;
      readonly deleted: boolean;
      /** Its consents count for that contact too. */
      readonly mergedInto: string | null;
      readonly patientId: string | null;
      readonly formerPatientId: string | null;
      /** The patient leaves this contact in the same statement, if both rows are as they were read. */
      readonly movesFrom?: LinkToMove;
      /** Something that Dynamics does not show yet has to be written there. */
      readonly writeDue: boolean;
      /** When, in seconds from now; at once if absent. */
      readonly writeDueSeconds?: number;
      /** False only where nothing changes that either side shows: a newer version of the same fields. */
      readonly raisesRevision: boolean;
      /** What is about to be written over this version. */
      readonly push?: ProfilePart;
      /** `written` is not true any more, provided that the row still says just this. */
      readonly driftedFrom?: ConsentFields;
      /** The contact has to be read once more after so many seconds. */
      readonly readDueSeconds?: number;
    };

export interface PatientChange {
  readonly id: string;
  readonly created: boolean;
  readonly fields: Partial<Profile>;
  /** What `patients.dynamics_contact_id` becomes; undefined leaves it. */
  readonly link?: 'set' | 'cleared';
}

/** A writer is done with a contact within seconds. */
export const READ_AGAIN_SECONDS = 5;

/**
 * Decides what a contact's row and patient become. Whatever led here, Dynamics was read after the
 * row: the newest read is simply what is true, be it a restore, a new version epoch or a deletion.
 */
export function decideContact(contact: ContactCase, event: ContactEvent['type']): ContactDecision {
  switch (contact.read.kind) {
    case 'unreadable':
      return {
        ...untouched(contact, event, 'unreadable'),
        row: {
          kind: 'due',
          readDueSeconds: Math.max(
            contact.read.retryAfterSeconds ?? 0,
            backoffSeconds(contact.stored?.attempts ?? 0),
          ),
        },
      };
    case 'deleted':
      return decideDeleted(contact, event);
    case 'found':
      return decideFound(contact, contact.read, event);
  }
}

/**
 * The database refuses what Dynamics shows, and would refuse it again: the row stays as it was read, and its
 * clock is cleared. The contact's next change is an event of its own.
 */
export function decideRefused(stored: StoredContact, event: ContactEvent['type']): ContactDecision {
  const base = untouched({ stored }, event, 'unchanged');
  return {
    ...base,
    row: {
      kind: 'apply',
      version: stored.version,
      seen: stored.seen,
      deleted: stored.deleted,
      mergedInto: stored.mergedInto,
      patientId: base.patientId,
      formerPatientId: stored.formerPatientId,
      writeDue: false,
      raisesRevision: false,
    },
  };
}

function decideDeleted(contact: ContactCase, event: ContactEvent['type']): ContactDecision {
  const { stored } = contact;
  // A create or an update that comes after the deletion says nothing any more.
  const overtaken = event === 'contact.deleted' ? 'unchanged' : 'superseded';
  const patientId = stored?.linked ? (stored.patient?.id ?? null) : null;
  const formerPatientId = stored?.patient?.id ?? stored?.formerPatientId ?? null;
  const base = untouched(contact, event, patientId === null ? overtaken : 'unlinked');
  return {
    ...base,
    action: patientId === null ? base.action : 'patient_unlinked',
    patientId,
    row: {
      kind: 'apply',
      version: stored?.version ?? null,
      seen: stored?.seen ?? null,
      deleted: true,
      // Deleted, it still stands for what its patient has revoked: a restore finds it so.
      mergedInto: stored?.mergedInto ?? null,
      patientId: null,
      formerPatientId,
      writeDue: false,
      // Also where it was deleted before: between then and now it may have been restored and deleted
      // again, and whoever read it alive in between must miss.
      raisesRevision: true,
    },
    patient:
      patientId === null ? null : { id: patientId, created: false, fields: {}, link: 'cleared' },
  };
}

function decideFound(
  contact: ContactCase,
  read: Extract<ContactRead, { kind: 'found' }>,
  event: ContactEvent['type'],
): ContactDecision {
  const { stored } = contact;
  const known = stored?.patient ?? undefined;
  const patient = known ?? contact.match;

  if (stored?.erased === true && !stored.linked) {
    const base = untouched(contact, event, 'skipped');
    // Nothing of the person is kept here; a clock that asked for this read is cleared.
    return stored.readDue || stored.deleted || stored.version !== read.version
      ? {
          ...base,
          row: {
            ...NOBODY,
            version: read.version,
            mergedInto: read.mergedInto,
            formerPatientId: null,
            raisesRevision: stored.deleted,
          },
        }
      : base;
  }

  if (patient === undefined && read.mergedInto !== null) {
    // Whoever this was is the master's patient by now: nobody is made a second time.
    const base = untouched(contact, event, 'unchanged');
    const remerged = stored?.mergedInto !== read.mergedInto;
    return stored === undefined ||
      stored.readDue ||
      stored.deleted ||
      remerged ||
      stored.version !== read.version
      ? {
          ...base,
          row: {
            ...NOBODY,
            version: read.version,
            mergedInto: read.mergedInto,
            formerPatientId: stored?.formerPatientId ?? null,
            raisesRevision: stored === undefined || remerged || stored.deleted,
          },
        }
      : base;
  }

  if (patient === undefined) {
    return {
      outcome: stored?.deleted ? 'restored' : 'applied',
      action: 'patient_created',
      patientId: contact.newPatientId,
      changedFields: PROFILE_FIELDS.filter((field) => read.profile[field] !== null),
      conflicts: [],
      driftedFields: driftOf(stored, read),
      row: linkedRow(read, contact.newPatientId, 'new', false, stored),
      patient: { id: contact.newPatientId, created: true, fields: read.profile, link: 'set' },
    };
  }

  const merged = mergeProfile(
    read.profile,
    patient,
    known === undefined || stored === undefined ? undefined : lastKnown(stored, read.profile),
  );
  const linksNow = stored?.linked !== true;
  const fieldsMoved =
    stored?.seen == null ||
    PROFILE_FIELDS.some((field) => !sameValue(read.profile[field], stored.seen?.[field] ?? null));
  const drifted = driftOf(stored, read);
  // A reader cannot tell an edit from the write that is under way, and the writer does not look.
  const readsAgain = stored?.leased === true && stored.linked && read.consent !== null;
  const changes =
    linksNow ||
    fieldsMoved ||
    stored.deleted ||
    stored.mergedInto !== read.mergedInto ||
    drifted.length > 0 ||
    readsAgain;
  if (!changes && stored.version === read.version && !stored.readDue) {
    return untouched(contact, event, 'unchanged');
  }
  const effect = linksNow || merged.changed.length > 0;
  return {
    outcome:
      linksNow && known !== undefined
        ? 'restored'
        : effect || drifted.length > 0
          ? 'applied'
          : 'unchanged',
    action: linksNow ? 'patient_linked' : 'patient_updated',
    patientId: patient.id,
    changedFields: merged.changed,
    conflicts: merged.conflicts,
    driftedFields: drifted,
    row: {
      ...linkedRow(read, patient.id, linksNow ? 'new' : 'kept', merged.ahead.length > 0, stored),
      raisesRevision: changes || merged.ahead.length > 0,
      ...(known === undefined &&
        contact.match?.movesFrom && { movesFrom: contact.match.movesFrom }),
      ...(readsAgain && { readDueSeconds: READ_AGAIN_SECONDS }),
    },
    patient: effect
      ? {
          id: patient.id,
          created: false,
          fields: Object.fromEntries(merged.changed.map((field) => [field, merged.patient[field]])),
          ...(linksNow && { link: 'set' as const }),
        }
      : null,
  };
}

/**
 * The base of the merge: what was last seen in Dynamics or, where it shows a value that we have written
 * ourselves, that value.
 */
function lastKnown({ seen, pushed }: StoredContact, shown: Profile): Profile | undefined {
  if (seen === null) return undefined;
  const base: Record<ProfileField, string | null> = { ...seen };
  for (const field of PROFILE_FIELDS) {
    const ours = pushed.some((write) => {
      const value = write[field];
      return value !== undefined && sameValue(value, shown[field]);
    });
    if (ours) base[field] = shown[field];
  }
  return base;
}

/** A contact whose patient was erased, or is its master's: known, alive, and nobody. */
const NOBODY: Omit<
  Extract<RowChange, { kind: 'apply' }>,
  'raisesRevision' | 'version' | 'mergedInto' | 'formerPatientId'
> = {
  kind: 'apply',
  seen: null,
  deleted: false,
  patientId: null,
  writeDue: false,
};

function linkedRow(
  read: Extract<ContactRead, { kind: 'found' }>,
  patientId: string,
  link: 'new' | 'kept',
  ahead: boolean,
  stored: StoredContact | undefined,
): Extract<RowChange, { kind: 'apply' }> {
  const drifted = driftOf(stored, read).length > 0;
  return {
    kind: 'apply',
    version: read.version,
    seen: read.profile,
    deleted: false,
    mergedInto: read.mergedInto,
    patientId,
    formerPatientId: null,
    // A new link: whatever the patient has consented to has to show in Dynamics now.
    writeDue: link === 'new' || ahead || drifted,
    raisesRevision: true,
    ...(drifted && stored?.written && { driftedFrom: stored.written }),
  };
}

/** What somebody has edited of the fields that only we write. */
function driftOf(
  stored: StoredContact | undefined,
  { consent }: Extract<ContactRead, { kind: 'found' }>,
): ContactDecision['driftedFields'] {
  return stored?.written == null || consent === null ? [] : driftedFields(stored.written, consent);
}

/** What an event that had no effect is called in the audit trail. */
export const actionOf = (event: ContactEvent['type']): PatientAction =>
  event === 'contact.deleted' ? 'patient_unlinked' : 'patient_updated';

function untouched(
  { stored }: Pick<ContactCase, 'stored'>,
  event: ContactEvent['type'],
  outcome: Outcome,
): ContactDecision {
  return {
    outcome,
    action: actionOf(event),
    patientId: stored?.linked ? (stored.patient?.id ?? null) : null,
    changedFields: [],
    conflicts: [],
    driftedFields: [],
    row: { kind: 'none' },
    patient: null,
  };
}
