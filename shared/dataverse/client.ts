import * as z from 'zod';
import { type ChangesPage, MAX_PAGE_SIZE, readChanges } from './changes.ts';
import {
  CONTACT_WITH_CONSENT_SELECT,
  type ConsentStatusOptions,
  type ContactWithConsent,
  contactWithConsentRow,
} from './consent-columns.ts';
import { readConsentStatusOptions } from './consent-status-options.ts';
import {
  CONTACT_SELECT,
  type ContactFields,
  contactPage,
  contactRow,
  type DataverseContact,
} from './contact.ts';
import { readMissingColumns } from './contact-schema.ts';
import { ConsentFieldsMissing, DataverseRejected, UNKNOWN_COLUMN } from './errors.ts';
import { guid, parseGuid } from './guid.ts';
import { ownLink } from './own-link.ts';
import {
  createWebApi,
  malformed,
  readBody,
  type WebApi,
  type WebApiAnswer,
  type WebApiOptions,
} from './web-api.ts';

export type { ContactFields, DataverseContact } from './contact.ts';
export { MAX_PAGE_SIZE } from './changes.ts';

/** Keeps the URL of a filtered read (45 characters an id) far below the 32 KB that Dataverse takes. */
export const MAX_CONTACTS_PER_READ = 100;

/** About 19 ms each: they fit into the time limit of a request. */
const MAX_CONTACTS_PER_WRITE = 100;

export interface ContactUpdate {
  readonly contactId: string;
  readonly fields: ContactFields;
}

/**
 * One organisation's Web API. Every method throws the errors of `errors.ts`, and TypeError or
 * RangeError for arguments that a caller should have checked.
 */
export interface DataverseClient {
  /** The organisation and the application user that the token stands for (ids in lower case). */
  whoAmI(): Promise<{ organizationId: string; userId: string }>;
  /** The organisation's display name. */
  getOrganizationName(organizationId: string): Promise<string>;
  /** `found: false` is proof that the contact does not exist; a bare 404 throws `DataverseUnreadable`. */
  getContact(
    contactId: string,
  ): Promise<{ found: true; contact: DataverseContact } | { found: false }>;
  /**
   * The same with the consent columns.
   *
   * @throws ConsentFieldsMissing where the organisation has not got them yet
   */
  getContactWithConsent(
    contactId: string,
  ): Promise<{ found: true; contact: ContactWithConsent } | { found: false }>;
  /**
   * The values of the options of `ch_consent_status`, from the organisation's metadata.
   *
   * @throws ConsentFieldsMissing
   */
  getConsentStatusOptions(): Promise<ConsentStatusOptions>;
  /** What the custom columns lack, in words: a name, or a name and what is wrong. Empty: nothing. */
  getMissingColumns(): Promise<readonly string[]>;
  /**
   * Reads up to 100 contacts in one request, by their lower-case id. One that is not in the answer may
   * be deleted or hidden from the application user: absence proves nothing.
   */
  readContacts(contactIds: readonly string[]): Promise<Map<string, DataverseContact>>;
  /**
   * The same with the consent columns.
   *
   * @throws ConsentFieldsMissing where the organisation has not got them yet
   */
  readContactsWithConsent(contactIds: readonly string[]): Promise<Map<string, ContactWithConsent>>;
  /**
   * Changes an existing contact, never creates one. `ifMatch: '*'` writes whatever is there; an ETag
   * writes only if the contact is still as it was read, else the outcome is `conflict`. `missing` is
   * proof that it does not exist. `tag` reaches the events that the write causes (`SharedVariables`).
   */
  updateContact(
    contactId: string,
    fields: ContactFields,
    options: { readonly ifMatch: string; readonly tag?: string },
  ): Promise<{ outcome: 'updated' | 'missing' | 'conflict' }>;
  /**
   * Changes up to 100 different existing contacts in one request (`UpdateMultiple`), all of them or
   * none: one that does not exist (`missing`) or is refused makes it fail for all. It creates none, and
   * takes no condition. If the outcome is unknown it is unknown for all.
   */
  updateContacts(
    updates: readonly ContactUpdate[],
    options: { readonly tag?: string },
  ): Promise<{ outcome: 'updated' | 'missing' | 'conflict' }>;
  /** One page of all contacts; `nextLink` is absent on the last one. */
  listContacts(options: {
    readonly pageSize: number;
    readonly nextLink?: string;
  }): Promise<{ contacts: DataverseContact[]; nextLink?: string }>;
  /**
   * One page of change tracking: without a link of all contacts, with one of what comes next.
   *
   * @throws ChangeTrackingExpired, DataverseForbidden without organisation-level read
   */
  readChanges(options: {
    readonly link: string | undefined;
    readonly pageSize: number;
  }): Promise<ChangesPage>;
  /**
   * About how many contacts there are, from a count that Dataverse makes once a day
   * ("RetrieveTotalRecordCount"): good for an estimate and nothing else.
   */
  estimateContacts(): Promise<number>;
}

