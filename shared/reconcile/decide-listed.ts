import { driftedFields, type ShownConsentFields } from '../consent/consent-fields.ts';
import type { StoredContact } from '../contacts/decide-contact.ts';

/** What to do about a contact that a page of change tracking shows. */
export type ListedStep =
  /** The page says nothing new. */
  | 'nothing'
  /** What the page says is applied, by the same decision as after a doorbell. */
  | 'apply'
  /** The contact is read anew, by the rules of a doorbell: its row first, then Dynamics. */
  | 'read-again';

/**
 * A page is read before the rows are, so what it says can be older than what a row has seen since
 * (docs/protocol.md, "Inbound by page"). Only a version that is newer than the row's may be applied, and
 * never over a tombstone.
 */
export function decideListed(
  stored: StoredContact | undefined,
  listed: {
    readonly version: string;
    /** Null where they were not read. */
    readonly consent: ShownConsentFields | null;
  },
): ListedStep {
  if (stored === undefined) return 'apply';
  // Restored from the recycle bin, or listed before it was deleted.
  if (stored.deleted) return 'read-again';
  // Somebody asked for a newer read than this one; only that may clear the clock.
  if (stored.readDue) return 'nothing';
  if (stored.version === null) return 'apply';
  const newer = BigInt(listed.version) - BigInt(stored.version);
  // Whether somebody has edited our fields, or what shows is a write of ours that the row knows by now,
  // or will know, only a newer read can tell.
  if (newer > 0n) return stored.leased || showsDrift(stored, listed) ? 'read-again' : 'apply';
  // Overtaken while the page was under way, or the organisation counts anew after a restored backup.
  return newer === 0n ? 'nothing' : 'read-again';
}

const showsDrift = (
  { written }: StoredContact,
  { consent }: { readonly consent: ShownConsentFields | null },
): boolean => written !== null && consent !== null && driftedFields(written, consent).length > 0;
