import type { DataverseClient } from '../dataverse/client.ts';
import { DataverseError, DataverseUnavailable } from '../dataverse/errors.ts';
import type { ContactRead } from './decide-contact.ts';

/** A contact that cannot be read now, and what kept us from it. */
export const unreadable = (error: DataverseError): ContactRead => ({
  kind: 'unreadable',
  reason: error.name,
  retryAfterSeconds: error instanceof DataverseUnavailable ? error.retryAfterSeconds : undefined,
});

/**
 * Reads contacts as Dynamics shows them now: many in one request, and each that is missing there
 * once more by itself. A filtered read leaves out what the user may not see, so absence from it
 * proves nothing; only the answer to the single read does.
 */
export async function readContacts(
  client: Pick<DataverseClient, 'readContacts' | 'getContact'>,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, ContactRead>> {
  const reads = new Map<string, ContactRead>();
  // One contact: the single read says the same in one request, and proves a deletion at once.
  if (contactIds.length > 1) {
    try {
      for (const [id, contact] of await client.readContacts(contactIds)) {
        reads.set(id, { kind: 'found', version: contact.version, profile: profileOf(contact) });
      }
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      return new Map(contactIds.map((id) => [id, unreadable(error)]));
    }
  }
  const missing = contactIds.filter((id) => !reads.has(id));
  await Promise.all(
    missing.map(async (id) => {
      reads.set(id, await readOne(client, id));
    }),
  );
  return reads;
}

async function readOne(
  client: Pick<DataverseClient, 'getContact'>,
  contactId: string,
): Promise<ContactRead> {
  try {
    const answer = await client.getContact(contactId);
    return answer.found
      ? { kind: 'found', version: answer.contact.version, profile: profileOf(answer.contact) }
      : { kind: 'deleted' };
  } catch (error) {
    if (!(error instanceof DataverseError)) throw error;
    return unreadable(error);
  }
}

const profileOf = (contact: {
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phone: string | null;
}) => ({
  firstName: contact.firstName,
  lastName: contact.lastName,
  email: contact.email,
  phone: contact.phone,
});
