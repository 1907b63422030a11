import { describe, expect, test } from 'vitest';
import {
  createClient,
  STATUS_TIMEOUT_MS,
  TEST_TIMEOUT_MS,
} from '../../../shared/connection-status/client.ts';
import { connectedBody, disconnectedBody, testBody } from '../../support/status-answers.ts';

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

function setUp(answer: (sent: Sent) => Promise<Response> | Response) {
  const sent: Sent[] = [];
  const timers: { run: () => void; ms: number; cancelled: boolean }[] = [];
  const client = createClient({
    fetch: async (url, init) => {
      sent.push({ url, init });
      return answer({ url, init });
    },
    setTimer: (run, ms) => {
      const timer = { run, ms, cancelled: false };
      timers.push(timer);
      return () => {
        timer.cancelled = true;
      };
    },
  });
  return { client, sent, timers };
}

const json = (status: number, body: unknown) => new Response(JSON.stringify(body), { status });
const signal = new AbortController().signal;
const from = { endpoint: 'https://api.example.test/', getToken: () => 'a.b.c' };
const forever = () => new Promise<never>(() => {});

test('asks for the status with the token, past every cache, and never at another address', async () => {
  const { client, sent, timers } = setUp(() => json(200, connectedBody()));
  const outcome = await client.status(from, signal);
  expect(outcome).toMatchObject({ ok: true, value: { status: 'connected' } });
  expect(sent).toEqual([
    {
      url: 'https://api.example.test/api/dynamics/status',
      init: expect.objectContaining({
        method: 'GET',
        headers: { authorization: 'Bearer a.b.c' },
        cache: 'no-store',
        redirect: 'error',
      }),
    },
  ]);
  expect(timers).toMatchObject([{ ms: STATUS_TIMEOUT_MS, cancelled: true }]);
});

test('tests with POST, without a body', async () => {
  const { client, sent, timers } = setUp(() => json(200, testBody()));
  const outcome = await client.test(from, signal);
  expect(outcome).toMatchObject({ ok: true, value: { ok: true } });
  expect(sent[0]?.url).toBe('https://api.example.test/api/dynamics/test');
  expect(sent[0]?.init.method).toBe('POST');
  expect(sent[0]?.init.body).toBeUndefined();
  expect(timers[0]?.ms).toBe(TEST_TIMEOUT_MS);
});

test.each([
  ['/', '/api/dynamics/status'],
  ['/bridge', '/bridge/api/dynamics/status'],
  ['https://api.example.test//', 'https://api.example.test/api/dynamics/status'],
])('the endpoint %s is asked at %s', async (endpoint, url) => {
  const { client, sent } = setUp(() => json(200, connectedBody()));
  await client.status({ ...from, endpoint }, signal);
  expect(sent[0]?.url).toBe(url);
});

test('a token may take its time, and an empty one sends no header', async () => {
  const { client, sent } = setUp(() => json(200, connectedBody()));
  await client.status({ ...from, getToken: async () => 'later' }, signal);
  await client.status({ ...from, getToken: () => '' }, signal);
  expect(sent.map(({ init }) => init.headers)).toEqual([{ authorization: 'Bearer later' }, {}]);
});

test('a 503 with a status is an answer: the one of a broken connection', async () => {
  const { client } = setUp(() => json(503, disconnectedBody()));
  const outcome = await client.status(from, signal);
  expect(outcome).toMatchObject({ ok: true, value: { status: 'disconnected' } });
});

test.each([
  [json(401, { message: 'Unauthorized' }), { kind: 'signed-out' }],
  [json(403, { message: 'Forbidden' }), { kind: 'not-allowed' }],
  [
    json(503, { error: 'unavailable', message: 'Send it again.' }),
    { kind: 'unavailable', message: 'Send it again.' },
  ],
  [new Response('<html>', { status: 502 }), { kind: 'unavailable', message: null }],
  [
    json(429, { message: 'Too Many Requests' }),
    { kind: 'unavailable', message: 'Too Many Requests' },
  ],
  [json(404, { message: 'Not Found' }), { kind: 'unreadable', httpStatus: 404 }],
  [new Response('<html>', { status: 200 }), { kind: 'unreadable', httpStatus: 200 }],
  [json(200, { ...connectedBody(), sync: null }), { kind: 'unreadable', httpStatus: 200 }],
])('%o fails as %o', async (response, failure) => {
  const { client } = setUp(() => response);
  expect(await client.status(from, signal)).toEqual({ ok: false, failure });
});

describe('what never answers', () => {
  test('a network that fails is no answer', async () => {
    const { client } = setUp(() => Promise.reject(new TypeError('Failed to fetch')));
    const failure = { kind: 'no-answer' };
    expect(await client.status(from, signal)).toEqual({ ok: false, failure });
  });

  test('a supplier that throws is signed out, and nothing is sent', async () => {
    const { client, sent } = setUp(() => json(200, connectedBody()));
    const getToken = () => Promise.reject(new Error('interaction required'));
    const outcome = await client.status({ ...from, getToken }, signal);
    expect(outcome).toEqual({ ok: false, failure: { kind: 'signed-out' } });
    expect(sent).toEqual([]);
  });

  test.each([
    ['a token', { ...from, getToken: forever }, () => json(200, connectedBody())],
    ['an answer', from, forever],
  ])('%s that does not come ends with the time', async (_name, connection, answer) => {
    const { client, timers } = setUp(answer);
    const asked = client.status(connection, signal);
    timers[0]?.run();
    expect(await asked).toEqual({ ok: false, failure: { kind: 'no-answer' } });
  });

  test('who is not wanted any more is called off, on the wire too', async () => {
    const { client, sent } = setUp(forever);
    const abort = new AbortController();
    const asked = client.status({ ...from, getToken: () => 'a' }, abort.signal);
    await Promise.resolve();
    abort.abort();
    await asked;
    expect(sent[0]?.init.signal?.aborted).toBe(true);
  });
});
