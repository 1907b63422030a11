import * as z from 'zod';
import {
  CONTACT_WITH_CONSENT_SELECT,
  type ConsentFieldsRead,
  contactWithConsentRow,
} from './consent-columns.ts';
import { CONTACT_SELECT, contactRow, type DataverseContact } from './contact.ts';
import { ChangeTrackingExpired, DataverseRejected, UNKNOWN_COLUMN } from './errors.ts';
import { CONTACT_FIELDS } from './fields.ts';
import { guid } from './guid.ts';
import { ownLink } from './own-link.ts';
import { malformed, readBody, type WebApi } from './web-api.ts';

/** Largest page that Dataverse makes of a standard table ("Page results"). */
export const MAX_PAGE_SIZE = 5000;

/**
 * A page of 5,000 contacts is several megabytes and takes Dataverse seconds; it ends an operation by
 * itself after two minutes. What takes longer than this is given up and asked for again in the next run.
 */
export const PAGE_TIMEOUT_MS = 60_000;

/** "Version stamp associated with the client has expired": after seven days, or a change of the table. */
const VERSION_STAMP_EXPIRED = '0x80044352';

/** A contact as change tracking lists it. */
export interface ListedContact extends DataverseContact {
  /** When anybody, also we, last changed it, by Dataverse's clock. */
  readonly modifiedAtMs: number;
  /** Null where the organisation has not got the consent columns. */
  readonly consentFields: ConsentFieldsRead | null;
}

/** What change tracking says in one answer. */
export interface ChangesPage {
  readonly contacts: readonly ListedContact[];
  /** Ids of contacts that it calls deleted: no proof, a restored one is called so too. */
  readonly deleted: readonly string[];
  /**
   * What to ask for next: the page after this one or, when this was the last one, the changes since the
   * first one was read. Path and query below the API's root, without personal data: the columns, a row
   * version with its time, or the id after which the page begins.
   */
  readonly next: { readonly kind: 'page' | 'changes'; readonly link: string };
}

const modified = z.object({ modifiedon: z.iso.datetime({ offset: true }) });
const deletedEntry = z.object({ id: guid, reason: z.enum(['deleted', 'changed']) });
const links = {
  '@odata.nextLink': z.string().optional(),
  '@odata.deltaLink': z.string().optional(),
};

/** An entry is one or the other; the row's schema depends on the columns that the link asks for. */
const pageOf = <Row extends DataverseContact>(row: z.ZodType<Row>) =>
  z.object({
    ...links,
    value: z.array(
      z.union([
        deletedEntry.transform(({ id }) => ({ deleted: id })),
        z.intersection(
          row,
          modified.transform(({ modifiedon }) => ({ modifiedAtMs: Date.parse(modifiedon) })),
        ),
      ]),
    ),
  });

const withConsent = pageOf(contactWithConsentRow);
const withoutConsent = pageOf(
  contactRow.transform((contact) => ({ ...contact, consentFields: null })),
);

const WITH_CONSENT = `contacts?$select=${CONTACT_WITH_CONSENT_SELECT},modifiedon`;
const WITHOUT_CONSENT = `contacts?$select=${CONTACT_SELECT},modifiedon`;

/**
 * Reads one page of change tracking: of all contacts, or of what a link of an earlier answer leads to.
 *
 * @throws ChangeTrackingExpired where the link is of no use any more: everything has to be read again
 * @throws DataverseError; `DataverseForbidden` without organisation-level read
 */
export async function readChanges(
  api: WebApi,
  orgUrl: string,
  { link, pageSize }: { readonly link: string | undefined; readonly pageSize: number },
): Promise<ChangesPage> {
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > MAX_PAGE_SIZE) {
    throw new RangeError(`a page has 1 to ${MAX_PAGE_SIZE} contacts`);
  }
  if (link !== undefined) return readPage(api, orgUrl, link, pageSize);
  try {
    return await readPage(api, orgUrl, WITH_CONSENT, pageSize);
  } catch (error) {
    const columnsMissing = error instanceof DataverseRejected && error.code === UNKNOWN_COLUMN;
    if (!columnsMissing) throw error;
    // Contacts can be read before the columns are made. Making them ends the link.
    return readPage(api, orgUrl, WITHOUT_CONSENT, pageSize);
  }
}

async function readPage(
  api: WebApi,
  orgUrl: string,
  path: string,
  pageSize: number,
): Promise<ChangesPage> {
  if (!path.startsWith('contacts?')) throw new TypeError('not a link of change tracking');
  const body = readBody(await ask(api, path, pageSize), schemaOf(path));
  const following = body['@odata.nextLink'] ?? body['@odata.deltaLink'];
  // The last page without a link would end the reading for ever, unnoticed.
  if (following === undefined) throw malformed(200, false);
  return {
    contacts: body.value.flatMap((entry) => ('deleted' in entry ? [] : [entry])),
    deleted: body.value.flatMap((entry) => ('deleted' in entry ? [entry.deleted] : [])),
    next: {
      kind: body['@odata.nextLink'] === undefined ? 'changes' : 'page',
      link: `contacts${ownLink(following, orgUrl).search}`,
    },
  };
}

function schemaOf(path: string): z.ZodType<{
  value: (ListedContact | { deleted: string })[];
  '@odata.nextLink'?: string | undefined;
  '@odata.deltaLink'?: string | undefined;
}> {
  return path.includes(CONTACT_FIELDS.marketingEmail.logicalName) ? withConsent : withoutConsent;
}

async function ask(api: WebApi, path: string, pageSize: number) {
  try {
    const answer = await api.send({
      method: 'GET',
      path,
      // Every page asks for both anew: a link does not remember them.
      headers: { prefer: `odata.track-changes, odata.maxpagesize=${pageSize}` },
      timeoutMs: PAGE_TIMEOUT_MS,
    });
    if (answer.kind !== 'success') throw malformed(answer.kind === 'missing' ? 404 : 412, false);
    return answer;
  } catch (error) {
    if (error instanceof DataverseRejected && error.code === VERSION_STAMP_EXPIRED) {
      throw new ChangeTrackingExpired(error.status, error.code);
    }
    throw error;
  }
}
