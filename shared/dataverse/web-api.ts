import * as z from 'zod';
import type { DynamicsConnection } from './connection.ts';
import { decidePause, isFailure } from './decide-pause.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
} from './errors.ts';
import { guid } from './guid.ts';
import { exchange, type Fetch, type HttpAnswer, type HttpRequest, unavailability } from './http.ts';
import { parseJson } from './json.ts';
import type { Pause } from './pause.ts';
import { createSemaphore } from './semaphore.ts';
import type { TokenSource } from './token.ts';

/** Version of the Web API that every request names. */
export const API_PATH = '/api/data/v9.2/';

/** The first one may be an older token of another container. */
const MAX_REPLACEMENTS = 2;

/** "Entity … With Id = … Does Not Exist": the only proof that a row is not there. */
const ROW_DOES_NOT_EXIST = '0x80040217';

/**
 * "The user is not a member of the organization": not this request is forbidden (403), but everything, and
 * another token would be the same user's. A disabled user's code (0x80040225) is not taken for that: it is
 * answered for a single row too, whose owner is disabled.
 */
const NOT_A_MEMBER = '0x80072560';

export interface WebApiOptions {
  readonly connection: DynamicsConnection;
  readonly tokens: TokenSource;
  readonly fetch: Fetch;
  /** For one exchange. Refused tokens make up to three of them. */
  readonly timeoutMs: number;
  /** Requests under way at the same time; Dataverse counts them per user (52), not per container. */
  readonly parallelRequests: number;
  /** Sent as `x-ms-client-request-id` if it is a GUID. A function, because a client lives longer than an invocation. */
  readonly correlationId?: () => string | undefined;
  /** Shared with the other containers. Whoever asks once and has nobody to tell goes without. */
  readonly pause?: Pause;
  /** Milliseconds since 1970, to read a `Retry-After` that is a date. */
  readonly now?: () => number;
  /** Told of every exchange with Dataverse, one that failed too. */
  readonly observe?: (outcome: RequestOutcome) => void;
}

/** How Dataverse took a request, for who counts them; `failed` is no answer, or none that is one. */
export type RequestOutcome = 'answered' | 'throttled' | 'unauthorized' | 'failed';

interface WebApiRequest {
  readonly method: HttpRequest['method'];
  /** Relative to the API's root, or a whole URL of the organisation. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Where one exchange may take longer than most. */
  readonly timeoutMs?: number;
}

/** What a request came to. Everything else is thrown. */
export type WebApiAnswer =
  | { readonly kind: 'success'; readonly status: number; readonly text: string }
  /** Proved: 404 with the code for a row that does not exist. */
  | { readonly kind: 'missing' }
  /** 412: the row is no longer at the ETag that was sent. */
  | { readonly kind: 'conflict' };

export interface WebApi {
  send(request: WebApiRequest): Promise<WebApiAnswer>;
}

/**
 * Authenticated requests to one organisation. Throws the errors of `errors.ts` and nothing else; a
 * refused token (401) is replaced. What says something about the whole connection pauses it.
 */
