import * as z from 'zod';
import type { DynamicsConnection } from './connection.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
} from './errors.ts';
import { guid } from './guid.ts';
import { exchange, type Fetch, type HttpAnswer, unavailability } from './http.ts';
import { parseJson } from './json.ts';
import { createSemaphore } from './semaphore.ts';
import type { TokenSource } from './token.ts';

/** Version of the Web API that every request names. */
export const API_PATH = '/api/data/v9.2/';

/** "Entity … With Id = … Does Not Exist": the only proof that a row is not there. */
const ROW_DOES_NOT_EXIST = '0x80040217';

export interface WebApiOptions {
  readonly connection: DynamicsConnection;
  readonly tokens: TokenSource;
  readonly fetch: Fetch;
  /** For one exchange. A refused token makes two of them. */
  readonly timeoutMs: number;
  /** Requests under way at the same time; Dataverse counts them per user (52), not per container. */
  readonly parallelRequests: number;
  /** Sent as `x-ms-client-request-id` if it is a GUID. A function, because a client lives longer than an invocation. */
  readonly correlationId?: () => string | undefined;
  /** Milliseconds since 1970, to read a `Retry-After` that is a date. */
  readonly now?: () => number;
}

interface WebApiRequest {
  readonly method: 'GET' | 'PATCH';
  /** Relative to the API's root, or a whole URL of the organisation. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
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
 * refused token (401) is replaced once.
 */
export function createWebApi({
  connection,
  tokens,
  fetch,
  timeoutMs,
  parallelRequests,
  correlationId = () => undefined,
  now = Date.now,
}: WebApiOptions): WebApi {
  const limited = createSemaphore(parallelRequests);
  const root = `${connection.orgUrl}${API_PATH}`;

  async function attempt(request: WebApiRequest, token: string): Promise<HttpAnswer> {
    const requestId = guid.safeParse(correlationId()).data;
    return limited(() =>
      exchange(
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
        { fetch, timeoutMs },
      ),
    );
  }

  return {
    async send(request) {
      const token = await tokens.get();
      let answer = await attempt(request, token.value);
      if (answer.status === 401) {
        await tokens.drop(token);
        answer = await attempt(request, (await tokens.get()).value);
        // The second token is kept: dropping it would buy one more at every call.
        if (answer.status === 401) throw new DataverseUnauthorized();
      }
      return judge(answer, request.method !== 'GET', now());
    },
  };
}

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
  if (status === 403) throw new DataverseForbidden(code);
  throw new DataverseRejected(status, code);
}

const errorBody = z.object({
  error: z.object({ code: z.string().regex(/^0x[0-9a-f]{8}$/i) }),
});

/** Dataverse's error code, in lower case. The message beside it may contain personal data and is not read. */
function errorCode(text: string): string | undefined {
  return errorBody.safeParse(parseJson(text)).data?.error.code.toLowerCase();
}
