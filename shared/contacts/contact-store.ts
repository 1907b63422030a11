import * as z from 'zod';
import { consentFieldsColumn } from '../consent/consent-fields-column.ts';
import type { AuditRow } from '../audit/audit-row.ts';
import type { Database } from '../database/database.ts';
import { MARK_OWN_WRITE } from '../database/own-write.ts';
import applyContacts from './apply-contacts.sql';
import type { ContactDecision, Patient, StoredContact } from './decide-contact.ts';
import findPatientsToLink from './find-patients-to-link.sql';
import type { Candidate } from './match-patient.ts';
import { type MatchKey, PROFILE_FIELDS } from './profile.ts';
import readContacts from './read-contacts.sql';

/** One text for the key of a row: contact ids are only unique within an organisation. */
export const rowKey = (row: { organizationId: string; contactId: string }): string =>
  `${row.organizationId}/${row.contactId}`;

/** A contact as a message names it: by Dataverse's organisation. */
export interface ContactKey {
  readonly dataverseOrganizationId: string;
  readonly contactId: string;
}

export interface StoredRow extends ContactKey {
  /** ConsentHub's organisation; null where none has this Dataverse organisation. */
  readonly organizationId: string | null;
  readonly stored: StoredContact | undefined;
}

export interface LinkQuestion extends Partial<MatchKey> {
  readonly organizationId: string;
  readonly contactId: string;
}

export interface ContactWrite {
  readonly organizationId: string;
  readonly contactId: string;
  /** The row that the decision was made on. */
  readonly stored: StoredContact | undefined;
  readonly decision: ContactDecision;
  readonly audit: readonly AuditRow[];
}

const text = z.string().nullable();
/** A profile as `dynamics_contacts` keeps it, and what was pushed of one. */
export const profileColumn = z.object({
  firstName: text,
  lastName: text,
  email: text,
  phone: text,
});
export const pushedColumn = z.array(profileColumn.partial()).nullable();
const storedRow = z.object({
  dataverse_organization_id: z.string(),
  contact_id: z.string(),
  organization_id: text,
  revision: text,
  version: text,
  seen: profileColumn.nullable(),
  pushed: pushedColumn,
  written: consentFieldsColumn,
  leased: z.boolean(),
  merged_into: text,
  deleted: z.boolean(),
  read_due: z.boolean(),
  attempts: z.number().nullable(),
  linked: z.boolean(),
  erased: z.boolean(),
  former_patient_id: text,
  patient_id: text,
  first_name: text,
  last_name: text,
  email: text,
  phone: text,
});
const candidateRow = z.object({
  organization_id: z.string(),
  contact_id: z.string(),
  patient_id: z.string(),
  first_name: text,
  last_name: text,
  email: text,
  phone: text,
  own: z.boolean(),
  merged: z.boolean(),
  moves_from: text,
  moves_from_revision: text,
  rivals: z.number(),
});
const appliedRow = z.object({
  organization_id: z.string(),
  contact_id: z.string(),
  revision: z.string().nullable(),
});

/** The rows of `dynamics_contacts` with their patients. All methods throw as `Database` does. */
export interface ContactStore {
  read(keys: readonly ContactKey[]): Promise<readonly StoredRow[]>;
  findPatientsToLink(questions: readonly LinkQuestion[]): Promise<readonly Candidate[]>;
  /**
   * Writes row by row with compare-and-set; returns the contacts that were written, with the revision
   * that their row has now (null where the row was not touched). The keys are those of `rowKey`.
   */
  apply(writes: readonly ContactWrite[]): Promise<ReadonlyMap<string, string | null>>;
}

