import { type Exploration, explore, type Model } from './explore.ts';
import { type InboundBudget, inboundModel } from './inbound.ts';
import type { InboundGuard } from './inbound-guards.ts';
import { type OutboundBudget, outboundModel } from './outbound.ts';
import type { OutboundGuard } from './outbound-guards.ts';

/** Budgets that are explored in seconds together, each for what the others leave out. */
export const OUTBOUND_BUDGETS = {
  crash: { changes: 2, crashes: 1, faults: 1, rounds: 2 },
  thirdChange: { changes: 3, crashes: 0, faults: 1, rounds: 2 },
  edits: { changes: 1, edits: 1, crashes: 0, faults: 1, rounds: 2 },
} as const satisfies Record<string, OutboundBudget>;

export const INBOUND_BUDGETS = {
  newContact: { start: 'new', values: 2, dynamics: 2, doubles: 1, faults: 1 },
  comingAndGoing: { start: 'linked', values: 2, dynamics: 3, patient: 1 },
  erasure: {
    start: 'linked',
    values: 2,
    dynamics: 2,
    erasures: 1,
    doubles: 1,
    crashes: 1,
    faults: 1,
  },
  bothSides: { start: 'linked', values: 2, dynamics: 2, patient: 2 },
  pushes: { start: 'linked', values: 3, patient: 2, consents: 1, crashes: 1, faults: 1 },
} as const satisfies Record<string, InboundBudget>;

/** Where each guard is missed first, and cheaply. */
export const OUTBOUND_GUARD_BUDGETS: Readonly<
  Record<OutboundGuard, keyof typeof OUTBOUND_BUDGETS>
> = {
  changeMakesDue: 'crash',
  changeRaisesRevision: 'crash',
  ringLeavesRowDue: 'crash',
  claimReadsAfterLock: 'crash',
  claimRecordsDoubt: 'crash',
  doubtHidesWritten: 'crash',
  endOfDoubtMakesDue: 'crash',
  endOfDoubtForgetsWritten: 'crash',
  settleChecksToken: 'crash',
  settleChecksRevision: 'crash',
  settleRestoresDoubt: 'crash',
  settleLeavesEndedDoubt: 'crash',
  lastAcknowledgedCounts: 'crash',
  roundsKeepTheLease: 'thirdChange',
  unknownLeavesDoubt: 'crash',
  releaseForgetsUnsettled: 'crash',
  releaseLeavesEndedDoubt: 'crash',
  editForgetsWritten: 'edits',
  editMakesDue: 'edits',
  leasedIsReadAgain: 'edits',
};

export const INBOUND_GUARD_BUDGETS: Readonly<Record<InboundGuard, keyof typeof INBOUND_BUDGETS>> = {
  rowIsReadFirst: 'comingAndGoing',
  applyComparesRevision: 'newContact',
  applyComparesVersion: 'comingAndGoing',
  insertConflictMisses: 'newContact',
  deletionNeedsProof: 'newContact',
  dueRaisesRevision: 'newContact',
  deletionRaisesRevision: 'comingAndGoing',
  erasedRowKeepsVersion: 'erasure',
  mergeHasBase: 'comingAndGoing',
  patientChangeMakesDue: 'comingAndGoing',
  patientChangeRaisesRevision: 'comingAndGoing',
  formerPatientChangeRaisesRevision: 'comingAndGoing',
  erasureIsRemembered: 'erasure',
  erasureRaisesRevision: 'erasure',
  writeNeedsContact: 'comingAndGoing',
  pushHasETag: 'comingAndGoing',
  settleChecksRevision: 'pushes',
  seenRaisesRevision: 'bothSides',
  pushIsRecorded: 'pushes',
  unlinkComparesClaim: 'comingAndGoing',
};

/** One exploration that waits to be made. */
export interface Run {
  readonly name: string;
  /** @throws TooManyStates */
  readonly explore: (maxStates: number) => Exploration;
}

/** The protocol with all its guards, in every budget. */
export const completeRuns = (): Run[] => [
  ...Object.entries(OUTBOUND_BUDGETS).map(([name, budget]) =>
    run(`outbound, ${name}`, outboundModel(budget)),
  ),
  ...Object.entries(INBOUND_BUDGETS).map(([name, budget]) =>
    run(`inbound, ${name}`, inboundModel(budget)),
  ),
];

/** The protocol without one of its guards, for each guard. */
export const runsWithoutGuard = (): Run[] => [
  ...entriesOf(OUTBOUND_GUARD_BUDGETS).map(([guard, budget]) =>
    run(`outbound without ${guard}`, outboundModel(OUTBOUND_BUDGETS[budget], [guard])),
  ),
  ...entriesOf(INBOUND_GUARD_BUDGETS).map(([guard, budget]) =>
    run(`inbound without ${guard}`, inboundModel(INBOUND_BUDGETS[budget], [guard])),
  ),
];

const entriesOf = <Key extends string, Value>(record: Readonly<Record<Key, Value>>) =>
  Object.entries(record) as [Key, Value][];

const run = <State>(name: string, model: Model<State>): Run => ({
  name,
  explore: (maxStates) => explore(model, maxStates),
});
