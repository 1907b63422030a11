import type { ShownConsentFields } from '../consent/consent-fields.ts';
import type { DataverseClient, DataverseContact } from '../dataverse/client.ts';
import {
  type ConsentStatusOptions,
  type ContactWithConsent,
  shownConsentFields,
} from '../dataverse/consent-columns.ts';
import { ConsentFieldsMissing, DataverseError, DataverseUnavailable } from '../dataverse/errors.ts';
import type { ContactRead } from './decide-contact.ts';

/** A contact that cannot be read now, and what kept us from it. */
export const unreadable = (error: DataverseError): ContactRead => ({
  kind: 'unreadable',
  reason: error.name,
  retryAfterSeconds: error instanceof DataverseUnavailable ? error.retryAfterSeconds : undefined,
});

/** Reads one contact or many, with the consent columns where the organisation has them. */
export type ReadsContacts = Pick<
  DataverseClient,
  'readContacts' | 'readContactsWithConsent' | 'getContact' | 'getContactWithConsent'
>;

/**
 * Reads contacts as Dynamics shows them now: many in one request, and each that is missing there
 * once more by itself. A filtered read leaves out what the user may not see, so absence from it
 * proves nothing; only the answer to the single read does.
 *
 * @param optionValues of the consent status in this organisation. Where it is not set up, or does not
 *   tell them, the contacts are read without their consent columns.
 */
export async function readContacts(
  client: ReadsContacts,
  contactIds: readonly string[],
  optionValues: () => Promise<ConsentStatusOptions>,
): Promise<ReadonlyMap<string, ContactRead>> {
  const options = await knownOptions(optionValues);
  const reads = new Map<string, ContactRead>();
  // One contact: the single read says the same in one request, and proves a deletion at once.
  if (contactIds.length > 1) {
    try {
      for (const [id, read] of await readMany(client, contactIds, options)) reads.set(id, read);
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      return new Map(contactIds.map((id) => [id, unreadable(error)]));
    }
  }
  const missing = contactIds.filter((id) => !reads.has(id));
  await Promise.all(
    missing.map(async (id) => {
      reads.set(id, await readOne(client, id, options));
    }),
  );
  return reads;
}

async function knownOptions(
  optionValues: () => Promise<ConsentStatusOptions>,
): Promise<ConsentStatusOptions | undefined> {
  try {
    return await optionValues();
  } catch (error) {
    // Names and emails must not wait for it.
    if (error instanceof DataverseError) return undefined;
    throw error;
  }
}

async function readMany(
  client: ReadsContacts,
  contactIds: readonly string[],
  options: ConsentStatusOptions | undefined,
): Promise<[string, ContactRead][]> {
  if (options === undefined) {
    return [...(await client.readContacts(contactIds))].map(([id, one]) => [id, found(one, null)]);
  }
  try {
    const contacts = await client.readContactsWithConsent(contactIds);
    return [...contacts].map(([id, one]) => [id, foundWithConsent(one, options)]);
  } catch (error) {
    if (!(error instanceof ConsentFieldsMissing)) throw error;
    return readMany(client, contactIds, undefined);
  }
}

async function readOne(
  client: ReadsContacts,
  contactId: string,
  options: ConsentStatusOptions | undefined,
): Promise<ContactRead> {
  try {
    if (options === undefined) {
      const answer = await client.getContact(contactId);
      return answer.found ? found(answer.contact, null) : { kind: 'deleted' };
    }
    const answer = await client.getContactWithConsent(contactId);
    return answer.found ? foundWithConsent(answer.contact, options) : { kind: 'deleted' };
  } catch (error) {
    if (error instanceof ConsentFieldsMissing && options !== undefined) {
      return readOne(client, contactId, undefined);
    }
    if (!(error instanceof DataverseError)) throw error;
    return unreadable(error);
  }
}

const foundWithConsent = (
  contact: ContactWithConsent,
  options: ConsentStatusOptions,
): ContactRead => found(contact, shownConsentFields(contact.consentFields, options));

const found = (contact: DataverseContact, consent: ShownConsentFields | null): ContactRead => ({
  kind: 'found',
  version: contact.version,
  profile: {
    firstName: contact.firstName,
    lastName: contact.lastName,
    email: contact.email,
    phone: contact.phone,
  },
  mergedInto: contact.masterId,
  consent,
});