export function createContactStore(database: Database): ContactStore {
  return {
    async read(keys) {
      const input = keys.map((key) => ({
        dataverse_organization_id: key.dataverseOrganizationId,
        contact_id: key.contactId,
      }));
      const rows = await database.query(readContacts, [JSON.stringify(input)]);
      return rows.map((row) => toStoredRow(storedRow.parse(row)));
    },

    async findPatientsToLink(questions) {
      if (questions.length === 0) return [];
      const input = questions.map((question) => ({
        organization_id: question.organizationId,
        contact_id: question.contactId,
        first_name: question.firstName ?? null,
        last_name: question.lastName ?? null,
        email: question.email ?? null,
      }));
      const rows = await database.query(findPatientsToLink, [JSON.stringify(input)]);
      return rows.map((row) => {
        const candidate = candidateRow.parse(row);
        const { moves_from: contactId, moves_from_revision: revision } = candidate;
        return {
          organizationId: candidate.organization_id,
          contactId: candidate.contact_id,
          patient: {
            ...toPatient(candidate.patient_id, candidate),
            ...(contactId !== null && revision !== null && { movesFrom: { contactId, revision } }),
          },
          own: candidate.own,
          merged: candidate.merged,
          rivals: candidate.rivals,
        };
      });
    },

    async apply(writes) {
      if (writes.length === 0) return new Map();
      const [, rows = []] = await database.transaction([
        MARK_OWN_WRITE,
        { text: applyContacts, params: [JSON.stringify(writes.map(toInput))] },
      ]);
      return new Map(
        rows.map((row) => {
          const applied = appliedRow.parse(row);
          const { organization_id: organizationId, contact_id: contactId } = applied;
          return [rowKey({ organizationId, contactId }), applied.revision];
        }),
      );
    },
  };
}

function toStoredRow(row: z.output<typeof storedRow>): StoredRow {
  return {
    dataverseOrganizationId: row.dataverse_organization_id,
    contactId: row.contact_id,
    organizationId: row.organization_id,
    stored:
      row.revision === null
        ? undefined
        : {
            revision: row.revision,
            version: row.version,
            seen: row.seen,
            pushed: row.pushed ?? [],
            written: row.written,
            leased: row.leased,
            mergedInto: row.merged_into,
            deleted: row.deleted,
            readDue: row.read_due,
            attempts: row.attempts ?? 0,
            linked: row.linked,
            erased: row.erased,
            formerPatientId: row.former_patient_id,
            patient: row.patient_id === null ? null : toPatient(row.patient_id, row),
          },
  };
}

function toPatient(
  id: string,
  row: Pick<z.output<typeof storedRow>, 'first_name' | 'last_name' | 'email' | 'phone'>,
): Patient {
  return {
    id,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    phone: row.phone,
  };
}

const PATIENT_COLUMNS = {
  firstName: 'first_name',
  lastName: 'last_name',
  email: 'email',
  phone: 'phone',
} as const;

/** A decision in the columns of `apply-contacts.sql`. */
function toInput({ organizationId, contactId, stored, decision, audit }: ContactWrite) {
  const { row, patient } = decision;
  const key = { organization_id: organizationId, contact_id: contactId, audit };
  if (row.kind === 'none') return { ...key, expects: 'none' };
  if (row.kind === 'due') return { ...key, expects: 'any', read_due_seconds: row.readDueSeconds };
  return {
    ...key,
    expects: stored === undefined ? 'absent' : 'revision',
    revision: stored?.revision,
    read_version: stored?.version,
    raises_revision: row.raisesRevision,
    version: row.version,
    seen: row.seen,
    deleted: row.deleted,
    merged_into: row.mergedInto,
    patient_id: row.patientId,
    former_patient_id: row.formerPatientId,
    moves_from: row.movesFrom?.contactId,
    moves_from_revision: row.movesFrom?.revision,
    write_due: row.writeDue,
    write_due_seconds: row.writeDueSeconds ?? 0,
    push: row.push,
    drifted_from: row.driftedFrom,
    read_due_seconds: row.readDueSeconds,
    new_patient: patient?.created ?? false,
    patient: patient && {
      id: patient.id,
      ...Object.fromEntries(
        PROFILE_FIELDS.filter((field) => patient.fields[field] !== undefined).map((field) => [
          PATIENT_COLUMNS[field],
          patient.fields[field],
        ]),
      ),
      ...(patient.link && {
        dynamics_contact_id: patient.link === 'set' ? contactId : null,
      }),
    },
  };
}
