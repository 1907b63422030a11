import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Delivery } from '../../simulators/dataverse/webhook/deliveries.ts';
import { type Fixture, json, startFixture } from './dataverse-fixture.ts';

const secret = 'simulated-webhook-secret';
const nowMs = Date.UTC(2026, 10, 22, 10, 0, 0, 123);

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}
interface KeyValue {
  readonly key: string;
  readonly value: unknown;
}
interface Context extends Record<string, unknown> {
  readonly InputParameters: [{ key: 'Target'; value: { Attributes: KeyValue[] } }];
}

let fixture: Fixture;
let receiver: Server;
let received: Received[];
/** Statuses of the next answers; 200 when they run out. */
let answers: (number | 'reset')[];

beforeEach(async () => {
  received = [];
  answers = [];
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      const answer = answers.shift() ?? 200;
      if (answer === 'reset') request.socket.destroy();
      else response.writeHead(answer).end('{"ok":true}');
    });
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  fixture = await startFixture({ now: () => nowMs });
  await register({ timestamp: true });
});
afterEach(async () => {
  await fixture.close();
  receiver.closeAllConnections();
  receiver.close();
});

async function register(options: { timestamp: boolean }): Promise<void> {
  const address = receiver.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');
  const url = `http://127.0.0.1:${address.port}/api/dynamics/webhook`;
  const response = await fixture.control('PUT', '/webhook', { url, secret, ...options });
  expect(response.status).toBe(204);
}

async function deliveries() {
  return json<{ pending: number; failed: number; deliveries: Delivery[] }>(
    await fixture.control('GET', '/deliveries'),
  );
}

/** Waits until nothing is pending. */
async function settled() {
  await expect.poll(async () => (await deliveries()).pending).toBe(0);
  return deliveries();
}

function parse(body: string): Context {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return JSON.parse(body) as Context;
}

/** The one webhook that arrived since the last call, with its parsed body. */
async function onlyWebhook(): Promise<Received & { context: Context }> {
  await settled();
  expect(received).toHaveLength(1);
  const [webhook] = received.splice(0);
  if (!webhook) throw new Error('No webhook');
  return { ...webhook, context: parse(webhook.body) };
}

