import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import {
  CONSENT_COLUMNS,
  CONSENT_STATUS_VALUES,
  type Contact,
  DATAVERSE_ORGANIZATION_ID,
  describeColumns,
  type Organization,
  PROFILE_COLUMNS,
} from './organization.ts';
import { readTracked } from './change-tracking.ts';

const APPLICATION_USER_ID = '0a000000-0000-4000-8000-00000000a0a0';

const CONSENT_STATUS_COLUMN = {
  LogicalName: CONTACT_FIELDS.consentStatus.logicalName,
  OptionSet: {
    Options: Object.entries(CONSENT_STATUS_VALUES).map(([label, value]) => ({
      Value: value,
      Label: { LocalizedLabels: [{ Label: label }] },
    })),
  },
};

export interface WebApiRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The ETag that our client asked for, whatever became of the header. */
  readonly overEtag: string | null;
  readonly body: string | undefined;
}

export interface WebApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** What a write changes: one contact by a PATCH, several by `UpdateMultiple`. */
export interface Target {
  readonly id: string;
  readonly columns: Contact['columns'];
}

/** A request that has reached Dataverse and is allowed: it takes effect as a whole, or not at all. */
export function perform(
  organization: Organization,
  request: WebApiRequest,
  /** A contact is shown, or proven to be deleted. */
  onRead: (contact: Contact) => void,
): WebApiAnswer {
  const { contacts } = organization;
  const { method, url, headers, overEtag } = request;
  if (url.pathname.endsWith('/WhoAmI')) {
    const who = { OrganizationId: DATAVERSE_ORGANIZATION_ID, UserId: APPLICATION_USER_ID };
    return { status: 200, body: JSON.stringify(who) };
  }
  if (url.pathname.includes('/EntityDefinitions(')) {
    return { status: 200, body: JSON.stringify(CONSENT_STATUS_COLUMN) };
  }
  const { tracked, pageSize } = preferencesOf(headers);
  if (tracked) {
    const page = readTracked(organization, url, pageSize, rowOf);
    if (page === undefined) return { status: 400, body: errorBody('0x80044352') };
    for (const contact of page.contacts) onRead(contact);
    return { status: 200, body: page.body };
  }
  if (isUpdateMultiple(url)) return updateMultiple(organization, targetsOf(request));
  const id = keyOf(url);
  if (id === undefined) {
    const rows = idsIn(url).flatMap((one) => {
      const contact = contacts.get(one);
      if (contact?.alive !== true) return [];
      onRead(contact);
      return [rowOf(contact)];
    });
    return { status: 200, body: `{"value":[${rows.join()}]}` };
  }
  const contact = contacts.get(id);
  if (contact === undefined) return MISSING;
  if (method === 'GET' || !contact.alive) onRead(contact);
  if (method === 'GET') return contact.alive ? { status: 200, body: rowOf(contact) } : MISSING;
  const ifMatch = headers.get('if-match');
  if (!contact.alive) {
    if (ifMatch !== null) return MISSING;
    // Without If-Match a PATCH is an upsert.
    organization.upsert(contact);
  }
  if (ifMatch !== null && ifMatch !== '*' && ifMatch !== etagOf(contact)) {
    return { status: 412, body: errorBody('0x80060882') };
  }
  for (const { columns } of targetsOf(request)) {
    organization.write(contact, columns, versionOf(overEtag));
  }
  return WRITTEN;
}

/** All or none; one that does not exist is not created, and says nothing of the others. */
function updateMultiple(organization: Organization, targets: readonly Target[]): WebApiAnswer {
  const found = targets.flatMap(({ id, columns }) => {
    const contact = organization.contacts.get(id);
    return contact?.alive === true ? [{ contact, columns }] : [];
  });
  if (found.length < targets.length) return MISSING;
  for (const { contact, columns } of found) organization.write(contact, columns, undefined);
  return WRITTEN;
}

/** The contacts that a request writes, whether or not they exist; none: it only reads. */
export function targetsOf({ method, url, body }: WebApiRequest): readonly Target[] {
  if (body === undefined) return [];
  if (isUpdateMultiple(url)) {
    const { Targets } = JSON.parse(body) as {
      Targets: (Contact['columns'] & { contactid: string })[];
    };
    return Targets.map(({ contactid, '@odata.type': _type, ...columns }) => ({
      id: contactid,
      columns,
    }));
  }
  const id = keyOf(url);
  return method === 'PATCH' && id !== undefined
    ? [{ id, columns: JSON.parse(body) as Contact['columns'] }]
    : [];
}

/** How the history calls a request: faults are aimed at its first word. */
export function describeRequest(
  contacts: Organization['contacts'],
  request: WebApiRequest,
): string {
  const { method, url } = request;
  if (url.pathname.endsWith('/WhoAmI')) return 'WhoAmI';
  if (url.pathname.includes('/EntityDefinitions(')) return 'option values';
  if (preferencesOf(request.headers).tracked) return 'GET changes';
  const targets = targetsOf(request);
  const named = (id: string) => contacts.get(id)?.name ?? 'unknown';
  return [
    isUpdateMultiple(url) ? 'UpdateMultiple' : method,
    ...(targets.length === 0 ? idsIn(url).map(named) : []),
    ...targets.flatMap(({ id, columns }) => [named(id), describeColumns(columns)]),
  ]
    .filter(Boolean)
    .join(' ');
}

function preferencesOf(headers: Headers): { tracked: boolean; pageSize: number } {
  const prefer = headers.get('prefer') ?? '';
  return {
    tracked: prefer.includes('odata.track-changes'),
    pageSize: Number(/odata\.maxpagesize=(\d+)/.exec(prefer)?.[1]),
  };
}

const isUpdateMultiple = (url: URL): boolean =>
  url.pathname.endsWith('/contacts/Microsoft.Dynamics.CRM.UpdateMultiple');

const idsIn = (url: URL): readonly string[] =>
  decodeURIComponent(url.href).match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g) ?? [];

const keyOf = (url: URL): string | undefined =>
  /\/contacts\(([0-9a-f-]{36})\)$/.exec(url.pathname)?.[1];

const etagOf = (contact: Contact): string => `W/"${contact.version}"`;

function versionOf(etag: string | null): bigint | undefined {
  const version = /^W\/"(\d+)"$/.exec(etag ?? '')?.[1];
  return version === undefined ? undefined : BigInt(version);
}

export const errorBody = (code: string): string => JSON.stringify({ error: { code, message: '' } });

const MISSING: WebApiAnswer = { status: 404, body: errorBody('0x80040217') };
const WRITTEN: WebApiAnswer = { status: 204, body: '' };

/** `versionnumber` is written as the number that it is, with all its digits. */
function rowOf(contact: Contact): string {
  const columns = Object.fromEntries(
    [...PROFILE_COLUMNS, ...CONSENT_COLUMNS].map((column) => [
      column,
      contact.columns[column] ?? null,
    ]),
  );
  const rest = JSON.stringify({
    contactid: contact.id,
    '@odata.etag': etagOf(contact),
    ...columns,
    statecode: contact.mergedInto === undefined ? 0 : 1,
    merged: contact.mergedInto !== undefined,
    _masterid_value: contact.mergedInto?.id ?? null,
    modifiedon: new Date(contact.modifiedAtMs).toISOString(),
  });
  return `{"versionnumber":${contact.version},${rest.slice(1)}`;
}
