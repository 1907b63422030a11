/** What the API answers, read by hand: this module has no dependency. Times are milliseconds since 1970. */

/** Something that an administrator can mend. Its code may be one that this version does not know. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** One direction; null where it could not be found out. */
export interface Direction {
  /** Null: never yet, or not found out. */
  readonly lastSuccessAtMs: number | null;
  /** Messages in the queue. */
  readonly waiting: number | null;
  /** Rows whose clock is due. */
  readonly due: number | null;
  /** How long the longest of them has been due; null if none is. */
  readonly oldestSeconds: number | null;
  readonly deadLettered: number | null;
}

/** The body of `GET /api/dynamics/status`. */
export interface StatusAnswer {
  /** `connected`, `degraded`, `disconnected`, `paused`, or one that this version does not know. */
  readonly status: string;
  readonly organization: { readonly name: string | null; readonly url: string | null };
  /** By the server's clock. */
  readonly checkedAtMs: number;
  readonly latencyMs: number | null;
  readonly tokenExpiresAtMs: number | null;
  readonly schema: { readonly ok: boolean; readonly missing: readonly string[] };
  readonly sync: { readonly contacts: Direction; readonly consents: Direction };
  readonly problems: readonly Problem[];
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly message: string;
  readonly remedy: string | null;
}

/** The body of `POST /api/dynamics/test`. */
export interface TestAnswer {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

/** The answer is not one of this API. */
export class AnswerUnreadable extends Error {
  override readonly name = 'AnswerUnreadable';
}

type Read<T> = (value: unknown) => T;

/** @throws AnswerUnreadable */
export function readStatusAnswer(value: unknown): StatusAnswer {
  const body = object(value);
  const organization = object(body['organization']);
  const schema = object(body['schema']);
  const sync = object(body['sync']);
  return {
    status: text(body['status']),
    organization: {
      name: orNull(text)(organization['name']),
      url: orNull(text)(organization['url']),
    },
    checkedAtMs: time(body['checkedAt']),
    latencyMs: orNull(count)(body['latencyMs']),
    tokenExpiresAtMs: orNull(time)(object(body['token'])['expiresAt']),
    schema: { ok: flag(schema['ok']), missing: listOf(text)(schema['missing']) },
    sync: { contacts: direction(sync['contacts']), consents: direction(sync['consents']) },
    problems: listOf(problem)(body['problems']),
  };
}

/** @throws AnswerUnreadable */
export function readTestAnswer(value: unknown): TestAnswer {
  const body = object(value);
  return { ok: flag(body['ok']), checks: listOf(check)(body['checks']) };
}

/** What an answer that is an error says about itself, if it says anything. */
export function readErrorMessage(value: unknown): string | null {
  try {
    return text(object(value)['message']);
  } catch {
    return null;
  }
}

function direction(value: unknown): Direction {
  const fields = object(value);
  return {
    lastSuccessAtMs: orNull(time)(fields['lastSuccessAt']),
    waiting: orNull(count)(fields['waiting']),
    due: orNull(count)(fields['due']),
    oldestSeconds: orNull(count)(fields['oldestSeconds']),
    deadLettered: orNull(count)(fields['deadLettered']),
  };
}

function problem(value: unknown): Problem {
  const fields = object(value);
  return {
    code: text(fields['code']),
    message: text(fields['message']),
    remedy: text(fields['remedy']),
  };
}

function check(value: unknown): Check {
  const fields = object(value);
  return {
    name: text(fields['name']),
    ok: flag(fields['ok']),
    message: text(fields['message']),
    remedy: orNull(text)(fields['remedy']),
  };
}

function object(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AnswerUnreadable();
  }
  return { ...value };
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new AnswerUnreadable();
  return value;
}

function flag(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new AnswerUnreadable();
  return value;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new AnswerUnreadable();
  return value;
}

function time(value: unknown): number {
  return count(Date.parse(text(value)));
}

const orNull =
  <T>(read: Read<T>): Read<T | null> =>
  (value) =>
    value === null ? null : read(value);

const listOf =
  <T>(read: Read<T>): Read<readonly T[]> =>
  (value) => {
    if (!Array.isArray(value)) throw new AnswerUnreadable();
    return value.map((one) => read(one));
  };
