import * as z from 'zod';
import { type AuditRow, auditValues } from '../audit/audit-row.ts';
import { consentRows } from '../consent/consent-store.ts';
import { deriveContactFields } from '../consent/derive-contact-fields.ts';
import { profileColumn } from '../contacts/contact-store.ts';
import { type Database, DatabaseRejected } from '../database/database.ts';
import { MARK_OWN_WRITE } from '../database/own-write.ts';
import type { ComparedPatient, ComparedRow, Difference } from './compare-contact.ts';
import countRows from './count-rows.sql';
import drawSample from './draw-sample.sql';
import listKnown from './list-known.sql';
import readRows from './read-rows.sql';
import repairContacts from './repair.sql';

/** At which rate repaired contacts become due: what people do meanwhile finds its place between. */
const DUE_PER_SECOND = 10;

/** Before every id. */
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/** A contact about which both sides differ, as it was compared. */
export interface DifferingContact {
  readonly contactId: string;
  readonly patientId: string | null;
  /** Null: ConsentHub had no row. */
  readonly revision: string | null;
  readonly differences: readonly Difference[];
}

/** How many contacts ConsentHub knows. */
export interface RowCounts {
  /** Not known to be deleted. */
  readonly known: number;
  /** Of them, those that are somebody's. */
  readonly linked: number;
  readonly deleted: number;
}

/** One organisation's contacts, as ConsentHub has them. All methods throw as `Database` does. */
export interface VerifyStore {
  read(contactIds: readonly string[]): Promise<ReadonlyMap<string, ComparedRow>>;
  /** Ids of contacts that ought to be in Dynamics, in their order; begins after one of them. */
  listKnown(after: string | undefined, limit: number): Promise<readonly string[]>;
  /** Ids of contacts, those deleted in Dynamics among them. The same seed draws the same ones. */
  drawSample(seed: string, limit: number): Promise<readonly string[]>;
  count(): Promise<RowCounts>;
  /**
   * Makes contacts due, or sets their link, and writes an audit row for each. Returns the ids of those
   * that were repaired: one that has changed since it was compared is left alone.
   *
   * @param before how many of the same run were repaired before, to spread them over time
   */
  repair(contacts: readonly DifferingContact[], before: number): Promise<ReadonlySet<string>>;
}

const text = z.string().nullable();
const comparedRow = z.object({
  contact_id: z.string(),
  revision: z.string(),
  version: text,
  deleted: z.boolean(),
  erased: z.boolean(),
  merged_into: text,
  seen: profileColumn.nullable(),
  attempts: z.number(),
  in_progress: z.boolean(),
  patient_id: text,
  noted_contact_id: text,
  first_name: text,
  last_name: text,
  email: text,
  phone: text,
  unmarked: z.boolean(),
  now: z.coerce.date(),
  consents: consentRows,
  merged_consents: z.array(consentRows),
});
const idRow = z.object({ contact_id: z.string() });
const countRow = z.object({ known: z.number(), linked: z.number(), deleted: z.number() });

export function createVerifyStore(
  database: Database,
  {
    organizationId,
    newId,
  }: {
    /** ConsentHub's. */
    readonly organizationId: string;
    readonly newId: () => string;
  },
): VerifyStore {
  async function ids(sql: string, params: readonly unknown[]): Promise<string[]> {
    const rows = await database.query(sql, [organizationId, ...params]);
    return rows.map((row) => idRow.parse(row).contact_id);
  }

  async function repair(
    contacts: readonly DifferingContact[],
    before: number,
  ): Promise<ReadonlySet<string>> {
    if (contacts.length === 0) return new Set();
    const input = contacts.map((contact, index) => ({
      ...repairColumns(contact),
      due_seconds: Math.floor((before + index) / DUE_PER_SECOND),
      audit: auditRow(contact, newId()),
    }));
    try {
      const [, rows = []] = await database.transaction([
        MARK_OWN_WRITE,
        { text: repairContacts, params: [organizationId, JSON.stringify(input)] },
      ]);
      return new Set(rows.map((row) => idRow.parse(row).contact_id));
    } catch (error) {
      if (!(error instanceof DatabaseRejected)) throw error;
      // One that the database refuses, or that somebody holds locked, must not be everybody's.
      if (contacts.length === 1) return new Set();
      const middle = Math.ceil(contacts.length / 2);
      const first = await repair(contacts.slice(0, middle), before);
      return new Set([...first, ...(await repair(contacts.slice(middle), before + middle))]);
    }
  }

  return {
    repair,

    async read(contactIds) {
      const rows = await database.query(readRows, [organizationId, JSON.stringify(contactIds)]);
      return new Map(
        rows.map((row) => {
          const compared = toComparedRow(comparedRow.parse(row));
          return [compared.contactId, compared];
        }),
      );
    },

    listKnown: (after, limit) => ids(listKnown, [after ?? FIRST_ID, limit]),

    drawSample: (seed, limit) => ids(drawSample, [seed, limit]),

    async count() {
      const [row] = await database.query(countRows, [organizationId]);
      return countRow.parse(row);
    },
  };
}

function toComparedRow(row: z.output<typeof comparedRow>): ComparedRow {
  return {
    contactId: row.contact_id,
    revision: row.revision,
    version: row.version,
    deleted: row.deleted,
    erased: row.erased,
    mergedInto: row.merged_into,
    seen: row.seen,
    inProgress: row.in_progress,
    attempts: row.attempts,
    patient: row.patient_id === null ? null : toComparedPatient(row.patient_id, row),
  };
}

function toComparedPatient(id: string, row: z.output<typeof comparedRow>): ComparedPatient {
  return {
    id,
    firstName: row.first_name,
    lastName: row.last_name,
    email: row.email,
    phone: row.phone,
    notedContactId: row.noted_contact_id,
    consent: deriveContactFields(row.consents, row.now, row.merged_consents).fields,
    unmarked: row.unmarked,
  };
}

/** The columns of `repair.sql`. */
function repairColumns({ contactId, revision, differences }: DifferingContact) {
  const has = (...repairs: readonly Difference['repair'][]) =>
    differences.some(({ repair }) => repairs.includes(repair));
  return {
    contact_id: contactId,
    revision,
    read: has('read'),
    write: has('write', 'write-anew'),
    forget: has('write-anew'),
    link: has('link'),
  };
}

function auditRow({ contactId, patientId, differences }: DifferingContact, id: string): AuditRow {
  return {
    id,
    patient_id: patientId,
    event_id: null,
    action: 'sync_requested',
    source: 'operator',
    outcome: 'due',
    new_values: auditValues({
      contactId,
      differences: differences.map(({ code }) => code),
      fields: differences.flatMap(({ fields }) => fields),
    }),
  };
}
