import { beforeEach, expect, test } from 'vitest';
import type { Connection, Failure, Outcome } from '../../../shared/connection-status/client.ts';
import { pauseMs, refreshSecondsOf } from '../../../shared/connection-status/pace.ts';
import {
  readStatusAnswer,
  readTestAnswer,
  type StatusAnswer,
  type TestAnswer,
} from '../../../shared/connection-status/read-answer.ts';
import { createSession, type Session } from '../../../shared/connection-status/session.ts';
import { connectedBody, testBody } from '../../support/status-answers.ts';

const ANSWER: Outcome<StatusAnswer> = { ok: true, value: readStatusAnswer(connectedBody()) };
const TESTED: Outcome<TestAnswer> = { ok: true, value: readTestAnswer(testBody()) };
const failure = (kind: 'no-answer' | 'signed-out' | 'not-allowed') =>
  ({ ok: false, failure: { kind } satisfies Failure }) as const;

interface Request<T> {
  readonly connection: Connection;
  readonly signal: AbortSignal;
  /** Answers it, and lets what follows happen. */
  readonly end: (outcome: Outcome<T>) => Promise<void>;
}

const getToken = () => 'token';
const HERE: Connection = { endpoint: 'https://here.example.test', getToken };

let nowMs: number;
let timers: Set<{ readonly atMs: number; readonly run: () => void }>;
let asked: Request<StatusAnswer>[];
let tested: Request<TestAnswer>[];
let changes: number;
let session: Session;

