import { describe, expect, test } from 'vitest';
import {
  createReceiveWebhook,
  MAX_BODY_BYTES,
} from '../../../functions/receive-webhook/receive-webhook.ts';
import type { ContactEvent } from '../../../shared/queue/contact-event.ts';
import { CONTACT_ID, executionContext, signatureOf } from '../../support/execution-context.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';

const SECRET = 'current-secret';
const NOW = new Date('2026-11-22T10:00:00.000Z');

function setUp(
  overrides: {
    read?: string[];
    refresh?: string[] | Error;
    uncertain?: boolean;
    down?: boolean;
    authentication?: 'header';
  } = {},
) {
  const queued: ContactEvent[] = [];
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  let refreshes = 0;
  const receive = createReceiveWebhook({
    authentication: overrides.authentication ?? 'signature',
    secrets: {
      read: async () => overrides.read ?? [SECRET],
      refresh: async () => {
        refreshes += 1;
        const refreshed = overrides.refresh ?? overrides.read ?? [SECRET];
        if (refreshed instanceof Error) throw refreshed;
        return { valid: refreshed, certain: overrides.uncertain !== true };
      },
    },
    enqueue: async (event) => {
      if (overrides.down) throw new Error('down');
      queued.push(event);
    },
    now: () => NOW,
    log,
    metrics,
  });
  const post = (body: string | Buffer, headers?: Record<string, string>) => {
    const rawBody = Buffer.from(body);
    return receive({
      rawBody,
      headers: headers ?? { 'x-dynamics-signature': signatureOf(rawBody, SECRET) },
    });
  };
  return { post, queued, lines, recorded, refreshes: () => refreshes };
}

const created = JSON.stringify(executionContext());

describe('receive-webhook', () => {
  test('puts the ids of a signed event on the queue, and then says so', async () => {
    const { post, queued, recorded } = setUp();
    const response = await post(created);
    expect(queued).toHaveLength(1);
    expect(queued[0]).toMatchObject({ type: 'contact.created', contactId: CONTACT_ID });
    expect(response).toEqual({
      statusCode: 200,
      body: { status: 'accepted', eventId: queued[0]?.eventId },
    });
    expect(recorded).toEqual(['WebhooksAccepted']);
  });

  test('takes the timestamp into the signature when it is sent', async () => {
    const { post, queued } = setUp();
    const timestamp = String(NOW.getTime() / 1000);
    const headers = {
      'x-dynamics-signature': signatureOf(created, SECRET, timestamp),
      'x-dynamics-timestamp': timestamp,
    };
    expect((await post(created, headers)).statusCode).toBe(200);
    expect(queued).toHaveLength(1);
  });

  test.each([
    ['without a signature', {}],
    ['with a malformed one', { 'x-dynamics-signature': 'abc' }],
    ['with two of them', { 'x-dynamics-signature': `${signatureOf(created, SECRET)},00` }],
    ['with that of another secret', { 'x-dynamics-signature': signatureOf(created, 'other') }],
    [
      'with an old timestamp',
      {
        'x-dynamics-signature': signatureOf(created, SECRET, '1000000000'),
        'x-dynamics-timestamp': '1000000000',
      },
    ],
  ])('refuses a request %s, and gives no hint', async (_, headers) => {
    const { post, queued } = setUp();
    expect(await post(created, headers as Record<string, string>)).toEqual({
      statusCode: 401,
      body: { error: 'unauthorized' },
    });
    expect(queued).toEqual([]);
  });

  test('refuses a body of which one byte was changed', async () => {
    const { post, queued } = setUp();
    const headers = { 'x-dynamics-signature': signatureOf(created, SECRET) };
    expect((await post(created.replace('Create', 'create'), headers)).statusCode).toBe(401);
    expect(queued).toEqual([]);
  });

  test('takes a body of exactly the limit and refuses one byte more', async () => {
    const { post, recorded } = setUp();
    const fill = (bytes: number) => created + ' '.repeat(bytes - Buffer.byteLength(created));
    expect((await post(fill(MAX_BODY_BYTES))).statusCode).toBe(200);
    expect((await post(fill(MAX_BODY_BYTES + 1))).statusCode).toBe(413);
    expect(recorded).toEqual(['WebhooksAccepted', 'WebhooksRejected{reason=too_large}']);
  });

  test('says what is wrong with a signed body that it cannot read, without repeating it', async () => {
    const { post, queued, lines } = setUp();
    expect(await post('no json, Ada')).toMatchObject({ statusCode: 400 });
    const response = await post(JSON.stringify(executionContext({ OrganizationId: 'Ada' })));
    expect(response).toMatchObject({ statusCode: 400, body: { fields: ['OrganizationId'] } });
    expect(JSON.stringify([response, lines])).not.toContain('Ada');
    expect(queued).toEqual([]);
  });

  test('answers 200 to what does not concern it', async () => {
    const { post, queued, recorded } = setUp();
    const account = JSON.stringify(executionContext({ PrimaryEntityName: 'account' }));
    const own = JSON.stringify(
      executionContext({ SharedVariables: [{ key: 'tag', value: 'consenthub' }] }),
    );
    expect((await post(account)).body).toEqual({ status: 'ignored', reason: 'other_entity' });
    expect((await post(own)).body).toEqual({ status: 'ignored', reason: 'own_write' });
    expect(queued).toEqual([]);
    expect(recorded).toEqual([
      'WebhooksIgnored{reason=other_entity}',
      'WebhooksIgnored{reason=own_write}',
    ]);
  });

  test('asks for the secrets again when none matches: a rotation a moment ago', {
    tags: ['fault-22'],
  }, async () => {
    const { post, refreshes } = setUp({ read: ['older'], refresh: [SECRET, 'older'] });
    expect((await post(created)).statusCode).toBe(200);
    expect(refreshes()).toBe(1);
  });

  test('does not ask again for a signature that is malformed', async () => {
    const { post, refreshes } = setUp();
    await post(created, { 'x-dynamics-signature': 'abc' });
    expect(refreshes()).toBe(0);
  });

  test('answers 503, so that Dataverse sends again, when the queue does not acknowledge', {
    tags: ['fault-7'],
  }, async () => {
    const { post, recorded } = setUp({ down: true });
    expect((await post(created)).statusCode).toBe(503);
    expect(recorded).toEqual(['WebhooksRejected{reason=queue_unavailable}']);
  });

  test('answers 503 to a mismatch while nobody can say whether the secret was rotated', async () => {
    const { post } = setUp({ read: ['older'], uncertain: true });
    expect((await post(created)).statusCode).toBe(503);
  });

  test('ignores another message although it lacks what ours have', async () => {
    const { post, recorded } = setUp();
    const associate = JSON.stringify({ MessageName: 'Associate', PrimaryEntityName: 'none' });
    expect((await post(associate)).body).toEqual({ status: 'ignored', reason: 'other_entity' });
    expect(recorded).toEqual(['WebhooksIgnored{reason=other_entity}']);
  });

  test('answers 503 when the secret cannot be read', async () => {
    const { post } = setUp({ read: ['older'], refresh: new Error('down') });
    expect((await post(created)).statusCode).toBe(503);
  });

  test('logs nothing of the person', async () => {
    const { post, lines } = setUp();
    await post(created);
    expect(JSON.stringify(lines)).not.toMatch(/Ada|Fictitious|example\.test/);
  });
});

