import { expect, test } from 'vitest';
import { type ReadsContacts, readContacts } from '../../../shared/contacts/read-contacts.ts';
import type { ContactWithConsent } from '../../../shared/dataverse/consent-columns.ts';
import { ConsentFieldsMissing, DataverseUnavailable } from '../../../shared/dataverse/errors.ts';

const OPTIONS = { Active: 1, Partial: 2, Expired: 3, None: 4 };
const contact = (contactId: string): ContactWithConsent => ({
  contactId,
  version: '7',
  etag: 'W/"7"',
  firstName: 'Ada',
  lastName: 'Fictitious',
  email: null,
  phone: null,
  stateCode: 0,
  masterId: null,
  consentFields: {
    marketingEmail: true,
    marketingSms: null,
    marketingPhone: false,
    marketingMail: false,
    consentDate: '2026-11-22T10:00:00Z',
    consentExpires: null,
    consentStatus: 2,
  },
});
const client: ReadsContacts = {
  getContact: async (id) => ({ found: true, contact: contact(id) }),
  getContactWithConsent: async (id) => ({ found: true, contact: contact(id) }),
  readContacts: async (ids) => new Map(ids.map((id) => [id, contact(id)])),
  readContactsWithConsent: async (ids) => new Map(ids.map((id) => [id, contact(id)])),
};
const refusing: ReadsContacts = {
  ...client,
  getContactWithConsent: () => Promise.reject(new ConsentFieldsMissing({})),
  readContactsWithConsent: () => Promise.reject(new ConsentFieldsMissing({})),
};
const optionValues = async () => OPTIONS;
const plain = {
  kind: 'found',
  version: '7',
  profile: { firstName: 'Ada', lastName: 'Fictitious', email: null, phone: null },
  mergedInto: null,
  consent: null,
};

test.for([[['a']], [['a', 'b']]])(
  '%j: the consent columns are told in our terms',
  async ([ids]) => {
    const reads = await readContacts(client, ids ?? [], optionValues);
    expect([...reads.values()]).toEqual(
      (ids ?? []).map(() => ({
        ...plain,
        consent: { ...contact('').consentFields, consentStatus: 'Partial' },
      })),
    );
  },
);

test('an option that is none of ours is no status', async () => {
  const reads = await readContacts(client, ['a'], async () => ({ ...OPTIONS, Partial: 9 }));
  expect(reads.get('a')).toMatchObject({ consent: { consentStatus: null } });
});

test.for([
  ['has no consent columns', refusing, optionValues],
  ['lacks the status', client, () => Promise.reject(new ConsentFieldsMissing({}))],
  [
    'does not tell its options now',
    client,
    () => Promise.reject(new DataverseUnavailable({ reason: 'timeout', outcomeUnknown: false })),
  ],
] as const)('where the organisation %s, contacts are read all the same', async ([, asked, of]) => {
  for (const ids of [['a'], ['a', 'b']]) {
    expect([...(await readContacts(asked, ids, of)).values()]).toEqual(ids.map(() => plain));
  }
});
