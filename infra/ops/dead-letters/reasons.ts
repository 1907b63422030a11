import type { PoisonReason } from '../../../shared/queue/settlement.ts';

/** What a reason means, and what to do before the message is sent back (docs/messages.md). */
export interface Advice {
  readonly meaning: string;
  readonly remedy: string;
}

const NEWER: Advice = {
  meaning: 'written by a newer version of this project',
  remedy: 'deploy that version, then redrive',
};
const MISSING: Advice = {
  meaning: 'still not there after about a minute',
  remedy: 'the change was rolled back, or the id is wrong: discard it',
};
const FOREIGN: Advice = {
  meaning: 'belongs to another organisation or another patient than the event says',
  remedy: 'mend the sender, then discard it',
};

const ADVICE: Readonly<Record<PoisonReason, Advice>> = {
  malformed: {
    meaning: 'no JSON, or a field is missing or of another kind',
    remedy: 'mend the sender, then discard it: sent back, it would be as malformed',
  },
  unknown_version: NEWER,
  unknown_type: NEWER,
  unknown_organization: {
    meaning:
      'no row of organizations has this dynamics_org_id, or the configured connection leads to another organisation',
    remedy: 'add the organisation or mend the connection, then redrive',
  },
  unknown_patient: MISSING,
  unknown_consent: MISSING,
  foreign_patient: FOREIGN,
  foreign_consent: FOREIGN,
  rejected_by_database: {
    meaning:
      "PostgreSQL refuses the contact's text: a character it cannot store, a value longer than the column",
    remedy: 'mend the contact in Dynamics; its next change is an event of its own. Then discard it',
  },
};

const MOVED_BY_SQS: Advice = {
  meaning: 'received a hundred times without an outcome; SQS moved it',
  remedy: "look for FN-001, DB-001 and QU-003 in the consumer's log, mend the cause, then redrive",
};

const OTHER: Advice = {
  meaning: 'a reason that this version does not know',
  remedy: 'use the version that is deployed',
};

/** @param reason the attribute of the message; undefined where it has none */
export function adviceOn(reason: string | undefined): Advice {
  if (reason === undefined) return MOVED_BY_SQS;
  return Object.entries(ADVICE).find(([name]) => name === reason)?.[1] ?? OTHER;
}
