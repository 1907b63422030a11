import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from '../entra/answer.ts';
import { etagOf } from './entity.ts';
import { badQuery, DataverseError, errorCodes, odataHeaders } from './errors.ts';
import type { Organization } from './organization.ts';
import { guidPattern, readColumns } from './tables/read-columns.ts';
import type { ColumnValues, Row, Table } from './tables/table.ts';

/** One operation of the Web API; each stands in a file of its own under `operations/`. */
export interface Operation {
  /** As it is counted, such as `RetrieveContact`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Matched against the decoded path after `/api/data/v9.2/`. */
  readonly path: RegExp;
  /** What it costs of the service protection limit, where it is not the cost of its method. */
  executionMs?(request: WebApiRequest): number;
  /** Throws `DataverseError` for what Dataverse refuses. */
  handle(request: WebApiRequest, organization: Organization): Answer;
}

export interface WebApiRequest {
  /** What the groups of the operation's `path` matched. */
  readonly groups: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export const contactSetPath = /^contacts$/;
export const contactPath = /^contacts\(([^()]*)\)$/;

/** The key of `contacts(<guid>)`, lower-case. 400 if it is not a GUID. */
export function contactKey(request: WebApiRequest): string {
  return guidKey(request.groups[0]);
}

/** A key in a path, lower-case. 400 if it is not a GUID. */
export function guidKey(key = ''): string {
  if (!guidPattern.test(key)) throw badQuery('Bad Request - Error in query syntax.');
  return key.toLowerCase();
}

/** Refuses (400) query options that an operation does not take. `tag` and `$…` are told apart by name. */
export function allowQuery(request: WebApiRequest, ...names: string[]): void {
  for (const name of request.query.keys()) {
    if (!names.includes(name)) {
      throw badQuery(`The query parameter '${name}' is not supported for this request.`);
    }
    if (request.query.getAll(name).length > 1) {
      throw badQuery(
        `Query option '${name}' was specified more than once, but it must be specified at most once.`,
      );
    }
  }
}

/** The columns named by `$select`, all of them without it. 400 for an unknown one. */
export function selectedColumns(request: WebApiRequest, table: Table): readonly string[] {
  return readSelect(request.query.get('$select'), table);
}

/** The columns that a `$select` names; all that can be read without one. */
export function readSelect(select: string | null, table: Table): readonly string[] {
  const readable = [...table.columns.values()].filter((column) => !column.writeOnly);
  const readableNames = readable.map(({ name }) => name);
  if (select === null) return readableNames;
  const names = select.split(',').map((name) => name.trim());
  for (const name of names) {
    if (readableNames.includes(name)) continue;
    throw badQuery(
      `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.${table.logicalName}'.`,
    );
  }
  return names;
}

/** The columns in a JSON body. 415 for another content type, 400 for anything but a JSON object. */
export function bodyColumns(request: WebApiRequest, table: Table): ColumnValues {
  return readColumns(bodyObject(request, table.setName), table, 'web-api');
}

/** A JSON object as the body. `entity`: what the message of a refusal names. */
export function bodyObject(request: WebApiRequest, entity: string): Record<string, unknown> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json') {
    throw new DataverseError(
      415,
      '',
      'A supported MIME type could not be found that matches the content type of the request.',
    );
  }
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    body = undefined;
  }
  if (!isObject(body)) {
    throw new DataverseError(
      400,
      errorCodes.badPayload,
      `Error identified in Payload provided by the user for Entity :'${entity}'.`,
    );
  }
  return body;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** 412 if `If-Match` names another version of the row. */
export function checkIfMatch(request: WebApiRequest, row: Row): void {
  const ifMatch = request.headers['if-match'];
  if (ifMatch === undefined || ifMatch === '*' || ifMatch === etagOf(row)) return;
  throw new DataverseError(
    412,
    errorCodes.versionMismatch,
    "The version of the existing record doesn't match the RowVersion property provided.",
  );
}

/** Who a Web API request acts as, with its `tag`. */
export function actorOf(request: WebApiRequest, organization: Organization) {
  const tag = request.query.get('tag');
  return { userId: organization.applicationUserId, ...(tag === null ? {} : { tag }) };
}

/** 200 with a JSON body. */
export function jsonAnswer(body: object): Answer {
  return { status: 200, headers: odataHeaders, body: JSON.stringify(body) };
}

/** 204 without a body. */
export const doneAnswer: Answer = { status: 204, headers: { 'odata-version': '4.0' } };

/** 204 with the address of what was written, relative to the Web API. */
export function writtenAnswer(organization: Organization, address: string): Answer {
  return {
    status: 204,
    headers: {
      'odata-version': '4.0',
      'odata-entityid': `${organization.webApiUrl}/${address}`,
    },
  };
}
