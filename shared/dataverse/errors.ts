/**
 * Everything that can go wrong between us and Dataverse or Entra ID, named for its effect. Messages
 * are fixed texts with numbers and codes: what the other side wrote may contain personal data, and
 * the platform's own network errors may contain a header, so neither is kept, not even as `cause`.
 */
export abstract class DataverseError extends Error {
  /**
   * Could the request have been applied, now or within the next two minutes, although no success was
   * answered? Always false for reads.
   */
  abstract readonly outcomeUnknown: boolean;
}

/** What kept an answer from us: for logs and metrics, never to decide behaviour. */
export type UnavailableReason =
  | 'timeout'
  | 'network'
  | 'throttled'
  | 'server-error'
  | 'credentials-refused'
  | 'redirected'
  | 'malformed-answer'
  | 'oversized-answer';

export interface UnavailableDetails {
  readonly reason: UnavailableReason;
  readonly outcomeUnknown: boolean;
  readonly status?: number | undefined;
  /** From `Retry-After`, in seconds or as a date. */
  readonly retryAfterSeconds?: number | undefined;
}

/** Dataverse cannot be used now; the same request may succeed later. */
export class DataverseUnavailable extends DataverseError {
  override readonly name: string = 'DataverseUnavailable';
  override readonly outcomeUnknown: boolean;
  readonly reason: UnavailableReason;
  readonly status: number | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(details: UnavailableDetails, subject = 'Dataverse') {
    super(`${subject} is unavailable: ${details.reason}${statusText(details.status)}`);
    this.outcomeUnknown = details.outcomeUnknown;
    this.reason = details.reason;
    this.status = details.status;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

/** Why all containers leave a connection alone for a while. */
export type PauseReason = Extract<
  UnavailableReason,
  'throttled' | 'server-error' | 'credentials-refused'
>;

/** The connection is paused, here or by another container, so nothing was asked of the other side. */
export class ConnectionPaused extends DataverseUnavailable {
  override readonly name = 'ConnectionPaused';

  constructor(reason: PauseReason, retryAfterSeconds: number) {
    super({ reason, retryAfterSeconds, outcomeUnknown: false }, 'The paused connection');
  }
}

/** Entra ID cannot be used now, so nothing was asked of Dataverse. */
export class TokenUnavailable extends DataverseUnavailable {
  override readonly name = 'TokenUnavailable';

  constructor(details: Omit<UnavailableDetails, 'outcomeUnknown'>) {
    super({ ...details, outcomeUnknown: false }, 'Entra ID');
  }
}

/** Entra ID refuses the credentials: asking again is useless until somebody changes something. */
export class TokenRefused extends DataverseError {
  override readonly name = 'TokenRefused';
  override readonly outcomeUnknown = false;
  /** Numbers of the `AADSTS…` codes, such as 7000215: for a hint to a person, never to decide behaviour. */
  readonly errorCodes: readonly number[];

  constructor(errorCodes: readonly number[]) {
    super(`Entra ID refused the credentials: ${errorCodes.map(aadsts).join(', ') || 'no code'}`);
    this.errorCodes = errorCodes;
  }
}

/**
 * Dataverse refuses whoever the token stands for, since a token that was bought after a refusal fares no
 * better (401), or by saying so (403): the application user is missing, disabled or elsewhere.
 */
export class DataverseUnauthorized extends DataverseError {
  override readonly name = 'DataverseUnauthorized';
  override readonly outcomeUnknown = false;

  constructor() {
    super('Dataverse refuses the application user');
  }
}

/** The application user may not do this (403): it lacks a privilege, or a firewall stands before it. */
export class DataverseForbidden extends DataverseError {
  override readonly name = 'DataverseForbidden';
  override readonly outcomeUnknown = false;
  readonly code: string | undefined;

  constructor(code: string | undefined) {
    super(`Dataverse forbids this to the application user: ${code ?? 'no code'}`);
    this.code = code;
  }
}

/** An answer that proves nothing, such as a bare 404 (a wrong URL, a proxy) or a foreign link. */
export class DataverseUnreadable extends DataverseError {
  override readonly name = 'DataverseUnreadable';
  override readonly outcomeUnknown = false;
  /** Dataverse's own code, if a 404 had one: it is then Dataverse that did not know the path. */
  readonly code: string | undefined;

  constructor(
    what: 'bare 404' | 'foreign next link' | 'no tenant in the challenge',
    code?: string,
  ) {
    super(`Dataverse's answer proves nothing: ${what}`);
    this.code = code;
  }
}

/** Dataverse refuses the request itself (any other 4xx): the same request will not succeed later. */
export class DataverseRejected extends DataverseError {
  override readonly name = 'DataverseRejected';
  override readonly outcomeUnknown = false;
  readonly status: number;
  /** Dataverse's own code, such as `0x80060888`. */
  readonly code: string | undefined;

  constructor(status: number, code: string | undefined) {
    super(`Dataverse rejected the request${statusText(status)}: ${code ?? 'no code'}`);
    this.status = status;
    this.code = code;
  }
}

/** The query cannot be understood: ours are fixed, so a column that they name does not exist. */
export const UNKNOWN_COLUMN = '0x80060888';

/** The link of change tracking is too old, or older than the table's definition: everything has to be read again. */
export class ChangeTrackingExpired extends DataverseRejected {}

/** The organisation lacks custom columns of the contact, or options of one: nothing can be written until it has them. */
export class ConsentFieldsMissing extends DataverseError {
  override readonly name = 'ConsentFieldsMissing';
  override readonly outcomeUnknown = false;
  /** Labels of options; empty where the column itself is missing. */
  readonly options: readonly string[];

  /** `column`: the one that is missing, or whose `options` (labels) are; without it, some of them. */
  constructor({ column, options = [] }: { column?: string; options?: readonly string[] }) {
    const subject = column === undefined ? 'a consent column' : `the column ${column}`;
    const missing =
      options.length === 0 ? subject : `one option each for ${options.join(', ')} in ${subject}`;
    super(`Dataverse's contact lacks ${missing}: run the set-up of the contact fields`);
    this.options = options;
  }
}

function statusText(status: number | undefined): string {
  return status === undefined ? '' : ` (${status})`;
}

function aadsts(code: number): string {
  return `AADSTS${code}`;
}
