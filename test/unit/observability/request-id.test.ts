import { describe, expect, test } from 'vitest';
import { createSyncContact } from '../../../functions/sync-contact/sync-contact.ts';
import { type ContactWrite, rowKey } from '../../../shared/contacts/contact-store.ts';
import { readContacts } from '../../../shared/contacts/read-contacts.ts';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { currentRequestId, withRequestId } from '../../../shared/observability/request-id.ts';
import { CONTACT_EVENT_VERSION, type ContactEvent } from '../../../shared/queue/contact-event.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';
import { connectionOf, json, scriptedFetch } from '../dataverse/fakes.ts';

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const DATAVERSE_ORGANIZATION = id(1);

const contactEvent = (n: number): ContactEvent => ({
  version: CONTACT_EVENT_VERSION,
  eventId: `event ${n}`,
  type: 'contact.updated',
  dataverseOrganizationId: DATAVERSE_ORGANIZATION,
  contactId: id(100 + n),
  receivedAt: '2026-11-22T10:00:00.000Z',
  correlationId: id(200 + n),
});

/** `sync-contact` before a Dataverse that refuses every read, which is all that a test here looks at. */
async function sync(events: readonly ContactEvent[]) {
  const { fetch, requests } = scriptedFetch(() => json(403, { error: { code: '0', message: '' } }));
  const client = createDataverseClient({
    connection: connectionOf(),
    tokens: {
      get: async () => ({ value: 'token', issuedAtMs: 0, expiresAtMs: Infinity }),
      drop: async () => false,
    },
    fetch,
    timeoutMs: 1_000,
    parallelRequests: 4,
    correlationId: currentRequestId,
  });
  const { log, lines } = recordLog();
  const written: ContactWrite[] = [];
  const handle = createSyncContact({
    store: {
      read: async (keys) =>
        keys.map((key) => ({ ...key, organizationId: id(2), stored: undefined })),
      findPatientsToLink: async () => [],
      apply: async (writes) => {
        written.push(...writes);
        return new Map(writes.map((write) => [rowKey(write), '1']));
      },
    },
    readContacts: (ids) => readContacts(client, ids, () => client.getConsentStatusOptions()),
    connectedOrganizationId: async () => DATAVERSE_ORGANIZATION,
    newId: () => id(9),
    now: () => new Date('2026-11-22T10:00:01.000Z'),
    log,
    metrics: recordMetrics().metrics,
  });
  const batch = events.map((event, index) => ({
    id: String(index),
    body: JSON.stringify(event),
    receiveCount: 3,
  }));
  await handle(batch, () => 60_000);
  return {
    sent: new Set(requests.map(({ headers }) => headers.get('x-ms-client-request-id'))),
    settled: lines.filter(({ code }) => code === 'CO-001'),
    audited: written.flatMap(({ audit }) =>
      audit.map(({ new_values: values }): unknown => JSON.parse(values)),
    ),
  };
}

describe('a webhook', () => {
  test('has one id in the request to Dataverse, the log and the audit trail', async () => {
    const event = contactEvent(1);
    const { correlationId } = event;
    const { sent, settled, audited } = await sync([event]);
    expect(sent).toEqual(new Set([correlationId]));
    expect(settled).toMatchObject([{ correlationId, dataverseRequestId: correlationId }]);
    expect(audited).toMatchObject([{ correlationId }]);
  });

  test('that was read together with others names the request by the id of the first', async () => {
    const [first, second] = [contactEvent(1), contactEvent(2)];
    const { sent, settled } = await sync([first, second]);
    expect(sent).toEqual(new Set([first.correlationId]));
    expect(settled).toMatchObject([
      { correlationId: first.correlationId, dataverseRequestId: first.correlationId },
      { correlationId: second.correlationId, dataverseRequestId: first.correlationId },
    ]);
  });
});

test('work at the same time has ids of its own, and outside of it there is none', async () => {
  const turns = [id(1), id(2)].map((one) =>
    withRequestId(one, async () => {
      await Promise.resolve();
      return currentRequestId();
    }),
  );
  expect(await Promise.all(turns)).toEqual([id(1), id(2)]);
  expect(currentRequestId()).toBeUndefined();
});
