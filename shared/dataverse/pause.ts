import type { Cache } from '../cache/redis.ts';
import { refusedSeconds } from './decide-pause.ts';
import { ConnectionPaused, type PauseReason } from './errors.ts';

/** A container knows of a pause that another one began at most so much later. */
const READ_INTERVAL_MS = 1000;

/** Bounds what a nonsensical answer, or value in the cache, can do. */
const MAX_PAUSE_SECONDS = 3600;

/** Requests that were under way together are refused together: the first one has told the others. */
const SAME_PAUSE_MS = 1000;

/**
 * Refusals follow each other if there is no more than this between them: the longest pause for one, and as
 * long again for somebody to try.
 */
const REFUSALS_KEPT_SECONDS = 120;

/** So long one container tries for all: two requests and a token of 5 s each. */
const TRY_SECONDS = 15;
const TRIED = '1';
/** Soon enough for a message to be tried again when the try has gone well. */
const WAIT_FOR_TRY_SECONDS = 2;

export type PauseEvent =
  | { readonly kind: 'begun'; readonly reason: PauseReason; readonly seconds: number }
  | { readonly kind: 'over' };

/**
 * All containers of a connection leave it alone for a while, because going on would only lengthen
 * what made one of them stop. Begun by whoever learns of it, told through the cache, over by itself.
 *
 * After a refusal it is over for one of them first, which tries for all: there may be many, and a new one
 * without a token to try with would buy one.
 */
export interface Pause {
  /** What stands in the cache about it, for those who read it together with something else. */
  readonly keys: readonly string[];
  /** Takes in what stood under the keys a moment ago. */
  learn(stored: readonly (string | null)[]): void;
  /**
   * Asks the cache at most once a second, and goes by what this process knows while there is none.
   *
   * @throws ConnectionPaused
   */
  check(): Promise<void>;
  /** Begins or prolongs it. Never throws: without the cache it holds in this process. */
  begin(reason: PauseReason, seconds: number): Promise<void>;
  /**
   * The same because the application user is refused: longer each time that it is again, whichever
   * container tries, since all of them may be new ones. Never throws.
   */
  beginRefused(): Promise<void>;
  /** A token was accepted: whoever waits for that may go on. Never throws. */
  noteAccepted(): Promise<void>;
}

interface PauseOptions {
  readonly key: string;
  readonly cache: Pick<Cache, 'getMany' | 'set' | 'setIfAbsent' | 'deleteIfEquals'>;
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
  const refusalsKey = `${key}:refusals`;
  const tryKey = `${key}:try`;
  /** Begun in this process. */
  let own: Known | undefined;
  /** As the cache showed it last. */
  let shared: Known | undefined;
  let readAtMs = -Infinity;
  let reading: Promise<void> | undefined;
  let refusing = false;
  /** How many refusals in a row there were, as far as this process knows, */
  let refusals = { count: 0, untilMs: 0 };
  /** and as the cache showed it last. */
  let sharedRefusals = 0;
  /** Until then this process tries for all. */
  let tryingUntilMs = 0;

  const ownInForce = () => (own !== undefined && now() < own.untilMs ? own : undefined);

  /** Whichever lasts longer. */
  function inForce(): Known | undefined {
    const mine = ownInForce();
    if (mine === undefined || shared === undefined) return mine ?? shared;
    return mine.untilMs > shared.untilMs ? mine : shared;
  }

  function learn([stored = null, count = null]: readonly (string | null)[]): void {
    readAtMs = now();
    // As long as the key is there the pause goes on, by the clock of Redis: a container whose own
    // clock is wrong neither ends it early nor waits longer. The time in it only says how long to wait.
    shared = parse(stored);
    sharedRefusals = /^\d{1,6}$/.test(count ?? '') ? Number(count) : 0;
  }

  async function read(): Promise<void> {
    try {
      learn(await cache.getMany([key, refusalsKey]));
    } catch {
      readAtMs = now();
      sharedRefusals = 0;
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
    if (known !== undefined) {
      refusing = true;
      throw new ConnectionPaused(known.reason, bounded((known.untilMs - now()) / 1000));
    }
    if (sharedRefusals > 0 && !(await mayTry())) {
      refusing = true;
      throw new ConnectionPaused('credentials-refused', WAIT_FOR_TRY_SECONDS);
    }
    if (refusing) observe({ kind: 'over' });
    refusing = false;
  }

  async function mayTry(): Promise<boolean> {
    if (now() < tryingUntilMs) return true;
    try {
      if (!(await cache.setIfAbsent(tryKey, TRIED, TRY_SECONDS))) return false;
    } catch {
      return true;
    }
    tryingUntilMs = now() + TRY_SECONDS * 1000;
    return true;
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

  async function beginRefused(): Promise<void> {
    // Requests that were under way together are one try.
    if (inForce()?.reason === 'credentials-refused') return;
    const before = now() < refusals.untilMs ? refusals.count : 0;
    const count = 1 + Math.max(before, sharedRefusals);
    refusals = { count, untilMs: now() + REFUSALS_KEPT_SECONDS * 1000 };
    tryingUntilMs = 0;
    await begin('credentials-refused', refusedSeconds(count));
    try {
      await cache.set(refusalsKey, String(count), REFUSALS_KEPT_SECONDS);
      await cache.deleteIfEquals(tryKey, TRIED);
    } catch {
      // The others count for themselves.
    }
  }

  async function noteAccepted(): Promise<void> {
    refusals = { count: 0, untilMs: 0 };
    if (sharedRefusals === 0) return;
    const count = String(sharedRefusals);
    sharedRefusals = 0;
    try {
      await cache.deleteIfEquals(refusalsKey, count);
    } catch {
      // Forgotten by itself before long.
    }
  }

  return { keys: [key, refusalsKey], learn, check, begin, beginRefused, noteAccepted };
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