describe('what is sent', () => {
  it('creates: the execution context of an asynchronous step, signed with a timestamp', async () => {
    const id = await fixture.createContact({
      firstname: 'Ada',
      lastname: 'Sample',
      ch_consent_status: 727000001,
    });
    const { headers, body, context } = await onlyWebhook();

    expect(headers).toMatchObject({
      'content-type': expect.stringContaining('application/json'),
      'x-ms-dynamics-organization': new URL(fixture.dataverse.url).host,
      'x-ms-dynamics-entity-name': 'contact',
      'x-ms-dynamics-request-name': 'Create',
      'x-ms-correlation-request-id': context['CorrelationId'],
      'x-dynamics-timestamp': String(Math.floor(nowMs / 1000)),
      'x-dynamics-signature': createHmac('sha256', secret)
        .update(`${Math.floor(nowMs / 1000)}.${body}`)
        .digest('hex'),
    });
    expect(body).toContain(
      String.raw`"Entity:http:\/\/schemas.microsoft.com\/xrm\/2011\/Contracts"`,
    );
    expect(context).toEqual({
      BusinessUnitId: expect.any(String),
      CorrelationId: expect.any(String),
      Depth: 1,
      InitiatingUserId: expect.any(String),
      InputParameters: [{ key: 'Target', value: expect.objectContaining({ Id: id }) }],
      IsExecutingOffline: false,
      IsInTransaction: false,
      IsOfflinePlayback: false,
      IsolationMode: 1,
      MessageName: 'Create',
      Mode: 1,
      OperationCreatedOn: `/Date(${Math.floor(nowMs / 1000) * 1000})/`,
      OperationId: expect.any(String),
      OrganizationId: fixture.dataverse.organizationId,
      OrganizationName: expect.stringMatching(/^unq/),
      OutputParameters: [{ key: 'id', value: id }],
      OwningExtension: expect.objectContaining({ LogicalName: 'sdkmessageprocessingstep' }),
      ParentContext: null,
      PostEntityImages: [expect.objectContaining({ key: 'AsynchronousStepPrimaryName' })],
      PreEntityImages: [],
      PrimaryEntityId: id,
      PrimaryEntityName: 'contact',
      RequestId: expect.any(String),
      SecondaryEntityName: 'none',
      SharedVariables: [],
      Stage: 40,
      UserId: expect.any(String),
    });
    expect(context.InputParameters[0].value.Attributes).toEqual(
      expect.arrayContaining([
        { key: 'firstname', value: 'Ada' },
        { key: 'fullname', value: 'Ada Sample' },
        { key: 'createdon', value: `/Date(${Math.floor(nowMs / 1000) * 1000})/` },
        {
          key: 'ch_consent_status',
          value: {
            __type: 'OptionSetValue:http://schemas.microsoft.com/xrm/2011/Contracts',
            Value: 727000001,
          },
        },
      ]),
    );
  });

  it('updates: only the changed columns, a cleared one as null', async () => {
    const id = await fixture.createContact({ firstname: 'Ada', emailaddress1: 'ada@example.com' });
    await onlyWebhook();
    await fixture.control('PATCH', `/contacts/${id}`, { emailaddress1: null });
    const { context } = await onlyWebhook();

    expect(context['MessageName']).toBe('Update');
    const attributes = context.InputParameters[0].value.Attributes;
    expect(attributes).toContainEqual({ key: 'emailaddress1', value: null });
    expect(attributes.map(({ key }) => key).toSorted()).toEqual([
      'contactid',
      'emailaddress1',
      'modifiedby',
      'modifiedon',
      'modifiedonbehalfby',
    ]);
  });

  it('deletes: a reference; restores: the message Restore with the full row', async () => {
    const id = await fixture.createContact({ lastname: 'Back' });
    await onlyWebhook();
    await fixture.control('DELETE', `/contacts/${id}`);
    const deletion = await onlyWebhook();
    expect(deletion.context).toMatchObject({ MessageName: 'Delete', PrimaryEntityId: id });
    expect(deletion.context.InputParameters[0].value).toEqual({
      __type: 'EntityReference:http://schemas.microsoft.com/xrm/2011/Contracts',
      Id: id,
      KeyAttributes: [],
      LogicalName: 'contact',
      Name: null,
      RowVersion: null,
    });

    await fixture.control('POST', `/contacts/${id}/restore`);
    const restoration = await onlyWebhook();
    expect(restoration.headers['x-ms-dynamics-request-name']).toBe('Restore');
    expect(restoration.context.InputParameters[0].value.Attributes).toContainEqual({
      key: 'lastname',
      value: 'Back',
    });
  });

  it('signs the raw body alone when no timestamp is wanted', async () => {
    await register({ timestamp: false });
    await fixture.createContact({ lastname: 'Raw' });
    const { headers, body } = await onlyWebhook();
    expect(headers['x-dynamics-timestamp']).toBeUndefined();
    expect(headers['x-dynamics-signature']).toBe(
      createHmac('sha256', secret).update(body).digest('hex'),
    );
  });

  it('leaves the parameters and images out above 256 KB', async () => {
    const id = await fixture.createContact({ lastname: 'x'.repeat(300_000) });
    const { headers, context } = await onlyWebhook();
    expect(headers['x-ms-dynamics-msg-size-exceeded']).toBe('true');
    expect(context['PrimaryEntityId']).toBe(id);
    expect(Object.keys(context)).not.toContain('InputParameters');
    expect(Object.keys(context)).not.toContain('ParentContext');
    expect(Object.keys(context)).not.toContain('PostEntityImages');
  });
});

function patch(id: string, body: object): Promise<Response> {
  return fixture.api(`contacts(${id})?tag=consenthub`, { method: 'PATCH', body });
}

