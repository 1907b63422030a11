import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConsentFields } from '../../shared/consent/consent-fields.ts';
import { readContacts } from '../../shared/contacts/read-contacts.ts';
import { createCache } from '../../shared/cache/redis.ts';
import { pauseKeys } from '../../shared/dataverse/cache-keys.ts';
import { createDataverseClient, type DataverseClient } from '../../shared/dataverse/client.ts';
import { consentColumns } from '../../shared/dataverse/consent-columns.ts';
import { createPause } from '../../shared/dataverse/pause.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import { connect } from '../../shared/lambda/connect.ts';
import { recordLog, recordMetrics } from '../support/observability.ts';
import { startUpstashSimulator, type UpstashSimulator } from '../simulators/upstash/index.ts';
import { application } from './simulators/dataverse-fixture.ts';
import { startSyncConsent, type SyncConsentFixture } from './sync-consent/fixture.ts';

const REST_TOKEN = 'rest-token';
/** For a busy machine; nothing here waits for it. */
const PATIENT_MS = 60_000;

let fixture: SyncConsentFixture;
let redis: UpstashSimulator;
let clock: { nowMs: number };

beforeAll(async () => {
  fixture = await startSyncConsent();
});
afterAll(() => fixture?.close());
beforeEach(async () => {
  clock = { nowMs: Date.now() };
  redis = await startUpstashSimulator({ token: REST_TOKEN, now: () => clock.nowMs });
  await fixture.dynamics.control('DELETE', '/faults');
  await fixture.dynamics.control('DELETE', '/requests');
  return () => redis.close();
});

/** The client of one container, on the clock of the test. */
function container() {
  const now = () => clock.nowMs;
  const connection = {
    orgUrl: fixture.dynamics.dataverse.url,
    authorityUrl: fixture.dynamics.entra.url,
    ...application,
  };
  const cache = createCache({ url: redis.url, token: REST_TOKEN, timeoutMs: PATIENT_MS, now });
  const pause = createPause({ key: pauseKeys(connection).dataverse, cache, now });
  return createDataverseClient({
    connection,
    tokens: createTokenSource({ connection, cache, fetch, now, pause }),
    fetch,
    timeoutMs: PATIENT_MS,
    parallelRequests: 4,
    now,
    pause,
  });
}

/** Makes a use case ask this client and no other. */
const asking = (client: DataverseClient) => ({
  dataverse: client,
  readContacts: (ids: readonly string[]) =>
    readContacts(client, ids, () => client.getConsentStatusOptions()),
  connectedOrganizationId: async () => (await client.whoAmI()).organizationId,
  consentColumns: async (fields: ConsentFields, lastSync: Date) =>
    consentColumns(fields, await client.getConsentStatusOptions(), lastSync),
});

const throttle = (retryAfterSeconds: number) =>
  fixture.dynamics.control('PUT', '/faults', { mode: 'throttled', retryAfterSeconds });

async function requests(): Promise<number> {
  const counts = await (await fixture.dynamics.control('GET', '/requests')).json();
  return (counts as { total: number }).total;
}

/** A contact and its patient with a consent that Dynamics does not show yet. */
async function undelivered(n: number) {
  const { contactId, patientId } = await fixture.linked(n);
  const consentId = await fixture.decide(patientId, 'email', 'granted');
  return { contactId, event: fixture.consentEvent(patientId, consentId) };
}

const seconds = async (column: 'read_due_at' | 'write_due_at', contactId: string) => {
  const [row] = await fixture.sql<{ seconds: number }>(
    `select extract(epoch from ${column} - now())::float as seconds from dynamics_contacts
     where contact_id = $1`,
    [contactId],
  );
  return row?.seconds;
};

describe('Retry-After: 20', () => {
  test('stops all requests of all functions, and then everything arrives', {
    tags: ['fault-15'],
  }, async () => {
    const one = await undelivered(1);
    const two = await undelivered(2);
    const [consents, contacts] = [container(), container()];
    const write = (event: object) => fixture.syncConsent([event], { overrides: asking(consents) });
    const read = (contactId: string) =>
      fixture.sync([fixture.event(contactId)], { overrides: asking(contacts) });
    await fixture.dynamics.control('DELETE', '/requests');

    await throttle(20);
    expect(await write(one.event)).toEqual([{ kind: 'done' }]);
    expect(await requests()).toBe(1);
    await fixture.dynamics.control('DELETE', '/faults');
    await fixture.dynamics.control('DELETE', '/requests');
    clock.nowMs += 10_000;
    expect(await write(two.event)).toEqual([{ kind: 'done' }]);
    expect(await read(two.contactId)).toEqual([{ kind: 'done' }]);
    await expect(container().whoAmI()).rejects.toMatchObject({ name: 'ConnectionPaused' });
    expect(await requests()).toBe(0);
    // Handed to the clock of the row, which rings when the pause is over.
    expect(await seconds('write_due_at', one.contactId)).toBeGreaterThan(15);
    expect(await seconds('write_due_at', two.contactId)).toBeGreaterThan(5);
    expect(await seconds('read_due_at', two.contactId)).toBeGreaterThan(0);

    clock.nowMs += 10_001;
    for (const { contactId, event } of [one, two]) {
      expect(await write(event)).toEqual([{ kind: 'done' }]);
      expect(await fixture.shown(contactId)).toMatchObject({ email: true });
      expect(await read(contactId)).toEqual([{ kind: 'done' }]);
      expect(await seconds('read_due_at', contactId)).toBeNull();
    }
  });

  test.each(['hang', 'refuse', 'error', 'garbage'] as const)(
    'stops the container that was told while Redis answers with %s',
    async (fault) => {
      redis.setFault(fault);
      const cache = createCache({ url: redis.url, token: REST_TOKEN, timeoutMs: 50 });
      const pause = createPause({ key: 'dynamics-pause:test', cache });
      await pause.check();
      await pause.begin('throttled', 20);
      await expect(pause.check()).rejects.toMatchObject({ name: 'ConnectionPaused' });
    },
  );
});

