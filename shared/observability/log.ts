import { Logger } from '@aws-lambda-powertools/logger';
import { LoggableError } from '../errors/loggable-error.ts';
import type { Message } from './messages.ts';

/**
 * The only fields that a log line can have. An allow-list, so that a name, an address, a token or
 * a whole error object cannot be logged by accident.
 */
const LOG_FIELDS = [
  'action',
  'attempt',
  /** Of a seal on the audit trail; it says nothing to who has no key. */
  'chain',
  'contactId',
  'correlationId',
  'count',
  /** What the request was called towards Dataverse: one can be about several contacts. */
  'dataverseRequestId',
  /** Of the message in the dead-letter queue, which is another than the one that was put aside. */
  'deadLetterId',
  'errorCode',
  'errorName',
  'eventId',
  'eventType',
  'fields',
  'latencyMs',
  'masterId',
  'messageId',
  'migration',
  'organizationId',
  'outcome',
  'patientId',
  'problem',
  'reason',
  'receiveCount',
  'retryAfterSeconds',
  'sealNumber',
  'status',
] as const;

export type LogFields = Partial<
  Record<(typeof LOG_FIELDS)[number], string | number | boolean | readonly string[] | undefined>
>;

/** Writes one registered message with fields of the allow-list. */
export type Log = (message: Message, fields?: LogFields) => void;

/** JSON lines on standard output through Powertools' logger. */
export function createLog(): Log {
  const logger = new Logger();
  return (message, fields = {}) => {
    const allowed: Record<string, unknown> = { code: message.code };
    for (const name of LOG_FIELDS) {
      if (fields[name] !== undefined) allowed[name] = fields[name];
    }
    logger[message.level](message.text, allowed);
  };
}

/**
 * What may be said of an error: its class, its code, and its message only if that is one of ours.
 * Messages of drivers and of Dataverse can carry personal data or credentials.
 */
export function describeError(error: unknown): {
  errorName: string;
  errorCode?: string;
  problem?: string;
} {
  if (!(error instanceof Error)) return { errorName: typeof error };
  const { code } = error as Error & { code?: unknown };
  return {
    errorName: error.name,
    ...(typeof code === 'string' && /^[\w.-]{1,40}$/.test(code) && { errorCode: code }),
    ...(error instanceof LoggableError && { problem: error.message }),
  };
}