/** A client for one connection. Make one per container: it holds the limit of parallel requests. */
export function createDataverseClient(options: WebApiOptions): DataverseClient {
  const api = createWebApi(options);
  const { orgUrl } = options.connection;
  return {
    whoAmI: () => whoAmI(api),
    getOrganizationName: (organizationId) => getOrganizationName(api, organizationId),
    getContact: (contactId) => getContact(api, contactId, CONTACT_SELECT, contactRow),
    getContactWithConsent: (contactId) =>
      withConsentColumns(() =>
        getContact(api, contactId, CONTACT_WITH_CONSENT_SELECT, contactWithConsentRow),
      ),
    getConsentStatusOptions: () => readConsentStatusOptions(api),
    getMissingColumns: () => readMissingColumns(api),
    readContacts: (contactIds) => readContacts(api, contactIds, CONTACT_SELECT, contactRow),
    readContactsWithConsent: (contactIds) =>
      withConsentColumns(() =>
        readContacts(api, contactIds, CONTACT_WITH_CONSENT_SELECT, contactWithConsentRow),
      ),
    updateContact: (contactId, fields, condition) =>
      updateContact(api, contactId, fields, condition),
    updateContacts: (updates, { tag }) => updateContacts(api, updates, tag),
    listContacts: (page) => listContacts(api, orgUrl, page),
    readChanges: (page) => readChanges(api, orgUrl, page),
    estimateContacts: () => estimateContacts(api),
  };
}

const whoAmIAnswer = z.object({ OrganizationId: guid, UserId: guid });

async function whoAmI(api: WebApi) {
  const body = await read(api, 'WhoAmI', whoAmIAnswer);
  return { organizationId: body.OrganizationId, userId: body.UserId };
}

async function getOrganizationName(api: WebApi, organizationId: string) {
  const path = `organizations(${parseGuid(organizationId)})?$select=name`;
  return (await read(api, path, z.object({ name: z.string() }))).name;
}

async function getContact<T extends DataverseContact>(
  api: WebApi,
  contactId: string,
  select: string,
  row: z.ZodType<T>,
) {
  const id = parseGuid(contactId);
  const answer = await api.send({ method: 'GET', path: `contacts(${id})?$select=${select}` });
  if (answer.kind === 'missing') return { found: false } as const;
  const contact = readBody(expectSuccess(answer), row);
  if (contact.contactId !== id) throw malformed(200, false);
  return { found: true, contact } as const;
}

/** An organisation that is not set up refuses the whole read. */
async function withConsentColumns<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof DataverseRejected && error.code === UNKNOWN_COLUMN) {
      throw new ConsentFieldsMissing({});
    }
    throw error;
  }
}

async function readContacts<T extends DataverseContact>(
  api: WebApi,
  contactIds: readonly string[],
  select: string,
  row: z.ZodType<T>,
) {
  const ids = [...new Set(contactIds.map((id) => parseGuid(id)))];
  if (ids.length === 0) return new Map<string, T>();
  if (ids.length > MAX_CONTACTS_PER_READ) {
    throw new RangeError(`at most ${MAX_CONTACTS_PER_READ} contacts per read`);
  }
  const values = ids.map((id) => `'${id}'`).join(',');
  const filter = `Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=[${values}])`;
  const path = `contacts?$select=${select}&$filter=${encodeURIComponent(filter)}`;
  const { value: contacts } = await read(api, path, z.object({ value: z.array(row) }));
  return new Map(contacts.map((contact) => [contact.contactId, contact]));
}

