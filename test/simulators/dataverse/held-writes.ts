import type { Answer } from '../entra/answer.ts';

/** Bounds the memory: the oldest beyond this number are never applied. */
const MAX_HELD_WRITES = 10_000;

export type HeldWrites = ReturnType<typeof createHeldWrites>;

/**
 * Writes that Dataverse has taken and not yet applied: an operation may run on for two minutes after
 * its client gave up, and end after a later one.
 */
export function createHeldWrites() {
  let held: (() => Answer)[] = [];

  return {
    hold(apply: () => Answer): void {
      held.push(apply);
      if (held.length > MAX_HELD_WRITES) held.shift();
    },
    count: (): number => held.length,
    /** Applies them to what is there now, in the order in which they came, and says how each went. */
    release(): { statuses: number[] } {
      const released = held;
      held = [];
      return { statuses: released.map((apply) => apply().status) };
    },
  };
}
