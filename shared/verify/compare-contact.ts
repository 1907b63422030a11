import {
  type ConsentFields,
  driftedFields,
  type ShownConsentFields,
} from '../consent/consent-fields.ts';
import { mergeProfile } from '../contacts/merge-profile.ts';
import { PROFILE_FIELDS, type Profile, sameValue } from '../contacts/profile.ts';

/** What ConsentHub says of a contact. */
export interface ComparedRow {
  readonly contactId: string;
  readonly revision: string;
  /** Decimal of a 64-bit integer; null while no read was ever applied. */
  readonly version: string | null;
  /** Proven to be deleted in Dynamics. */
  readonly deleted: boolean;
  /** ConsentHub has erased the patient: nobody is made of the contact again. */
  readonly erased: boolean;
  readonly mergedInto: string | null;
  readonly seen: Profile | null;
  /** Somebody is about to read or write it, or has just changed it, or a write may still land. */
  readonly inProgress: boolean;
  /** Tries that failed since the last one that succeeded. */
  readonly attempts: number;
  /** Null: the contact is nobody's. */
  readonly patient: ComparedPatient | null;
}

export interface ComparedPatient extends Profile {
  readonly id: string;
  /** `patients.dynamics_contact_id`, in lower case. */
  readonly notedContactId: string | null;
  /** What its contact has to show, at the database's clock. */
  readonly consent: ConsentFields;
  /** A consent of a marketing channel does not count as shown in Dynamics. */
  readonly unmarked: boolean;
}

/** What Dynamics says of a contact; `absent` is proven by a read of its own. */
export type ComparedContact =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'found';
      readonly profile: Profile;
      readonly mergedInto: string | null;
      readonly consent: ShownConsentFields;
    };

export const DIFFERENCE_CODES = [
  /** In Dynamics; ConsentHub has never heard of it. */
  'contact-unknown',
  /** In Dynamics; deleted to ConsentHub. */
  'contact-restored',
  /** Proven not to be in Dynamics; alive or linked to ConsentHub. */
  'contact-gone',
  /** In Dynamics and known, and nobody's patient. */
  'patient-missing',
  /** The linked patient does not name the contact. */
  'patient-link',
  /** Name, email or phone. */
  'profile',
  'consents',
  /** A consent that Dynamics shows is not marked as shown. */
  'consent-unmarked',
  /** The contact that it was merged into. */
  'merged-into',
] as const;

export type DifferenceCode = (typeof DIFFERENCE_CODES)[number];

/** One thing in which both sides differ. Names fields, never their values. */
export interface Difference {
  readonly code: DifferenceCode;
  readonly fields: readonly string[];
  /**
   * What brings both sides together: a read of the contact, a write to it, a write whatever the row says
   * was written, or the contact's id in the patient's row.
   */
  readonly repair: 'read' | 'write' | 'write-anew' | 'link';
}

/** In what both sides differ about one contact, with the same rules as the sync. Empty: they agree. Pure. */
export function compareContact(
  row: ComparedRow | undefined,
  contact: ComparedContact,
): readonly Difference[] {
  if (contact.kind === 'absent') {
    const known = row !== undefined && (!row.deleted || row.patient !== null);
    return known ? [readAgain('contact-gone')] : [];
  }
  if (row === undefined) return [readAgain('contact-unknown')];
  if (row.deleted) return [readAgain('contact-restored')];
  const merge = row.mergedInto === contact.mergedInto ? [] : [readAgain('merged-into')];
  const { patient } = row;
  if (patient === null) {
    // Whoever a merged contact was can be its master's patient by now.
    const nobodys = row.erased || contact.mergedInto !== null;
    return nobodys ? merge : [readAgain('patient-missing'), ...merge];
  }
  return [...comparePatient(row, patient, contact), ...merge];
}

function comparePatient(
  row: ComparedRow,
  patient: ComparedPatient,
  contact: Extract<ComparedContact, { kind: 'found' }>,
): readonly Difference[] {
  const differences: Difference[] = [];
  if (patient.notedContactId !== row.contactId) {
    differences.push({ code: 'patient-link', fields: [], repair: 'link' });
  }
  const profile = PROFILE_FIELDS.filter(
    (field) => !sameValue(patient[field], contact.profile[field]),
  );
  if (profile.length > 0) {
    // What only ConsentHub has changed is written; everything else has to be read first.
    const { changed } = mergeProfile(contact.profile, patient, row.seen ?? undefined);
    const repair = changed.length > 0 ? 'read' : 'write';
    differences.push({ code: 'profile', fields: profile, repair });
  }
  const consents = driftedFields(patient.consent, contact.consent);
  if (consents.length > 0) {
    // The row may say that just this was written, and then nothing would be.
    differences.push({ code: 'consents', fields: consents, repair: 'write-anew' });
  } else if (patient.unmarked) {
    differences.push({ code: 'consent-unmarked', fields: [], repair: 'write' });
  }
  return differences;
}

const readAgain = (code: DifferenceCode): Difference => ({ code, fields: [], repair: 'read' });
