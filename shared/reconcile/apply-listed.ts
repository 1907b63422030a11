import { type AuditSource, auditValues } from '../audit/audit-row.ts';
import { applyIsolating } from '../contacts/apply-isolating.ts';
import {
  type ContactStore,
  type ContactWrite,
  rowKey,
  type StoredRow,
} from '../contacts/contact-store.ts';
import {
  type ContactDecision,
  type ContactRead,
  decideContact,
  type StoredContact,
} from '../contacts/decide-contact.ts';
import { findMatches, waitsForMerged } from '../contacts/find-matches.ts';
import { auditedDecision, reportDecision, wentBack } from '../contacts/report-decision.ts';
import { describeError, type Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';

/** A contact that changed between read and write is decided anew so often before its clock is set. */
const MAX_ROUNDS = 3;

/** When a contact that was written by somebody else all the time is read by itself. */
const MISSED_AGAIN_SECONDS = 5;

export interface Listing {
  readonly organizationId: string;
  readonly dataverseOrganizationId: string;
  readonly source: Extract<AuditSource, 'reconcile' | 'import'>;
}

/** A contact whose patient was created, linked, unlinked or changed, or whose consent fields were edited. */
export interface Effect {
  readonly contactId: string;
  readonly decision: ContactDecision;
}

export interface Applied {
  readonly effects: readonly Effect[];
  /** Contacts that the database refuses even by themselves. */
  readonly refused: readonly string[];
  /** Dynamics showed a contact at a lower version than its row had: it counts anew. */
  readonly wentBack: boolean;
}

/** What Dynamics says of contacts whose rows have just been read; one that is left out is not touched. */
export type ReadAfterRows = (
  rows: ReadonlyMap<string, StoredContact | undefined>,
) => Promise<ReadonlyMap<string, ContactRead>> | ReadonlyMap<string, ContactRead>;

export interface ApplyListedDependencies {
  readonly contacts: ContactStore;
  readonly newId: () => string;
  readonly log: Log;
  readonly metrics: Measurements;
}

/**
 * Brings the rows of many contacts up to what Dynamics says: the same decision and statements as for an
 * event, with an audit row only where something changed. Throws as `Database` does.
 */
export function createApplyListed({ contacts, newId, log, metrics }: ApplyListedDependencies) {
  return { apply, leaveToClock };

  /** @param writeDueSeconds when the nth new link of these is written to Dynamics; at once if absent */
  async function apply(
    listing: Listing,
    contactIds: readonly string[],
    readAfterRows: ReadAfterRows,
    writeDueSeconds: (nth: number) => number = () => 0,
  ): Promise<Applied> {
    const { dataverseOrganizationId } = listing;
    const effects: Effect[] = [];
    let isBehind = false;
    const refused: string[] = [];
    let newLinks = 0;
    let pending = [...new Set(contactIds)];
    for (let round = 1; pending.length > 0 && round <= MAX_ROUNDS; round += 1) {
      const rows = await contacts.read(
        pending.map((contactId) => ({ dataverseOrganizationId, contactId })),
      );
      const storedOf = new Map(
        rows.filter((row) => belongsTo(listing, row)).map((row) => [row.contactId, row.stored]),
      );
      const reads = await readAfterRows(storedOf);
      const cases = [...reads].map(([contactId, read]) => {
        const stored = storedOf.get(contactId);
        return { organizationId: listing.organizationId, contactId, stored, read };
      });
      const masters = cases.filter((one) => waitsForMerged(one, cases));
      const ready = cases.filter((one) => !masters.includes(one));
      const matches = await findMatches(contacts, ready);
      const writes = ready.flatMap((one): (ContactWrite & { read: ContactRead })[] => {
        const decided = decideContact(
          {
            stored: one.stored,
            read: one.read,
            match: matches.get(rowKey(one)),
            newPatientId: newId(),
          },
          'sync.requested',
        );
        const linksNow = decided.patient?.link === 'set';
        if (linksNow) newLinks += 1;
        const decision = linksNow ? writtenLater(decided, writeDueSeconds(newLinks)) : decided;
        if (decision.row.kind === 'none' && decision.patient === null) return [];
        return [{ ...one, decision, audit: auditRows(listing, one.contactId, decision) }];
      });
      const result = await applyIsolating(
        (part) => contacts.apply(part),
        writes,
        (count, error) => log(messages.contactRowsRejected, { count, ...describeError(error) }),
      );
      pending = masters.map(({ contactId }) => contactId);
      for (const write of writes) {
        const { contactId, decision } = write;
        const rejected = result.rejected.get(rowKey(write));
        if (result.applied.has(rowKey(write))) {
          reportDecision(write, { log, metrics });
          isBehind ||= wentBack(write);
          if (hasEffect(decision)) effects.push({ contactId, decision });
        } else if (rejected !== undefined && !rejected.temporary && round === MAX_ROUNDS) {
          refused.push(contactId);
        } else {
          pending.push(contactId);
        }
      }
    }
    // It kept changing, or is held locked.
    await leaveToClock(listing, pending, () => MISSED_AGAIN_SECONDS);
    for (const contactId of refused) log(messages.contactRefused, { contactId });
    return { effects, refused, wentBack: isBehind };
  }

  /** Contacts are read by themselves later, the nth of them after so many seconds. */
  async function leaveToClock(
    { organizationId }: Listing,
    contactIds: readonly string[],
    afterSeconds: (nth: number) => number,
  ): Promise<void> {
    await contacts.apply(
      contactIds.map((contactId, index) => ({
        organizationId,
        contactId,
        stored: undefined,
        decision: { ...READ_LATER, row: { kind: 'due', readDueSeconds: afterSeconds(index + 1) } },
        audit: [],
      })),
    );
  }

  function auditRows({ source }: Listing, contactId: string, decision: ContactDecision) {
    if (!hasEffect(decision)) return [];
    const { patientId, action, outcome } = decision;
    const id = newId();
    return [
      {
        id,
        patient_id: patientId,
        event_id: null,
        action,
        source,
        outcome,
        new_values: auditValues({ contactId, ...auditedDecision(decision) }),
      },
    ];
  }
}

const READ_LATER: Omit<ContactDecision, 'row'> = {
  outcome: 'superseded',
  action: 'patient_updated',
  patientId: null,
  changedFields: [],
  conflicts: [],
  driftedFields: [],
  patient: null,
};

const hasEffect = ({ patient, driftedFields }: ContactDecision): boolean =>
  patient !== null || driftedFields.length > 0;

const belongsTo = (listing: Listing, row: StoredRow): boolean =>
  row.organizationId === listing.organizationId;

function writtenLater(decision: ContactDecision, seconds: number): ContactDecision {
  const { row } = decision;
  return row.kind === 'apply' && seconds > 0
    ? { ...decision, row: { ...row, writeDueSeconds: seconds } }
    : decision;
}
