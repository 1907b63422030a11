import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import * as z from 'zod';
import type { ConsentFields } from '../../shared/consent/consent-fields.ts';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import { consentColumns, showsConsentFields } from '../../shared/dataverse/consent-columns.ts';
import { createDataverseClient, type DataverseClient } from '../../shared/dataverse/client.ts';
import { discoverTenantId } from '../../shared/dataverse/tenant.ts';
import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import { type DataverseSimulator, startDataverseSimulator } from '../simulators/dataverse/index.ts';
import { type EntraSimulator, startEntraSimulator } from '../simulators/entra/index.ts';
import { fakeCache } from '../unit/dataverse/fakes.ts';

const CREDENTIALS = {
  tenantId: '6d1e9d4e-0a5b-4a5e-9c43-5c1f3f0b7a10',
  clientId: 'b7f6f3c6-55a5-4d8e-8b39-8f1f1d0d9c01',
  clientSecret: 'secret/of+the application=&',
};
const UNKNOWN_ID = '00000000-0000-4000-8000-000000000001';
const contactReference = z.object({ contactid: z.string() });
const contactReferences = z.object({ contacts: z.array(contactReference) });

const TIMEOUT_MS = 5000;
/** For the tests that wait for it. */
const SHORT_TIMEOUT_MS = 100;

let entra: EntraSimulator;
let dataverse: DataverseSimulator;
let client: DataverseClient;

beforeAll(async () => {
  entra = await startEntraSimulator(CREDENTIALS);
  dataverse = await startDataverseSimulator({ entra, organizationName: 'Contoso' });
});
afterAll(async () => {
  await dataverse?.close();
  await entra?.close();
});
beforeEach(() => {
  client = connect();
});
afterEach(async () => {
  entra.clearFault();
  await control('DELETE', 'faults');
});

function connectionOf(changes: Partial<DynamicsConnection> = {}): DynamicsConnection {
  return { orgUrl: dataverse.url, authorityUrl: entra.url, ...CREDENTIALS, ...changes };
}

function connect(timeoutMs = TIMEOUT_MS, connection = connectionOf()): DataverseClient {
  const tokens = createTokenSource({ connection, cache: fakeCache(), fetch, timeoutMs });
  return createDataverseClient({ connection, tokens, fetch, timeoutMs, parallelRequests: 4 });
}