describe('our own writes', () => {
  it('fire like those of others, with their tag, if the step listens to a column', async () => {
    const id = await fixture.createContact({ lastname: 'Own' });
    await onlyWebhook();
    await patch(id, { ch_last_sync: '2026-07-28T09:00:00Z' });
    await settled();
    expect(received).toEqual([]);

    await patch(id, { ch_marketing_email: false });
    const { context } = await onlyWebhook();
    expect(context).toMatchObject({
      Depth: 1,
      SharedVariables: [{ key: 'tag', value: 'consenthub' }],
    });

    await patch(id, { lastname: 'Written back' });
    expect((await onlyWebhook()).context['MessageName']).toBe('Update');
  });
});

describe('delivery', () => {
  it.each([
    { statuses: [503, 200], state: 'delivered' },
    { statuses: [504, 502], state: 'failed' },
    { statuses: [500], state: 'failed' },
    { statuses: [429], state: 'failed' },
    { statuses: [302], state: 'failed' },
    { statuses: [202], state: 'delivered' },
  ])('$statuses: $state', async ({ statuses, state }) => {
    answers = [...statuses];
    const contactid = await fixture.createContact({ lastname: 'Tried' });
    const { failed, deliveries: list } = await settled();
    expect(failed).toBe(state === 'failed' ? 1 : 0);
    expect(list).toEqual([
      {
        id: expect.any(String),
        contactid,
        message: 'Create',
        duplicate: false,
        state,
        statuses,
        attempts: statuses.length,
        startedAt: new Date(nowMs).toISOString(),
        latencyMs: 0,
      },
    ]);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
  });

  it('loses an event whose connection breaks, and delivers it again on request', async () => {
    answers = ['reset'];
    const contactid = await fixture.createContact({ lastname: 'Lost' });
    const { deliveries: list } = await settled();
    expect(list).toMatchObject([{ state: 'failed', statuses: ['connection'], attempts: 1 }]);

    const response = await fixture.control('POST', '/deliveries/redeliver', { contactid });
    expect(await response.json()).toMatchObject({ state: 'delivered', duplicate: true, contactid });
    expect(received[1]?.body).toBe(received[0]?.body);
    const body = await fixture.control('GET', `/deliveries/${list[0]?.id}/body`);
    expect(await body.text()).toBe(received[0]?.body);
  });

  it('holds webhooks back and releases them shuffled, some twice, alike for one seed', async () => {
    const ids: string[] = [];
    async function arrivals(seed: number): Promise<string[]> {
      received = [];
      await fixture.control('PUT', '/delivery', { hold: true, shuffle: { seed }, duplicate: 0.5 });
      for (const id of ids) await fixture.control('PATCH', `/contacts/${id}`, { lastname: 'Held' });
      expect(received).toEqual([]);
      const { deliveries: flushed } = await json<{ deliveries: Delivery[] }>(
        await fixture.control('POST', '/delivery/flush'),
      );
      expect(flushed.every(({ state }) => state === 'delivered')).toBe(true);
      expect(received).toHaveLength(flushed.length);
      return flushed.map(({ contactid }) => contactid);
    }
    for (let count = 0; count < 30; count++) ids.push(await fixture.createContact({}));
    await settled();

    const once = await arrivals(7);
    expect(new Set(once)).toEqual(new Set(ids));
    expect(once.length).toBeGreaterThan(ids.length);
    expect(once.length).toBeLessThan(2 * ids.length);
    const order = received.map(({ body }) => parse(body)['PrimaryEntityId']);
    expect(order).not.toEqual(once);
    expect(await arrivals(7)).toEqual(once);
    expect(await arrivals(8)).not.toEqual(once);
  });

  it('sends nothing while no webhook is registered', async () => {
    const other = await startFixture();
    await other.createContact({ lastname: 'Silent' });
    expect(await (await other.control('GET', '/deliveries')).json()).toEqual({
      pending: 0,
      failed: 0,
      deliveries: [],
    });
    await other.close();
  });
});