beforeEach(() => {
  nowMs = 1_000_000;
  timers = new Set();
  asked = [];
  tested = [];
  changes = 0;
  session = createSession(
    {
      status: (connection, signal) => recordIn(asked, connection, signal),
      test: (connection, signal) => recordIn(tested, connection, signal),
    },
    {
      now: () => nowMs,
      setTimer: (run, ms) => {
        const timer = { atMs: nowMs + ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    () => {
      changes += 1;
    },
  );
});

function recordIn<T>(
  requests: Request<T>[],
  connection: Connection,
  signal: AbortSignal,
): Promise<Outcome<T>> {
  const { promise, resolve } = Promise.withResolvers<Outcome<T>>();
  const end = async (outcome: Outcome<T>) => {
    resolve(outcome);
    await settled();
  };
  requests.push({ connection, signal, end });
  return promise;
}

const settled = () =>
  new Promise<void>((resolve) => {
    setImmediate(resolve);
  });

function pass(seconds: number): void {
  nowMs += seconds * 1_000;
  for (const timer of timers) {
    if (timer.atMs > nowMs) continue;
    timers.delete(timer);
    timer.run();
  }
}

/** Watched, with one answer. */
async function begin(outcome: Outcome<StatusAnswer> = ANSWER): Promise<void> {
  session.connectTo(HERE);
  session.setWatched(true);
  pass(0);
  await asked[0]?.end(outcome);
}

test('asks as soon as somebody looks, and again after the pause', async () => {
  session.connectTo(HERE);
  pass(60);
  expect(asked).toHaveLength(0);
  session.setWatched(true);
  pass(0);
  expect(asked).toHaveLength(1);
  await asked[0]?.end(ANSWER);
  expect(session.snapshot().answer?.receivedAtMs).toBe(nowMs);
  pass(29);
  expect(asked).toHaveLength(1);
  pass(1);
  expect(asked).toHaveLength(2);
});

test('asks nothing before it knows whom', () => {
  session.setWatched(true);
  void session.refresh();
  void session.test();
  pass(3_600);
  expect(asked).toHaveLength(0);
  expect(tested).toHaveLength(0);
  expect(session.snapshot()).toMatchObject({ setUp: false, refreshing: false });
});

test('a request that takes long is the only one', async () => {
  session.connectTo(HERE);
  session.setWatched(true);
  pass(0);
  pass(3_600);
  session.setWatched(false);
  session.setWatched(true);
  void session.refresh();
  pass(3_600);
  expect(asked).toHaveLength(1);
  await asked[0]?.end(ANSWER);
  expect(session.snapshot().refreshing).toBe(false);
});

test('asks nothing while nobody looks, and what is due when somebody does', async () => {
  await begin();
  session.setWatched(false);
  pass(10);
  session.setWatched(true);
  pass(19);
  expect(asked).toHaveLength(1);
  session.setWatched(false);
  pass(3_600);
  expect(asked).toHaveLength(1);
  session.setWatched(true);
  pass(0);
  expect(asked).toHaveLength(2);
});

test('waits longer after each failure, up to five minutes, and no longer after an answer', async () => {
  await begin(failure('no-answer'));
  const waits = [];
  for (let request = 1; request <= 6; request += 1) {
    let waited = 0;
    while (asked.length === request) {
      pass(10);
      waited += 10;
    }
    waits.push(waited);
    await asked[request]?.end(request < 5 ? failure('no-answer') : ANSWER);
  }
  expect(waits).toEqual([60, 120, 240, 300, 300, 30]);
});

test.each([
  [null, 30],
  ['', 30],
  ['often', 30],
  ['60', 60],
  ['0', 5],
  [-1, 5],
  ['86400', 3_600],
  [Number.POSITIVE_INFINITY, 3_600],
])('a page that says %j is refreshed every %d s', (said, seconds) => {
  expect(refreshSecondsOf(said)).toBe(seconds);
});

test('who refreshes less often than the longest backoff does not refresh more often after failures', () => {
  expect(pauseMs(3_600, 0)).toBe(3_600_000);
  expect(pauseMs(3_600, 4)).toBe(3_600_000);
  expect(pauseMs(30, 2_000)).toBe(300_000);
});

test('a new pace counts from the last answer', async () => {
  await begin();
  pass(10);
  session.setRefreshSeconds(15);
  pass(4);
  expect(asked).toHaveLength(1);
  pass(1);
  expect(asked).toHaveLength(2);
});

test('a person who refreshes does not wait, and the clock counts from there', async () => {
  await begin();
  pass(20);
  const refreshed = session.refresh();
  expect(session.snapshot().refreshing).toBe(true);
  await asked[1]?.end(ANSWER);
  await refreshed;
  expect(session.snapshot().refreshing).toBe(false);
  pass(29);
  expect(asked).toHaveLength(2);
});

test('an answer stays while the API cannot be reached, and the failure goes with the next answer', async () => {
  await begin();
  const { answer } = session.snapshot();
  pass(30);
  await asked[1]?.end(failure('no-answer'));
  expect(session.snapshot()).toMatchObject({ answer, failure: { kind: 'no-answer' } });
  pass(60);
  await asked[2]?.end(ANSWER);
  expect(session.snapshot().failure).toBeUndefined();
});

test.each(['signed-out', 'not-allowed'] as const)('who is %s sees no old answer', async (kind) => {
  await begin();
  pass(30);
  await asked[1]?.end(failure(kind));
  expect(session.snapshot()).toMatchObject({ answer: undefined, failure: { kind } });
});

test('another endpoint is asked at once; of the former one nothing is left', async () => {
  await begin();
  void session.test();
  await tested[0]?.end(TESTED);
  void session.refresh();
  session.connectTo({ ...HERE, endpoint: 'https://there.example.test' });
  expect(session.snapshot()).toMatchObject({ answer: undefined, test: { phase: 'none' } });
  expect(asked[1]?.signal.aborted).toBe(true);
  pass(0);
  expect(asked[2]?.connection.endpoint).toBe('https://there.example.test');
  await asked[1]?.end(ANSWER);
  expect(session.snapshot().answer).toBeUndefined();
});

test('another supplier of tokens is used from the next request on, and causes none', async () => {
  await begin();
  const other = () => 'other';
  session.connectTo({ ...HERE, getToken: other });
  pass(29);
  expect(asked).toHaveLength(1);
  expect(session.snapshot().answer).toBeDefined();
  pass(1);
  expect(asked[1]?.connection.getToken).toBe(other);
});

test('a test runs once at a time, and its outcome stays until it is closed', async () => {
  session.connectTo(HERE);
  void session.test();
  void session.test();
  session.closeTest();
  expect(tested).toHaveLength(1);
  expect(session.snapshot().test).toEqual({ phase: 'running' });
  await tested[0]?.end(TESTED);
  expect(session.snapshot().test).toMatchObject({ phase: 'done', atMs: nowMs });
  void session.test();
  await tested[1]?.end(failure('no-answer'));
  expect(session.snapshot().test).toMatchObject({ phase: 'failed' });
  session.closeTest();
  expect(session.snapshot().test).toEqual({ phase: 'none' });
});

test('who goes away calls off what is under way, and hears of it no more', async () => {
  session.connectTo(HERE);
  session.setWatched(true);
  pass(0);
  void session.test();
  session.stop();
  expect(asked[0]?.signal.aborted).toBe(true);
  expect(tested[0]?.signal.aborted).toBe(true);
  const before = changes;
  await asked[0]?.end(ANSWER);
  await tested[0]?.end(TESTED);
  pass(3_600);
  expect(changes).toBe(before);
  expect(asked).toHaveLength(1);
  session.setWatched(true);
  pass(0);
  expect(asked).toHaveLength(2);
});
