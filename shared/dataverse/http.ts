import { DataverseUnavailable, type UnavailableDetails, type UnavailableReason } from './errors.ts';

export type Fetch = typeof globalThis.fetch;

/** Largest answer that is read: a page of 5,000 contacts of ours is about 3 MB, decompressed. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** Dataverse's own waits are minutes; a nonsensical header must not put a contact off for days. */
const MAX_RETRY_AFTER_SECONDS = 3600;

/** The connection was never made, so the other side cannot have seen the request. */
const NOT_SENT_CODES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Does the request change something at the other side? Decides `outcomeUnknown`. */
  readonly writes: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface HttpOptions {
  readonly fetch: Fetch;
  /** For the whole exchange, from connecting to the last byte of the answer. */
  readonly timeoutMs: number;
}

/**
 * One exchange: bounded in time and size, never redirected (a redirect would carry the token to
 * whoever it names). Statuses are the caller's to judge, except redirects.
 *
 * @throws DataverseUnavailable
 */
export async function exchange(request: HttpRequest, options: HttpOptions): Promise<HttpAnswer> {
  const signal = AbortSignal.timeout(options.timeoutMs);
  const unavailable = (reason: UnavailableReason, status?: number, sent = true) =>
    new DataverseUnavailable({ reason, status, outcomeUnknown: request.writes && sent });

  let status: number | undefined;
  try {
    const response = await options.fetch(request.url, {
      method: request.method,
      headers: request.headers,
      redirect: 'manual',
      signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    });
    status = response.status;
    const text = await readBounded(response);
    if (text === undefined) throw unavailable('oversized-answer', status);
    if (response.type === 'opaqueredirect' || (status >= 300 && status < 400)) {
      throw unavailable('redirected', status, false);
    }
    return { status, headers: response.headers, text };
  } catch (error) {
    if (error instanceof DataverseUnavailable) throw error;
    if (signal.aborted) throw unavailable('timeout', status);
    throw unavailable('network', status, !neverSent(error));
  }
}

/** Reads at most `MAX_ANSWER_BYTES` of the decompressed body; undefined if there is more. */
async function readBounded(response: Response): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let text = '';
  let readBytes = 0;
  // Leaving the loop early cancels the stream and closes the connection.
  for await (const chunk of response.body ?? []) {
    readBytes += chunk.byteLength;
    if (readBytes > MAX_ANSWER_BYTES) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function neverSent(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return (
    cause instanceof Error &&
    'code' in cause &&
    typeof cause.code === 'string' &&
    NOT_SENT_CODES.has(cause.code)
  );
}

/**
 * Says whether a status means "not now" (429, 408, 5xx), and for how long. A throttled request (429)
 * was refused before it ran; after any of the others a write may have been applied.
 */
export function unavailability(
  answer: HttpAnswer,
  writes: boolean,
  nowMs: number,
): UnavailableDetails | undefined {
  const { status } = answer;
  const throttled = status === 429;
  if (!throttled && status !== 408 && status < 500) return undefined;
  return {
    reason: throttled ? 'throttled' : 'server-error',
    status,
    outcomeUnknown: writes && !throttled,
    retryAfterSeconds: parseRetryAfter(answer.headers.get('retry-after'), nowMs),
  };
}

/** `Retry-After` is a number of seconds or an HTTP date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - nowMs) / 1000);
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(Math.max(seconds, 0), MAX_RETRY_AFTER_SECONDS);
}