async function updateContact(
  api: WebApi,
  contactId: string,
  fields: ContactFields,
  { ifMatch, tag }: { readonly ifMatch: string; readonly tag?: string },
) {
  const answer = await api.send({
    method: 'PATCH',
    path: `contacts(${parseGuid(contactId)})${tagQuery(tag)}`,
    // A PATCH without it is an upsert: a late one would bring a deleted contact back.
    headers: { 'if-match': ifMatch },
    body: fields,
  });
  return updated(answer);
}

async function updateContacts(
  api: WebApi,
  updates: readonly ContactUpdate[],
  tag: string | undefined,
) {
  const ids = updates.map(({ contactId }) => parseGuid(contactId));
  if (ids.length === 0 || ids.length > MAX_CONTACTS_PER_WRITE || new Set(ids).size < ids.length) {
    throw new RangeError(`1 to ${MAX_CONTACTS_PER_WRITE} different contacts per write`);
  }
  const answer = await api.send({
    method: 'POST',
    path: `contacts/Microsoft.Dynamics.CRM.UpdateMultiple${tagQuery(tag)}`,
    body: {
      Targets: updates.map(({ fields }, index) => ({
        ...fields,
        '@odata.type': 'Microsoft.Dynamics.CRM.contact',
        contactid: ids[index],
      })),
    },
  });
  return updated(answer);
}

/** Dataverse answers an update with 204; anything else may come from something that stands before it. */
function updated(answer: WebApiAnswer) {
  if (answer.kind !== 'success') return { outcome: answer.kind };
  if (answer.status !== 204) throw malformed(answer.status, true);
  return { outcome: 'updated' } as const;
}

const tagQuery = (tag: string | undefined): string =>
  tag === undefined ? '' : `?tag=${encodeURIComponent(tag)}`;

async function listContacts(
  api: WebApi,
  orgUrl: string,
  { pageSize, nextLink }: { readonly pageSize: number; readonly nextLink?: string },
) {
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw new RangeError(`a page has 1 to ${MAX_PAGE_SIZE} contacts`);
  }
  const body = await read(
    api,
    nextLink === undefined ? `contacts?$select=${CONTACT_SELECT}` : ownLink(nextLink, orgUrl).href,
    contactPage,
    // Every page asks for its size anew: the link does not remember it.
    { prefer: `odata.maxpagesize=${pageSize}` },
  );
  const following = body['@odata.nextLink'];
  return following === undefined
    ? { contacts: body.value }
    : { contacts: body.value, nextLink: ownLink(following, orgUrl).href };
}

const totalCount = z.object({
  EntityRecordCountCollection: z.object({
    Keys: z.array(z.string()),
    Values: z.array(z.int().nonnegative()),
  }),
});

async function estimateContacts(api: WebApi) {
  const path = "RetrieveTotalRecordCount(EntityNames=['contact'])";
  const { Keys, Values } = (await read(api, path, totalCount)).EntityRecordCountCollection;
  const count = Values[Keys.indexOf('contact')];
  if (count === undefined) throw malformed(200, false);
  return count;
}

async function read<T>(
  api: WebApi,
  path: string,
  schema: z.ZodType<T>,
  headers: Readonly<Record<string, string>> = {},
): Promise<T> {
  return readBody(expectSuccess(await api.send({ method: 'GET', path, headers })), schema);
}

/** Reads that name no row, or no condition, are not answered with `missing` or `conflict`. */
function expectSuccess(answer: WebApiAnswer): Extract<WebApiAnswer, { kind: 'success' }> {
  if (answer.kind !== 'success') throw malformed(answer.kind === 'missing' ? 404 : 412, false);
  return answer;
}
