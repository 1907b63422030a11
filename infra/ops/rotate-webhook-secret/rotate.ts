import { SECRET_MIN_REFRESH_INTERVAL_MS } from '../../../shared/secrets/secrets.ts';

/**
 * So long after the new secret is stored every container takes it: one that has just asked again because
 * of some other signature may do so once more by then. The rest is for Secrets Manager, whose answers can
 * be a moment old.
 */
export const SETTLE_MS = SECRET_MIN_REFRESH_INTERVAL_MS + 5_000;

/** The old secret is taken for so long (shared/secrets/secrets.ts). */
const PREVIOUS_VALID_MS = 24 * 3_600_000;

/** The current version of the webhook's secret. */
export interface StoredSecret {
  readonly value: string;
  readonly createdAt: Date;
  /** There is one before it. */
  readonly hasPrevious: boolean;
  /** The same for whoever has read the same versions of the secret, for nobody else. */
  readonly generation: string;
}

export interface RotationParts {
  readonly readSecret: () => Promise<StoredSecret>;
  /**
   * Stores a new value; the current one becomes the previous one.
   *
   * @param generation that it follows: of two who have read the same, only one can store anything
   */
  readonly storeSecret: (value: string, generation: string) => Promise<void>;
  /** What Dynamics signs with; undefined where nobody may read it. */
  readonly readUsed: () => Promise<string | undefined>;
  /** Has Dynamics sign with this secret from now on. */
  readonly use: (secret: string) => Promise<void>;
  readonly newSecret: () => string;
  readonly now: () => Date;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  /** Told what is done next. */
  readonly onStep: (step: 'stored' | 'waits' | 'switched') => void;
}

export interface Rotation {
  /** `finished`: the current secret was there already, from a run that was interrupted or put there by hand. */
  readonly kind: 'rotated' | 'finished';
  /** Until then the old secret is taken. */
  readonly oldValidUntil: Date;
}

/**
 * Stores a new secret, waits until every container takes it, and then has Dynamics sign with it. At
 * every moment what Dynamics signs with is one of the two secrets that are taken, so no webhook is
 * refused. A run that was interrupted is finished first: storing another secret would push out the one
 * that Dynamics still signs with. So would a second run at the same time: only one of them can store.
 */
export async function rotate(parts: RotationParts): Promise<Rotation> {
  const { readSecret, storeSecret, readUsed, use, newSecret, now, wait, onStep } = parts;
  let stored = await readSecret();
  const kind = isUnderWay(stored, await readUsed(), now()) ? 'finished' : 'rotated';
  if (kind === 'rotated') {
    await storeSecret(newSecret(), stored.generation);
    onStep('stored');
    stored = await readSecret();
  }
  const leftMs = SETTLE_MS - (now().getTime() - stored.createdAt.getTime());
  if (leftMs > 0) {
    onStep('waits');
    // Never longer than that, whatever the clocks say of each other.
    await wait(Math.min(leftMs, SETTLE_MS));
  }
  await use(stored.value);
  onStep('switched');
  return { kind, oldValidUntil: new Date(stored.createdAt.getTime() + PREVIOUS_VALID_MS) };
}

/** Whether the current secret was stored, and Dynamics does not sign with it yet. Pure. */
export function isUnderWay(stored: StoredSecret, used: string | undefined, now: Date): boolean {
  if (used !== undefined) return used !== stored.value;
  // Nobody can say. Written once more it does no harm, a second one stored within the day could.
  return stored.hasPrevious && now.getTime() - stored.createdAt.getTime() < PREVIOUS_VALID_MS;
}
