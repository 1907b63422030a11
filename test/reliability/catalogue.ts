/** What must hold, whatever happens. Numbers are for the table in `docs/reliability.md`. */
export const INVARIANTS = {
  1: 'Every webhook that was answered with 2xx is applied, superseded by something newer, due in a row, or a dead letter with its reason.',
  2: 'What Neon says of a contact never goes back to an older state of it, and nothing deleted comes back unless Dynamics shows it again.',
  3: 'A revocation is never overwritten by an older grant, in either system.',
  4: 'However often an event is delivered: one effect, one audit row for the event; one audit row for each write to Dynamics.',
  5: 'When the faults have stopped, Neon and Dynamics agree without an operator.',
  6: 'A poison message or row never delays another contact.',
  7: 'No unsigned, altered or stale request has an effect.',
  8: 'No personal data and no credential in a log, an error, a metric or a queue.',
  9: 'While Redis is up a fleet asks Entra ID for about one token per lifetime, and for about one more in five minutes while Dataverse refuses what it has. While Redis is down that goes for each container.',
  10: 'An interactive change is in the other system within five seconds, and never stands behind bulk work.',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export interface Fault {
  readonly what: string;
  readonly invariants: readonly Invariant[];
}

/** What can go wrong. A test that shows what then holds carries the tag `fault-<number>`. */
export const FAULTS: Readonly<Record<number, Fault>> = {
  1: { what: 'A message is delivered twice, one after the other', invariants: [4] },
  2: { what: 'A message is delivered to two consumers at the same time', invariants: [4] },
  3: {
    what: 'The same signed body is posted again, minutes or days later',
    invariants: [4, 7],
  },
  4: {
    what: 'Events of a contact arrive in the wrong order, or while an older read is in flight',
    invariants: [2],
  },
  5: {
    what: 'A contact is deleted before, while or after something else is applied; restored; created again',
    invariants: [2],
  },
  6: {
    what: 'Grant and revocation in the wrong order, at the same instant, or committed while the other one is being written and never published',
    invariants: [3, 5],
  },
  7: {
    what: 'The queue refuses or times out while a webhook is answered; it may have taken the event',
    invariants: [1, 4],
  },
  8: { what: 'A batch sent to the queue succeeds in part', invariants: [1] },
  9: { what: 'A function is killed or times out in the middle of a batch', invariants: [1, 4] },
  10: {
    what: 'A writer dies after the claim, after the PATCH, or around the settling',
    invariants: [4, 5],
  },
  11: {
    what: 'A PATCH is applied and its answer lost, or applied after a newer one',
    invariants: [3, 5],
  },
  12: {
    what: 'A message comes back while its first consumer is still at work; two writers for one contact',
    invariants: [2, 3, 4],
  },
  13: {
    what: 'Poison, text that the database refuses, or a message that kills its process stands in a batch with others',
    invariants: [6],
  },
  14: {
    what: 'Thousands of messages are redriven from the dead-letter queue while live traffic flows',
    invariants: [2, 3],
  },
  15: { what: 'Dataverse throttles for minutes or hours', invariants: [1, 5] },
  16: {
    what: 'Dataverse answers 401, 403, 404 or 412 in the middle of a batch',
    invariants: [5, 9],
  },
  17: {
    what: 'Dataverse hangs, closes the connection, answers HTML or half a body',
    invariants: [5, 8],
  },
  18: {
    what: 'The database is slow to wake, refuses, resets; the answer to a commit is lost',
    invariants: [4, 10],
  },
  19: { what: 'A deadlock or a serialisation failure', invariants: [1] },
  20: { what: 'Redis hangs, refuses, answers nonsense or an expired token', invariants: [5, 8, 9] },
  21: {
    what: 'A fleet of cold containers has no token; the holder of the refresh lock dies',
    invariants: [9],
  },
  22: {
    what: 'The secret of the webhook is rotated while signed requests are in flight',
    invariants: [1, 7],
  },
  23: {
    what: 'Signatures and bodies of every wrong kind: case, prefix, encoding, doubled, altered, empty, huge, deep, invalid UTF-8',
    invariants: [7, 8],
  },
  24: { what: 'ConsentHub commits and crashes before it publishes', invariants: [5] },
  25: { what: 'Dataverse loses a webhook', invariants: [5] },
  26: {
    what: 'Change tracking expires, a page fails, the application user loses its right to read',
    invariants: [2, 5],
  },
  27: {
    what: 'Fifty thousand consents expire in a minute, and one patient revokes',
    invariants: [5, 10],
  },
  28: {
    what: 'Our own write comes back as a webhook, alone or together with a change of a workflow',
    invariants: [4],
  },
  29: { what: 'The clock of a container is ten minutes off', invariants: [2, 3] },
  30: { what: 'A contact is deleted while a write to it is in flight', invariants: [2] },
  31: {
    what: 'Somebody in Dynamics, an import or a merge edits our consent fields',
    invariants: [5],
  },
  32: {
    what: 'Two contacts match one unlinked patient at the same time',
    invariants: [2, 4],
  },
  33: { what: 'Contacts are merged, and the merged one carried a revocation', invariants: [3] },
  34: {
    what: 'Name, email or phone change on both sides between two syncs; our own write moves the ETag',
    invariants: [2, 5],
  },
  35: { what: 'The organisation is restored from a backup: versions go back', invariants: [5] },
  36: { what: 'The application user is disabled: every token is refused', invariants: [9] },
};

export const tagOf = (fault: number): string => `fault-${fault}`;

/** For vitest's configuration: what `--tags-filter fault-11` can select. */
export const FAULT_TAGS = Object.entries(FAULTS).map(([fault, { what }]) => ({
  name: tagOf(Number(fault)),
  description: what,
}));
