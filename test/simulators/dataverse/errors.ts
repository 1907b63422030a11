import type { Answer } from '../entra/answer.ts';

/** An error as the Web API reports it: HTTP status, `0x…` code (may be empty) and message. */
export class DataverseError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Codes of Dataverse that stand in more than one place (web-service-error-codes.md). */
export const errorCodes = {
  recordNotFound: '0x80040217',
  duplicateRecord: '0x80040237',
  badQuery: '0x80060888',
  badPayload: '0x80048d19',
  versionMismatch: '0x80060882',
} as const;

export const odataHeaders = {
  'content-type': 'application/json; odata.metadata=minimal',
  'odata-version': '4.0',
};

/** `{"error":{"code":…,"message":…}}` */
export function errorAnswer(error: DataverseError): Answer {
  return {
    status: error.status,
    headers: odataHeaders,
    body: JSON.stringify({ error: { code: error.code, message: error.message } }),
  };
}

/** 400 for a query (path or query options) that cannot be understood. */
export function badQuery(message: string): DataverseError {
  return new DataverseError(400, errorCodes.badQuery, message);
}

/** 404 for a row that does not exist: the only proof that a row is gone. */
export function recordNotFound(table: string, id: string): DataverseError {
  return new DataverseError(
    404,
    errorCodes.recordNotFound,
    `Entity '${table}' With Id = ${id} Does Not Exist`,
  );
}
