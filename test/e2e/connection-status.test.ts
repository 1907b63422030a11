import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ConnectionStatus } from '../../functions/connection-status/decide-status.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

interface Seen {
  readonly httpStatus: number;
  readonly text: string;
  readonly body: ConnectionStatus;
}

async function status(): Promise<Seen> {
  const response = await it.ask('GET', 'status');
  const text = await response.text();
  return { httpStatus: response.status, text, body: JSON.parse(text) as ConnectionStatus };
}

/**
 * Until the answer that a container remembers for some seconds has given way, and no question has missed
 * the deadline because the machine is slow.
 */
const statusThat = (fits: (seen: Seen) => boolean) => it.until(status, fits);

const codes = ({ body }: Seen) => body.problems.map(({ code }) => code);

test('who has not signed in gets 401, who lacks the scope 403, also a patient with a good token', async () => {
  expect((await it.ask('GET', 'status', { token: null })).status).toBe(401);
  expect((await it.ask('GET', 'status', { token: 'nonsense' })).status).toBe(401);
  await it.untilStatusAnswers(403, it.details.patientToken);
});

test('a page of a configured origin may call it, another one may not', async () => {
  const preflight = (origin: string) =>
    fetch(`${it.details.apiUrl}/api/dynamics/status`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      },
    });
  const allowed = await preflight('http://localhost:3000');
  expect(allowed.headers.get('access-control-allow-origin')).toBe('http://localhost:3000');
  expect(allowed.headers.get('access-control-allow-headers')).toContain('authorization');
  const refused = await preflight('https://elsewhere.example');
  expect(refused.headers.get('access-control-allow-origin')).toBeNull();
});

test('shows the organisation, the token, the schema and both directions, and no secret', async () => {
  await it.create({ firstname: 'Ada', lastname: 'Fictitious' });
  await it.until(
    () => it.sql('select 1 from audit_logs where outcome = $1', ['applied']),
    (rows) => rows.length > 0,
  );
  const { httpStatus, text, body } = await statusThat(
    (seen) => seen.body.sync.contacts.lastSuccessAt !== null && codes(seen).length === 0,
  );
  expect(httpStatus).toBe(200);
  expect(body).toMatchObject({
    status: 'connected',
    organization: {
      id: it.details.dataverseOrganizationId,
      name: expect.stringMatching(/./),
      url: it.details.dataverseUrl,
    },
    latencyMs: expect.any(Number),
    schema: { ok: true, missing: [] },
    sync: {
      contacts: { waiting: 0, due: 0, oldestSeconds: null, deadLettered: 0 },
      consents: { waiting: 0, deadLettered: 0 },
    },
    problems: [],
  });
  expect(Date.parse(body.checkedAt)).toBeGreaterThan(0);
  expect(Date.parse(body.token.expiresAt ?? '')).toBeGreaterThan(Date.now());
  for (const secret of [
    it.details.clientSecret,
    it.details.webhookSecret,
    it.details.redisRestToken,
    it.details.databaseUrl,
    it.details.operatorToken,
  ]) {
    expect(text).not.toContain(secret);
  }
});

test('a dead letter is a problem, with what to do about it, also while somebody looks at it', async () => {
  const queue = { QueueUrl: it.details.consentDeadLetterQueueUrl };
  await it.sqs.send(new SendMessageCommand({ ...queue, MessageBody: 'not understood' }));
  const seen = await statusThat((now) => codes(now).join(' ') === 'dead_letters');
  expect(seen.httpStatus).toBe(200);
  expect(seen.body.status).toBe('degraded');
  expect(seen.body.sync.consents.deadLettered).toBe(1);
  await it.sqs.send(new ReceiveMessageCommand({ ...queue, VisibilityTimeout: 600 }));
  const { body } = await statusThat(
    (now) =>
      now.body.checkedAt > seen.body.checkedAt && now.body.sync.consents.deadLettered !== null,
  );
  expect(body.sync.consents.deadLettered).toBe(1);
});

describe('whatever is broken, it answers', () => {
  afterEach(async () => {
    await it.control('DELETE', '/faults');
    await it.entra('DELETE', '/faults');
    await it.breakSystem('redis', 'none');
    await it.breakSystem('neon', 'none');
  });

  test('a Dataverse that hangs: disconnected', async () => {
    await it.control('PUT', '/faults', { mode: 'hang' });
    const seen = await statusThat(
      (now) => codes(now).includes('organization_slow') && now.body.sync.contacts.waiting !== null,
    );
    expect(seen.httpStatus).toBe(503);
    expect(seen.body.status).toBe('disconnected');
    expect(seen.body.sync.contacts.waiting).toBe(0);
  });

  test('a Redis and a Neon that hang: degraded, with the organisation all the same', async () => {
    await it.breakSystem('redis', 'hang');
    await it.breakSystem('neon', 'hang');
    const seen = await statusThat(
      (now) =>
        codes(now).includes('database_unavailable') &&
        now.body.organization.name !== null &&
        now.body.sync.contacts.waiting !== null,
    );
    expect(seen.httpStatus).toBe(200);
    expect(codes(seen)).toContain('cache_unavailable');
    expect(seen.body.status).toBe('degraded');
    expect(seen.body.sync.contacts).toMatchObject({ due: null, waiting: 0 });
  });

  test('a Dataverse that throttles: paused', async () => {
    await it.control('PUT', '/faults', { mode: 'throttled', retryAfterSeconds: 2 });
    const seen = await statusThat(({ body }) => body.status === 'paused');
    expect(seen.httpStatus).toBe(200);
    expect(codes(seen)).toContain('connection_throttled');
  });
});
