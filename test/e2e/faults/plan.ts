import type { Random } from '../../simulation/random.ts';

export type ActionKind = 'create' | 'change' | 'delete or restore' | 'deliver again' | 'decide';

export interface Action {
  readonly atMs: number;
  /** Number of the person that it is about. */
  readonly person: number;
  readonly kind: ActionKind;
  /** For the random decisions of the action. */
  readonly key: string;
}

/** What happens to a contact after it was created, how often compared with each other. */
const LATER = [
  'change',
  'change',
  'change',
  'change',
  'delete or restore',
  'delete or restore',
  'deliver again',
  'decide',
  'decide',
  'decide',
  'decide',
  'decide',
  'decide',
] as const;
const ACTIONS = { from: 2, to: 6 } as const;
/** Contacts are created in the first part of the run, so that there is time for what comes after. */
const CREATION_SHARE = 0.6;

/** Who does what when, spread over `lengthMs`, in the order of time. */
export function planActions(random: Random, contacts: number, lengthMs: number): Action[] {
  const actions: Action[] = [];
  for (let person = 1; person <= contacts; person += 1) {
    const createdAtMs = random.between(`${person} created`, 0, lengthMs * CREATION_SHARE);
    actions.push({ atMs: createdAtMs, person, kind: 'create', key: `${person}` });
    const count = random.between(`${person} actions`, ACTIONS.from, ACTIONS.to);
    for (let n = 1; n <= count; n += 1) {
      const key = `${person} action ${n}`;
      const atMs = random.between(`${key} time`, createdAtMs, lengthMs);
      actions.push({ atMs, person, kind: random.pick(`${key} kind`, LATER), key });
    }
  }
  // Stable: a contact is created before anything else is done with it.
  return actions.toSorted((left, right) => left.atMs - right.atMs);
}
