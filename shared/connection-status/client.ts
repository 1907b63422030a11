import type { Platform } from './platform.ts';
import {
  readErrorMessage,
  readStatusAnswer,
  readTestAnswer,
  type StatusAnswer,
  type TestAnswer,
} from './read-answer.ts';

/** The API answers within two seconds whatever is broken; the rest is for a slow line. */
export const STATUS_TIMEOUT_MS = 10_000;

/** The gateway gives up after 30 s. */
export const TEST_TIMEOUT_MS = 35_000;

/** Where to ask, and in whose name. */
export interface Connection {
  /** Base URL of the API, with or without a slash at the end. */
  readonly endpoint: string;
  /** An access token, or an empty string if something on the way adds one. May throw. */
  readonly getToken: () => string | Promise<string>;
}

/** Why there is no answer. */
export type Failure =
  /** No token was to be had, or the API does not accept it. */
  | { readonly kind: 'signed-out' }
  /** The token is good, but lacks the scope. */
  | { readonly kind: 'not-allowed' }
  /** The network, a time-out, or an answer that the browser keeps back. */
  | { readonly kind: 'no-answer' }
  /** The API says that it cannot. `message` is its own, if it gave one. */
  | { readonly kind: 'unavailable'; readonly message: string | null }
  /** Something answered, but not this API. */
  | { readonly kind: 'unreadable'; readonly httpStatus: number };

export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: Failure };

/** Neither method rejects. One that is aborted resolves soon, with an outcome that means nothing. */
export interface Client {
  status(connection: Connection, signal: AbortSignal): Promise<Outcome<StatusAnswer>>;
  /** Tests the configured connection. */
  test(connection: Connection, signal: AbortSignal): Promise<Outcome<TestAnswer>>;
}

interface Question<T> {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly timeoutMs: number;
  /** HTTP statuses whose body is an answer. */
  readonly answers: readonly number[];
  /** Throws if it is none. */
  readonly read: (body: unknown) => T;
}

const STATUS: Question<StatusAnswer> = {
  method: 'GET',
  path: '/api/dynamics/status',
  timeoutMs: STATUS_TIMEOUT_MS,
  // 503 is the answer of a connection that is broken.
  answers: [200, 503],
  read: readStatusAnswer,
};
const TEST: Question<TestAnswer> = {
  method: 'POST',
  path: '/api/dynamics/test',
  timeoutMs: TEST_TIMEOUT_MS,
  answers: [200],
  read: readTestAnswer,
};

const TOO_MANY_REQUESTS = 429;

export function createClient({ fetch, setTimer }: Pick<Platform, 'fetch' | 'setTimer'>): Client {
  return {
    status: (connection, signal) => inTime(STATUS, connection, signal),
    test: (connection, signal) => inTime(TEST, connection, signal),
  };

  async function inTime<T>(
    question: Question<T>,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    const ended = new AbortController();
    const end = () => ended.abort();
    const noTimeout = setTimer(end, question.timeoutMs);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    // Neither a token that never comes nor a body that never ends may hold anything up.
    const never = new Promise<Outcome<T>>((resolve) => {
      const give = () => resolve(failed({ kind: 'no-answer' }));
      if (ended.signal.aborted) give();
      else ended.signal.addEventListener('abort', give);
    });
    try {
      return await Promise.race([ask(question, connection, ended.signal), never]);
    } finally {
      noTimeout();
      signal.removeEventListener('abort', end);
    }
  }

  async function ask<T>(
    { method, path, answers, read }: Question<T>,
    { endpoint, getToken }: Connection,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    let token: string;
    try {
      token = await getToken();
    } catch {
      return failed({ kind: 'signed-out' });
    }
    if (signal.aborted) return failed({ kind: 'no-answer' });
    let response: Response;
    let body: unknown;
    try {
      response = await fetch(`${endpoint.replace(/\/+$/, '')}${path}`, {
        method,
        headers: token === '' ? {} : { authorization: `Bearer ${token}` },
        cache: 'no-store',
        // The token is for the endpoint and nobody else.
        redirect: 'error',
        signal,
      });
      body = parse(await response.text());
    } catch {
      return failed({ kind: 'no-answer' });
    }
    const { status } = response;
    if (status === 401) return failed({ kind: 'signed-out' });
    if (status === 403) return failed({ kind: 'not-allowed' });
    if (answers.includes(status)) {
      try {
        return { ok: true, value: read(body) };
      } catch {
        // Said below, by its status.
      }
    }
    return status >= 500 || status === TOO_MANY_REQUESTS
      ? failed({ kind: 'unavailable', message: readErrorMessage(body) })
      : failed({ kind: 'unreadable', httpStatus: status });
  }
}

const failed = (failure: Failure) => ({ ok: false, failure }) as const;

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