export function createWebApi({
  connection,
  tokens,
  fetch,
  timeoutMs,
  parallelRequests,
  correlationId = () => undefined,
  pause,
  now = Date.now,
  observe = () => {},
}: WebApiOptions): WebApi {
  const limited = createSemaphore(parallelRequests);
  const root = `${connection.orgUrl}${API_PATH}`;
  /** The requests that have failed since Dataverse last answered. */
  const failing = new Set<string>();

  async function attempt(request: WebApiRequest, token: string): Promise<HttpAnswer> {
    const requestId = guid.safeParse(correlationId()).data;
    await pause?.check();
    const answer = await exchange(
      {
        method: request.method,
        url: new URL(request.path, root).href,
        writes: request.method !== 'GET',
        headers: {
          accept: 'application/json',
          'odata-version': '4.0',
          'odata-maxversion': '4.0',
          authorization: `Bearer ${token}`,
          // Without it a cache on the way may answer a read.
          ...(request.method === 'GET' ? { 'if-none-match': 'null' } : {}),
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(requestId === undefined ? {} : { 'x-ms-client-request-id': requestId }),
          ...request.headers,
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      },
      { fetch, timeoutMs: request.timeoutMs ?? timeoutMs },
    ).catch((error: unknown) => {
      observe('failed');
      throw error;
    });
    observe(outcomeOf(answer.status));
    return answer;
  }

  /** Replaces a token that is refused, and one from the cache that turns out to be no better. */
  async function sendAuthorized(request: WebApiRequest): Promise<WebApiAnswer> {
    let token = await tokens.get();
    let answer = await attempt(request, token.value);
    for (let replaced = 0; answer.status === 401; replaced += 1) {
      if (replaced === MAX_REPLACEMENTS || !(await tokens.drop(token))) {
        throw new DataverseUnauthorized();
      }
      token = await tokens.get();
      answer = await attempt(request, token.value);
    }
    return judge(answer, request.method !== 'GET', now());
  }

  async function sendNoticing(request: WebApiRequest): Promise<WebApiAnswer> {
    try {
      const answer = await sendAuthorized(request);
      failing.clear();
      await pause?.noteAccepted();
      return answer;
    } catch (error) {
      if (isFailure(error)) failing.add(request.path);
      else if (isRefusal(error)) {
        failing.clear();
        await pause?.noteAccepted();
      }
      const decided = decidePause(error, failing.size);
      if (decided !== undefined) await pause?.begin(decided.reason, decided.seconds);
      if (error instanceof DataverseUnauthorized) await pause?.beginRefused();
      throw error;
    }
  }

  return {
    // The turn ends when a pause has begun, so that the next request knows of it.
    send: (request) => limited(() => sendNoticing(request)),
  };
}

function outcomeOf(status: number): RequestOutcome {
  if (status === 429) return 'throttled';
  if (status === 401) return 'unauthorized';
  return status >= 500 ? 'failed' : 'answered';
}

/** Dataverse has answered, if only to refuse the request. */
const isRefusal = (error: unknown): boolean =>
  error instanceof DataverseForbidden || error instanceof DataverseRejected;

/** The success of a read: JSON of the expected shape, or it counts as no answer at all. */
export function readBody<T>(answer: { readonly text: string }, schema: z.ZodType<T>): T {
  const { data, success } = schema.safeParse(parseJson(answer.text));
  // Zod's error is left behind on purpose: it may quote what it found.
  if (!success) throw malformed(200, false);
  return data;
}

/** An answer that is no answer: HTML, half a body, a status that does not belong here. */
export function malformed(status: number, outcomeUnknown: boolean): DataverseUnavailable {
  return new DataverseUnavailable({ reason: 'malformed-answer', status, outcomeUnknown });
}

function judge(answer: HttpAnswer, writes: boolean, nowMs: number): WebApiAnswer {
  const { status, text } = answer;
  if (status >= 200 && status < 300) return { kind: 'success', status, text };
  const notNow = unavailability(answer, writes, nowMs);
  if (notNow) throw new DataverseUnavailable(notNow);

  const code = errorCode(text);
  if (status === 404) {
    if (code === ROW_DOES_NOT_EXIST) return { kind: 'missing' };
    throw new DataverseUnreadable('bare 404', code);
  }
  if (status === 412) return { kind: 'conflict' };
  if (status === 403) {
    throw code === NOT_A_MEMBER ? new DataverseUnauthorized() : new DataverseForbidden(code);
  }
  throw new DataverseRejected(status, code);
}

const errorBody = z.object({
  error: z.object({ code: z.string().regex(/^0x[0-9a-f]{8}$/i) }),
});

/** Dataverse's error code, in lower case. The message beside it may contain personal data and is not read. */
function errorCode(text: string): string | undefined {
  return errorBody.safeParse(parseJson(text)).data?.error.code.toLowerCase();
}
