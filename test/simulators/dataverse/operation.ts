import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from '../entra/answer.ts';
import { type ColumnValues, guidPattern, readColumns } from './columns.ts';
import { badQuery, DataverseError, errorCodes, odataHeaders } from './errors.ts';
import type { Organization } from './organization.ts';

/** One operation of the Web API; each stands in a file of its own under `operations/`. */
export interface Operation {
  /** As it is counted, such as `RetrieveContact`. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Matched against the decoded path after `/api/data/v9.2/`. */
  readonly path: RegExp;
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
  const key = request.groups[0] ?? '';
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
export function selectedColumns(
  request: WebApiRequest,
  { columns }: Organization,
): readonly string[] {
  const select = request.query.get('$select');
  if (select === null) return [...columns.keys()];
  const names = select.split(',').map((name) => name.trim());
  for (const name of names) {
    if (columns.has(name)) continue;
    throw badQuery(
      `Could not find a property named '${name}' on type 'Microsoft.Dynamics.CRM.contact'.`,
    );
  }
  return names;
}

/** The columns in a JSON body. 415 for another content type, 400 for anything but a JSON object. */
export function bodyColumns(request: WebApiRequest, { columns }: Organization): ColumnValues {
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
      "Error identified in Payload provided by the user for Entity :'contacts'.",
    );
  }
  return readColumns(body, columns, 'web-api');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

/** 204 with the address of the row that was written. */
export function writtenAnswer(organization: Organization, id: string): Answer {
  return {
    status: 204,
    headers: {
      'odata-version': '4.0',
      'odata-entityid': `${organization.webApiUrl}/contacts(${id})`,
    },
  };
}
