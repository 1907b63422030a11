import type { Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import type { Measurements } from '../observability/metrics.ts';
import type { ContactDecision, ContactRead, StoredContact } from './decide-contact.ts';

/** A contact that was written, with what its decision was made on. */
interface DecidedContact {
  readonly contactId: string;
  readonly stored: StoredContact | undefined;
  readonly read: ContactRead;
  readonly decision: ContactDecision;
}

/** Tells of what somebody may have to look at, whatever led to the read: an event, or a page of changes. */
export function reportDecision(
  { contactId, stored, read, decision }: DecidedContact,
  { log, metrics }: { readonly log: Log; readonly metrics: Measurements },
): void {
  const { conflicts, driftedFields, patientId } = decision;
  if (conflicts.length > 0) metrics.count('MergeConflicts');
  if (driftedFields.length > 0) {
    metrics.count('ConsentDrift');
    log(messages.consentDrifted, { contactId, fields: driftedFields });
  }
  if (read.kind !== 'found') return;
  // Without a patient of its own there is nothing to merge in ConsentHub.
  if (read.mergedInto !== null && read.mergedInto !== stored?.mergedInto && patientId !== null) {
    log(messages.contactMerged, { contactId, masterId: read.mergedInto });
  }
  if (wentBack({ stored, read })) {
    metrics.count('VersionRegressions');
    log(messages.versionWentBack, { contactId });
  }
}

/**
 * The row was read first and has not changed since, so the contact shows an older version than it did
 * before: its organisation was restored from a backup.
 */
export const wentBack = ({ stored, read }: Pick<DecidedContact, 'stored' | 'read'>): boolean =>
  read.kind === 'found' && stored?.version != null && BigInt(read.version) < BigInt(stored.version);

/** What the audit trail says of a decision besides its action and outcome. Names fields, never their values. */
export function auditedDecision({
  changedFields,
  conflicts,
  driftedFields,
  row,
}: ContactDecision): Readonly<Record<string, unknown>> {
  return {
    changedFields,
    conflicts,
    ...(driftedFields.length > 0 && { driftedFields }),
    ...(row.kind === 'apply' && row.movesFrom && { movedFrom: row.movesFrom.contactId }),
  };
}
