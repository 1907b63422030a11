import { totalOf } from '../../../shared/queue/message-counts.ts';
import type { QueueDepth } from '../queue-depths.ts';

/** How long somebody is kept waiting for it; it goes on without them. */
const MAX_CATCH_UP_MS = 600_000;
const LOOK_EVERY_MS = 1_000;

export interface CatchUpOptions {
  readonly readDepths: () => Promise<readonly QueueDepth[]>;
  /** Told when there is less or more to do than before. */
  readonly onLeft: (messages: number) => void;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  readonly interruption: AbortSignal;
}

/**
 * Waits until nothing waits in the queues any more.
 *
 * @returns how many messages are left: none, unless it was interrupted or takes long
 */
export async function catchUp(options: CatchUpOptions): Promise<number> {
  const { readDepths, onLeft, wait, now, interruption } = options;
  const giveUpAt = now() + MAX_CATCH_UP_MS;
  let before: number | undefined;
  for (;;) {
    const depths = await readDepths();
    const left = depths.reduce((sum, depth) => sum + totalOf(depth), 0);
    if (left !== before) onLeft(left);
    before = left;
    if (left === 0 || interruption.aborted || now() >= giveUpAt) return left;
    await wait(LOOK_EVERY_MS);
  }
}