/** Acts as a user of Dynamics, or switches the simulator. */
async function control(
  method: string,
  path: string,
  body?: unknown,
  organization = dataverse,
): Promise<unknown> {
  const response = await fetch(`${organization.controlUrl}/${path}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function createContact(
  columns: Record<string, unknown>,
  organization = dataverse,
): Promise<string> {
  const created = await control('POST', 'contacts', columns, organization);
  return contactReference.parse(created).contactid;
}

async function readContact(id: string) {
  const result = await client.getContact(id);
  if (!result.found) throw new Error('the contact is missing');
  return result.contact;
}

describe('a Dataverse organisation', () => {
  test('names its tenant to whoever asks', async () => {
    await expect(discoverTenantId(connectionOf(), { fetch, timeoutMs: TIMEOUT_MS })).resolves.toBe(
      CREDENTIALS.tenantId,
    );
    const { tenantId: _, ...withoutTenant } = connectionOf();
    const { organizationId } = await connect(TIMEOUT_MS, withoutTenant).whoAmI();
    expect(organizationId).toBe(dataverse.organizationId);
  });

  test('says who it is', async () => {
    await expect(client.getOrganizationName(dataverse.organizationId)).resolves.toBe('Contoso');
  });

  test('refuses wrong credentials with a code for a hint', async () => {
    const wrong = connect(TIMEOUT_MS, connectionOf({ clientSecret: 'wrong' }));
    await expect(wrong.whoAmI()).rejects.toMatchObject({
      name: 'TokenRefused',
      errorCodes: [7000215],
    });
  });
});

describe('a contact', () => {
  test('is read as it stands, with a version that grows', async () => {
    const id = await createContact({ firstname: 'Ada', lastname: "O'Hara", telephone1: '1' });
    const created = await readContact(id);
    expect(created).toMatchObject({
      contactId: id,
      firstName: 'Ada',
      lastName: "O'Hara",
      email: null,
      phone: '1',
      stateCode: 0,
    });
    await control('PATCH', `contacts/${id}`, { emailaddress1: 'ada@example.org' });
    const changed = await readContact(id);
    expect(changed.email).toBe('ada@example.org');
    expect(BigInt(changed.version)).toBeGreaterThan(BigInt(created.version));
  });

  test('is missing after it was deleted, and was never there before', async () => {
    const id = await createContact({ lastname: 'Deleted' });
    await control('DELETE', `contacts/${id}`);
    await expect(client.getContact(id)).resolves.toEqual({ found: false });
    await expect(client.getContact(UNKNOWN_ID)).resolves.toEqual({ found: false });
  });

  test('is read together with others in one request', async () => {
    const ids = await Promise.all(['A', 'B', 'C'].map((lastname) => createContact({ lastname })));
    await control('DELETE', 'requests');
    const contacts = await client.readContacts([...ids, UNKNOWN_ID]);
    expect([...contacts.keys()].toSorted()).toEqual(ids.toSorted());
    expect(await control('GET', 'requests')).toMatchObject({ total: 1 });
  });

  test('is listed page by page, each exactly once', async () => {
    await Promise.all(['D', 'E', 'F'].map((lastname) => createContact({ lastname })));
    const listed: string[] = [];
    let page = await client.listContacts({ pageSize: 2 });
    for (;;) {
      expect(page.contacts.length).toBeLessThanOrEqual(2);
      listed.push(...page.contacts.map((contact) => contact.contactId));
      if (page.nextLink === undefined) break;
      page = await client.listContacts({ pageSize: 2, nextLink: page.nextLink });
    }
    const { contacts } = contactReferences.parse(await control('GET', 'contacts'));
    expect(listed.toSorted()).toEqual(contacts.map(({ contactid }) => contactid).toSorted());
  });

  test('is changed only where it is, and only as it was read', async () => {
    const id = await createContact({ lastname: 'Before' });
    const { etag } = await readContact(id);
    await expect(
      client.updateContact(id, { lastname: 'After' }, { ifMatch: etag, tag: 'consenthub' }),
    ).resolves.toEqual({ outcome: 'updated' });
    await expect(
      client.updateContact(id, { lastname: 'Late' }, { ifMatch: etag }),
    ).resolves.toEqual({ outcome: 'conflict' });
    expect((await readContact(id)).lastName).toBe('After');
    await expect(
      client.updateContact(id, { lastname: 'Always' }, { ifMatch: '*' }),
    ).resolves.toEqual({ outcome: 'updated' });

    await control('DELETE', `contacts/${id}`);
    await expect(client.updateContact(id, { lastname: 'Back' }, { ifMatch: '*' })).resolves.toEqual(
      { outcome: 'missing' },
    );
    await expect(client.getContact(id)).resolves.toEqual({ found: false });
  });

  test('is not changed to what Dataverse refuses', async () => {
    const id = await createContact({ lastname: 'Same' });
    await expect(
      client.updateContact(id, { lastname: 'x'.repeat(51) }, { ifMatch: '*' }),
    ).rejects.toMatchObject({ name: 'DataverseRejected', status: 400 });
  });
});

describe('the consent fields of a contact', () => {
  const FIELDS: ConsentFields = {
    marketingEmail: true,
    marketingSms: false,
    marketingPhone: false,
    marketingMail: true,
    consentDate: '2026-11-22T10:00:00Z',
    consentExpires: '2027-11-22T10:00:00Z',
    consentStatus: 'Partial',
  };

  test.each([10_123, 99_999])('are written with the values of tenant %i', async (prefix) => {
    const tenant = await startDataverseSimulator({ entra, optionValuePrefix: prefix });
    try {
      const connected = connect(TIMEOUT_MS, connectionOf({ orgUrl: tenant.url }));
      const optionValues = await connected.getConsentStatusOptions();
      expect(optionValues.Partial).toBe(prefix * 10_000 + 1);

      const id = await createContact({ lastname: 'Consent' }, tenant);
      const before = await connected.getContactWithConsent(id);
      expect(before).toMatchObject({
        contact: { contactId: id, lastName: 'Consent', consentFields: { consentStatus: null } },
      });
      const columns = consentColumns(FIELDS, optionValues, new Date());
      await connected.updateContact(id, columns, { ifMatch: '*', tag: 'consenthub' });
      const after = await connected.getContactWithConsent(id);
      expect(
        after.found && showsConsentFields(after.contact.consentFields, FIELDS, optionValues),
      ).toBe(true);
    } finally {
      await tenant.close();
    }
  });

  test('are missing from an organisation that was not set up, where all else works', async () => {
    const bare = await startDataverseSimulator({ entra, optionValuePrefix: null });
    try {
      const connected = connect(TIMEOUT_MS, connectionOf({ orgUrl: bare.url }));
      const id = await createContact({ lastname: 'Bare' }, bare);
      for (const asked of [
        connected.getConsentStatusOptions(),
        connected.getContactWithConsent(id),
      ]) {
        await expect(asked).rejects.toMatchObject({ name: 'ConsentFieldsMissing' });
      }
      const names = Object.values(CONTACT_FIELDS).map(({ logicalName }) => logicalName);
      expect(await connected.getMissingColumns()).toEqual(names);
      expect(await client.getMissingColumns()).toEqual([]);
      await expect(connected.getContact(id)).resolves.toMatchObject({ found: true });
      expect((await connected.readContacts([id])).size).toBe(1);
    } finally {
      await bare.close();
    }
  });

  test('of a contact that does not exist are proof of that', async () => {
    await expect(client.getContactWithConsent(UNKNOWN_ID)).resolves.toEqual({ found: false });
  });
});

describe('when something fails', () => {
  test('a revoked token is replaced by one new one, whatever was under way', {
    tags: ['fault-16'],
  }, async () => {
    await client.whoAmI();
    const before = entra.tokensIssued;
    entra.revokeAll();
    await Promise.all([client.whoAmI(), client.whoAmI(), client.whoAmI()]);
    expect(entra.tokensIssued - before).toBe(1);
  });

  test('a user whose every token is refused is unauthorised', async () => {
    await control('PUT', 'faults', { mode: 'unauthorized' });
    await expect(client.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
  });

  test('Entra ID that is down leaves nothing in doubt', async () => {
    entra.setFault({ mode: 'unavailable', retryAfterSeconds: 9 });
    await expect(client.updateContact(UNKNOWN_ID, {}, { ifMatch: '*' })).rejects.toMatchObject({
      name: 'TokenUnavailable',
      outcomeUnknown: false,
      retryAfterSeconds: 9,
    });
  });

  test.each([
    ['throttled', { name: 'DataverseUnavailable', retryAfterSeconds: 12, outcomeUnknown: false }],
    ['unavailable', { name: 'DataverseUnavailable', retryAfterSeconds: 12, outcomeUnknown: true }],
    ['forbidden', { name: 'DataverseForbidden', code: '0x80040220' }],
    ['reset', { name: 'DataverseUnavailable', reason: 'network', outcomeUnknown: true }],
    ['html', { name: 'DataverseUnavailable', outcomeUnknown: true }],
    ['hang', { name: 'DataverseUnavailable', reason: 'timeout', outcomeUnknown: true }],
  ])(
    'a write against an organisation that is %s says what it knows',
    { tags: ['fault-17'] },
    async (mode, expected) => {
      const id = await createContact({ lastname: 'Fault' });
      const impatient = connect(mode === 'hang' ? SHORT_TIMEOUT_MS : TIMEOUT_MS);
      await control('PUT', 'faults', { mode, retryAfterSeconds: 12, paths: ['contacts'] });
      await expect(
        impatient.updateContact(id, { lastname: 'Written' }, { ifMatch: '*' }),
      ).rejects.toMatchObject(expected);
    },
  );

  test.each(['reset', 'html', 'half', 'hang', 'unavailable'])(
    'a read against an organisation that is %s proves nothing',
    { tags: ['fault-17'] },
    async (mode) => {
      const id = await createContact({ lastname: 'Fault' });
      const impatient = connect(mode === 'hang' ? SHORT_TIMEOUT_MS : TIMEOUT_MS);
      await control('PUT', 'faults', { mode, paths: ['contacts'] });
      for (const read of [() => impatient.getContact(id), () => impatient.readContacts([id])]) {
        await expect(read()).rejects.toMatchObject({
          name: 'DataverseUnavailable',
          outcomeUnknown: false,
        });
      }
    },
  );

  test('an organisation that is not there was not written to', async () => {
    const gone = await startDataverseSimulator({ entra });
    const away = connect(TIMEOUT_MS, connectionOf({ orgUrl: gone.url }));
    await gone.close();
    await expect(away.updateContact(UNKNOWN_ID, {}, { ifMatch: '*' })).rejects.toMatchObject({
      name: 'DataverseUnavailable',
      reason: 'network',
      outcomeUnknown: false,
    });
  });
});
