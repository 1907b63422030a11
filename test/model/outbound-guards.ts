/**
 * What keeps the property. Without any one of them there is a counterexample. The SQL clears `written`
 * in more places (a write of unknown outcome, a settling in doubt, a holder that was overtaken); that
 * is a second line, and the model holds without it.
 */
export const OUTBOUND_GUARDS = [
  /** The triggers make the row due in ConsentHub's own transaction, whether or not it rings. */
  'changeMakesDue',
  /** … and raise the revision. */
  'changeRaisesRevision',
  /** claim-due-contacts.sql moves the clock on instead of clearing it. */
  'ringLeavesRowDue',
  /** Claiming and reading are two statements: the consents are read after the row was locked. */
  'claimReadsAfterLock',
  /** claim-contacts.sql records the doubt before anything is written. */
  'claimRecordsDoubt',
  /** A claim that finds a doubt, over or not, does not look at `written`. */
  'doubtHidesWritten',
  /** end-doubts.sql: the row is written again when nothing can land any more. */
  'endOfDoubtMakesDue',
  /** end-doubts.sql clears `written`. */
  'endOfDoubtForgetsWritten',
  /** settle-contact.sql does no more for a holder that was overtaken than forget `written`. */
  'settleChecksToken',
  /** settle-contact.sql marks nothing at another revision than the one that was read. */
  'settleChecksRevision',
  /** settle-contact.sql puts back the doubt that stood there before the claim. */
  'settleRestoresDoubt',
  /** … also one that is over by now: only end-doubts.sql knows that the row is written after it. */
  'settleLeavesEndedDoubt',
  /** Within a lease the last acknowledged write counts, not what the row says was written. */
  'lastAcknowledgedCounts',
  /** A further round is begun only if nobody else has held the lease meanwhile. */
  'roundsKeepTheLease',
  /** release-contact.sql: a write of unknown outcome leaves the doubt. */
  'unknownLeavesDoubt',
  /** A release after a write that was not settled clears `written`. */
  'releaseForgetsUnsettled',
  /** release-contact.sql puts back the doubt from before the claim, also one that is over by now. */
  'releaseLeavesEndedDoubt',
  /** apply-contacts.sql: what somebody has edited is not `written` any more … */
  'editForgetsWritten',
  /** … and is due to be written again. */
  'editMakesDue',
  /** A contact that was read while somebody wrote it is read again (decide-contact.ts). */
  'leasedIsReadAgain',
] as const;
export type OutboundGuard = (typeof OUTBOUND_GUARDS)[number];
