/** What keeps the properties. Without any one of them there is a counterexample. */
export const INBOUND_GUARDS = [
  /** sync-contact: the row is read before the contact. */
  'rowIsReadFirst',
  /** apply-contacts.sql compares the revision … */
  'applyComparesRevision',
  /** … and the version. */
  'applyComparesVersion',
  /** … and takes a row that is there already for a miss. */
  'insertConflictMisses',
  /** A deletion is believed only with Dataverse's own code for it. */
  'deletionNeedsProof',
  /** A contact that cannot be read raises the revision, so that no older read clears its clock. */
  'dueRaisesRevision',
  /** A deletion that is known already raises the revision all the same: it has no version of its own. */
  'deletionRaisesRevision',
  /** A contact whose patient was erased keeps its version: without it two reads cannot be told apart. */
  'erasedRowKeepsVersion',
  /** The merge has a base: a field that only ConsentHub changed is left alone. */
  'mergeHasBase',
  /** The trigger on patients makes the row due … */
  'patientChangeMakesDue',
  /** … and raises the revision. */
  'patientChangeRaisesRevision',
  /** … also that of a former patient, who may be about to be linked again. */
  'formerPatientChangeRaisesRevision',
  /** The trigger on patients remembers that a patient was erased … */
  'erasureIsRemembered',
  /** … and raises the revision. */
  'erasureRaisesRevision',
  /** A write never makes a contact (If-Match). */
  'writeNeedsContact',
  /** The profile is written only over what was just read (the ETag). */
  'pushHasETag',
  /** settle-contact.sql marks nothing at another revision. */
  'settleChecksRevision',
  /** settle-contact.sql raises the revision when it changes `seen`. */
  'seenRaisesRevision',
  /** What a push will show is on record before it leaves: where Dynamics shows it, it is ours. */
  'pushIsRecorded',
  /** The writer's proof of a deletion counts for the row as it was before the proof. */
  'unlinkComparesClaim',
] as const;
export type InboundGuard = (typeof INBOUND_GUARDS)[number];
