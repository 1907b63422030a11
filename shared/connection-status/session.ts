import type { Client, Connection, Failure } from './client.ts';
import { DEFAULT_REFRESH_SECONDS, pauseMs } from './pace.ts';
import type { Platform } from './platform.ts';
import type { StatusAnswer, TestAnswer } from './read-answer.ts';

export type TestRun =
  | { readonly phase: 'none' | 'running' }
  | { readonly phase: 'done'; readonly answer: TestAnswer; readonly atMs: number }
  | { readonly phase: 'failed'; readonly failure: Failure };

/** What is known now. Times are by this machine's clock. */
export interface Snapshot {
  /** The page has said where to ask, and in whose name. */
  readonly setUp: boolean;
  /** The last answer. */
  readonly answer: { readonly status: StatusAnswer; readonly receivedAtMs: number } | undefined;
  /** Why the latest request, after that answer, has failed. */
  readonly failure: Failure | undefined;
  /** A person waits for a request that is under way. */
  readonly refreshing: boolean;
  readonly test: TestRun;
}

/** Who asks the API: politely, and never twice at a time. */
export interface Session {
  snapshot(): Snapshot;
  /**
   * Another endpoint is asked at once and forgets what the former one said; another supplier of tokens
   * is used from the next request on, because frameworks make a new function with every rendering.
   */
  connectTo(connection: Connection | undefined): void;
  setRefreshSeconds(seconds: number): void;
  /** Whether anybody can see what is found out. If not, nothing new is asked. */
  setWatched(watched: boolean): void;
  /** Asks now. Resolves when there is an answer or a failure. */
  refresh(): Promise<void>;
  /** Tests the connection, unless a test is under way. */
  test(): Promise<void>;
  closeTest(): void;
  /** Calls off what is under way. */
  stop(): void;
}

const NO_TEST: TestRun = { phase: 'none' };

/** @param changed is told after every change of the snapshot. */
export function createSession(
  client: Client,
  { now, setTimer }: Pick<Platform, 'now' | 'setTimer'>,
  changed: () => void,
): Session {
  let connection: Connection | undefined;
  let refreshSeconds = DEFAULT_REFRESH_SECONDS;
  let watched = false;

  let answer: Snapshot['answer'];
  let failure: Failure | undefined;
  let failures = 0;
  let endedAtMs: number | undefined;
  let asking: { readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
  let refreshing = false;
  let cancelTimer = () => {};

  let test = NO_TEST;
  let testing: AbortController | undefined;

  function schedule(): void {
    cancelTimer();
    if (!watched || connection === undefined || asking !== undefined) return;
    const dueMs =
      endedAtMs === undefined ? 0 : endedAtMs + pauseMs(refreshSeconds, failures) - now();
    cancelTimer = setTimer(() => void begin(), Math.max(0, dueMs));
  }

  function begin(): Promise<void> {
    if (asking !== undefined) return asking.ended;
    if (connection === undefined) return Promise.resolve();
    cancelTimer();
    const abort = new AbortController();
    const ended = ask(connection, abort.signal);
    asking = { abort, ended };
    return ended;
  }

  async function ask(from: Connection, signal: AbortSignal): Promise<void> {
    const outcome = await client.status(from, signal);
    if (signal.aborted) return;
    asking = undefined;
    refreshing = false;
    endedAtMs = now();
    if (outcome.ok) {
      answer = { status: outcome.value, receivedAtMs: endedAtMs };
      failure = undefined;
      failures = 0;
    } else {
      failure = outcome.failure;
      failures += 1;
      // Who may not see it does not go on seeing it.
      if (failure.kind === 'signed-out' || failure.kind === 'not-allowed') answer = undefined;
    }
    schedule();
    changed();
  }

  function callOff(): void {
    cancelTimer();
    asking?.abort.abort();
    asking = undefined;
    refreshing = false;
    testing?.abort();
    testing = undefined;
    if (test.phase === 'running') test = NO_TEST;
  }

  return {
    snapshot: () => ({ setUp: connection !== undefined, answer, failure, refreshing, test }),

    connectTo(next) {
      const sameEndpoint = next?.endpoint === connection?.endpoint;
      connection = next;
      if (sameEndpoint) return;
      callOff();
      answer = undefined;
      failure = undefined;
      failures = 0;
      endedAtMs = undefined;
      test = NO_TEST;
      schedule();
      changed();
    },

    setRefreshSeconds(seconds) {
      refreshSeconds = seconds;
      schedule();
    },

    setWatched(next) {
      if (next === watched) return;
      watched = next;
      schedule();
    },

    refresh() {
      refreshing = connection !== undefined;
      const ended = begin();
      changed();
      return ended;
    },

    async test() {
      if (connection === undefined || testing !== undefined) return;
      testing = new AbortController();
      const { signal } = testing;
      test = { phase: 'running' };
      changed();
      const outcome = await client.test(connection, signal);
      if (signal.aborted) return;
      testing = undefined;
      test = outcome.ok
        ? { phase: 'done', answer: outcome.value, atMs: now() }
        : { phase: 'failed', failure: outcome.failure };
      changed();
    },

    closeTest() {
      if (test.phase === 'running') return;
      test = NO_TEST;
      changed();
    },

    stop() {
      watched = false;
      callOff();
    },
  };
}