describe('a token that is revoked', () => {
  test('in the middle of a batch costs one token and no event', {
    tags: ['fault-16'],
  }, async () => {
    const all = [await undelivered(3), await undelivered(4), await undelivered(5)];
    const dataverse = container();
    await dataverse.whoAmI();
    const before = fixture.dynamics.entra.tokensIssued;
    fixture.dynamics.entra.revokeAll();
    const settled = await fixture.syncConsent(
      all.map(({ event }) => event),
      { overrides: asking(dataverse) },
    );
    expect(settled).toEqual(all.map(() => ({ kind: 'done' })));
    expect(fixture.dynamics.entra.tokensIssued - before).toBe(1);
    for (const { contactId } of all) {
      const contact = await dataverse.getContactWithConsent(contactId);
      expect(contact).toMatchObject({ contact: { consentFields: { marketingEmail: true } } });
    }
  });
});

describe('a connection whose application user is disabled', () => {
  test('buys one token more, is left alone for longer each time, and resumes by itself', {
    tags: ['fault-36'],
  }, async () => {
    const [one, two] = [container(), container()];
    await one.whoAmI();
    const before = fixture.dynamics.entra.tokensIssued;
    await fixture.dynamics.control('PUT', '/faults', { mode: 'unauthorized' });
    await expect(one.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    await fixture.dynamics.control('DELETE', '/requests');
    for (const client of [one, two, container()]) {
      await expect(client.whoAmI()).rejects.toMatchObject({
        name: 'ConnectionPaused',
        reason: 'credentials-refused',
      });
    }
    expect(await requests()).toBe(0);
    for (const [pausedSeconds, client] of [
      [5, two],
      [20, container()],
      [60, one],
    ] as const) {
      clock.nowMs += pausedSeconds * 1000 + 1;
      await expect(client.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    }
    expect(fixture.dynamics.entra.tokensIssued - before).toBe(1);

    await fixture.dynamics.control('DELETE', '/faults');
    clock.nowMs += 60_001;
    await expect(one.whoAmI()).resolves.toBeDefined();
    await expect(two.whoAmI()).resolves.toBeDefined();
    expect(fixture.dynamics.entra.tokensIssued - before).toBe(1);
  });
});

describe('a connection whose application user was removed', () => {
  test('buys no token, loses no event, and resumes by itself when it is back', {
    tags: ['fault-36'],
  }, async () => {
    const { contactId, event } = await undelivered(6);
    const [consents, contacts] = [container(), container()];
    await consents.whoAmI();
    const before = fixture.dynamics.entra.tokensIssued;
    await fixture.dynamics.control('PUT', '/faults', { mode: 'not-a-member' });
    expect(await fixture.syncConsent([event], { overrides: asking(consents) })).toEqual([
      { kind: 'retry', afterSeconds: 1, cause: 'message' },
    ]);
    await fixture.dynamics.control('DELETE', '/requests');
    await expect(contacts.whoAmI()).rejects.toMatchObject({
      name: 'ConnectionPaused',
      reason: 'credentials-refused',
    });
    expect(await requests()).toBe(0);

    await fixture.dynamics.control('DELETE', '/faults');
    clock.nowMs += 5_001;
    expect(await fixture.syncConsent([event], { overrides: asking(consents) })).toEqual([
      { kind: 'done' },
    ]);
    expect(fixture.dynamics.entra.tokensIssued - before).toBe(0);
    expect(await fixture.shown(contactId)).toMatchObject({ email: true });
  });
});

describe('the adapters of two functions', () => {
  test('tell each other of a pause, and log it', async () => {
    const running = await startUpstashSimulator({ token: REST_TOKEN });
    const { log, lines } = recordLog();
    const { metrics, recorded } = recordMetrics();
    const start = () =>
      connect(
        {
          DATABASE_URL_SECRET_ARN: 'unused',
          DYNAMICS_ORG_URL: fixture.dynamics.dataverse.url,
          DYNAMICS_AUTHORITY_URL: fixture.dynamics.entra.url,
          DYNAMICS_TENANT_ID: application.tenantId,
          DYNAMICS_CLIENT_ID: application.clientId,
          DYNAMICS_CLIENT_SECRET_ARN: 'unused',
          UPSTASH_REDIS_REST_URL: running.url,
          UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: 'unused',
          DATAVERSE_PARALLEL_REQUESTS: 2,
          LOCAL_STACK: 'true',
        },
        {
          databaseUrl: 'postgresql://user:password@127.0.0.1/unused',
          clientSecret: application.clientSecret,
          redisToken: REST_TOKEN,
        },
        { log, metrics },
      );
    try {
      const [one, two] = [start(), start()];
      await throttle(60);
      await expect(one.dataverse.whoAmI()).rejects.toMatchObject({ reason: 'throttled' });
      await expect(two.dataverse.whoAmI()).rejects.toMatchObject({ name: 'ConnectionPaused' });
      expect(lines.map(({ code }) => code)).toEqual(['TK-001', 'PA-001']);
      expect(recorded).toEqual([
        'TokensRequested',
        'DataverseRequests{outcome=throttled}',
        'Pauses{reason=throttled} 60',
      ]);
    } finally {
      await running.close();
    }
  });
});
