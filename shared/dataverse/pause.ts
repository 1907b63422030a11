import type { Cache } from '../cache/redis.ts';
import { ConnectionPaused, type PauseReason } from './errors.ts';

/** A container knows of a pause that another one began at most so much later. */
const READ_INTERVAL_MS = 1000;

/** Bounds what a nonsensical answer, or value in the cache, can do. */
const MAX_PAUSE_SECONDS = 3600;

/** Requests that were under way together are refused together: the first one has told the others. */
const SAME_PAUSE_MS = 1000;

export type PauseEvent =
  | { readonly kind: 'begun'; readonly reason: PauseReason; readonly seconds: number }
  | { readonly kind: 'over' };

/**
 * All containers of a connection leave it alone for a while, because going on would only lengthen
 * what made one of them stop. Begun by whoever learns of it, told through the cache, over by itself.
 */
export interface Pause {
  /** Where it stands in the cache, for those who read it together with something else. */
  readonly key: string;
  /** Takes in what stood there a moment ago. */
  learn(stored: string | null): void;
  /**
   * Asks the cache at most once a second, and goes by what this process knows while there is none.
   *
   * @throws ConnectionPaused
   */
  check(): Promise<void>;
  /** Begins or prolongs it. Never throws: without the cache it holds in this process. */
  begin(reason: PauseReason, seconds: number): Promise<void>;
}

interface PauseOptions {
  readonly key: string;
  readonly cache: Pick<Cache, 'getMany' | 'set'>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly observe?: (event: PauseEvent) => void;
}

interface Known {
  readonly reason: PauseReason;
  readonly untilMs: number;
}

export function createPause({
  key,
  cache,
  now = Date.now,
  observe = () => {},
}: PauseOptions): Pause {
  /** Begun in this process. */
  let own: Known | undefined;
  /** As the cache showed it last. */
  let shared: Known | undefined;
  let readAtMs = -Infinity;
  let reading: Promise<void> | undefined;
  let refusing = false;

  const ownInForce = () => (own !== undefined && now() < own.untilMs ? own : undefined);

  /** Whichever lasts longer. */
  function inForce(): Known | undefined {
    const mine = ownInForce();
    if (mine === undefined || shared === undefined) return mine ?? shared;
    return mine.untilMs > shared.untilMs ? mine : shared;
  }

  function learn(stored: string | null): void {
    readAtMs = now();
    // As long as the key is there the pause goes on, by the clock of Redis: a container whose own
    // clock is wrong neither ends it early nor waits longer. The time in it only says how long to wait.
    shared = parse(stored);
  }

  async function read(): Promise<void> {
    try {
      const [stored = null] = await cache.getMany([key]);
      learn(stored);
    } catch {
      readAtMs = now();
      if (shared !== undefined && now() >= shared.untilMs) shared = undefined;
    }
  }

  async function check(): Promise<void> {
    if (ownInForce() === undefined && now() - readAtMs >= READ_INTERVAL_MS) {
      reading ??= read().finally(() => {
        reading = undefined;
      });
      await reading;
    }
    const known = inForce();
    if (known === undefined) {
      if (refusing) observe({ kind: 'over' });
      refusing = false;
      return;
    }
    refusing = true;
    throw new ConnectionPaused(known.reason, bounded((known.untilMs - now()) / 1000));
  }

  async function begin(reason: PauseReason, seconds: number): Promise<void> {
    const lastsSeconds = bounded(seconds);
    const untilMs = now() + lastsSeconds * 1000;
    const known = inForce();
    if (known !== undefined && known.untilMs > untilMs - SAME_PAUSE_MS) return;
    own = { reason, untilMs };
    observe({ kind: 'begun', reason, seconds: lastsSeconds });
    try {
      await cache.set(key, `${reason} ${untilMs}`, lastsSeconds);
    } catch {
      // The others find out for themselves.
    }
  }

  return { key, learn, check, begin };
}

const REASONS = [
  'throttled',
  'server-error',
  'credentials-refused',
] as const satisfies readonly PauseReason[];

/** Nonsense is no pause. */
function parse(stored: string | null): Known | undefined {
  const [, name, untilMs] = /^([a-z-]+) (\d{1,15})$/.exec(stored ?? '') ?? [];
  const reason = REASONS.find((one) => one === name);
  return reason && { reason, untilMs: Number(untilMs) };
}

const bounded = (seconds: number): number =>
  Math.min(Math.max(Math.ceil(seconds), 1), MAX_PAUSE_SECONDS);