describe('receive-webhook that is told to take a static header', () => {
  const header = { authentication: 'header', read: [SECRET, 'previous-secret'] } as const;
  const setUpHeader = () => setUp({ ...header, read: [...header.read] });

  test.each([SECRET, 'previous-secret'])('takes %s without any signature', async (secret) => {
    const { post, queued } = setUpHeader();
    const response = await post(created, { 'x-dynamics-webhook-secret': secret });
    expect(response.statusCode).toBe(200);
    expect(queued).toHaveLength(1);
  });

  test.each([
    ['without the header', {}, 'header_missing'],
    ['with another secret', { 'x-dynamics-webhook-secret': 'another' }, 'header_mismatch'],
    [
      'with a good signature instead',
      { 'x-dynamics-signature': signatureOf(created, SECRET) },
      'header_missing',
    ],
  ])('refuses a request %s', async (_, headers, reason) => {
    const { post, queued, recorded } = setUpHeader();
    expect(await post(created, headers)).toEqual({
      statusCode: 401,
      body: { error: 'unauthorized' },
    });
    expect(queued).toEqual([]);
    expect(recorded).toEqual([`WebhooksRejected{reason=${reason}}`]);
  });

  test('asks for the secrets again when none matches', async () => {
    const { post, refreshes } = setUp({ authentication: 'header', refresh: ['new-secret'] });
    const response = await post(created, { 'x-dynamics-webhook-secret': 'new-secret' });
    expect([response.statusCode, refreshes()]).toEqual([200, 1]);
  });
});

test('receive-webhook that takes signatures does not take the static header', async () => {
  const { post, queued } = setUp();
  const response = await post(created, { 'x-dynamics-webhook-secret': SECRET });
  expect([response.statusCode, queued]).toEqual([401, []]);
});
