import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MAX_BODY_BYTES } from '../../functions/receive-webhook/receive-webhook.ts';
import {
  CONTEXT_FIELDS,
  EVENT_TYPES,
  foreignOccurrence,
  isOwnWrite,
  type Occurrence,
  occurrence,
  writing,
  written,
} from './execution-context.ts';
import { explore } from './explore.ts';
import { alteration, mutate, mutation } from './mutation.ts';
import { personal } from './personal-data.ts';
import { forgedHeaders, forgery, signedHeaders, signing } from './signing.ts';
import {
  binaryDelivery,
  delivery,
  type Received,
  startWebhookFunction,
} from './webhook-function.ts';

const REFUSED: Received = { status: 401, body: { error: 'unauthorized' }, queued: [] };

let webhook: Awaited<ReturnType<typeof startWebhookFunction>>;
beforeAll(async () => {
  webhook = await startWebhookFunction();
});
afterAll(async () => webhook.close());

describe('a request that nobody with the secret has signed', { tags: ['fault-23'] }, () => {
  test('is refused without a hint, whatever is wrong with its signature', async () => {
    await explore(
      fc.asyncProperty(
        fc.oneof(occurrence, foreignOccurrence),
        writing,
        forgery,
        delivery,
        async (event, how, forged, delivered) => {
          const body = written(event, how);
          const headers = forgedHeaders(body, forged, Date.now());
          expect(await webhook.post(body, headers, delivered)).toEqual(REFUSED);
        },
      ),
      600,
    );
  });

  test('is refused if its body is not byte for byte what was signed', async () => {
    await explore(
      fc.asyncProperty(
        occurrence,
        writing,
        signing,
        alteration,
        delivery,
        async (event, how, signed, change, delivered) => {
          const body = written(event, how);
          const headers = signedHeaders(body, signed, Date.now());
          expect(await webhook.post(mutate(body, change), headers, delivered)).toEqual(REFUSED);
        },
      ),
      400,
    );
  });

  test('is refused whatever else the gateway hands over', async () => {
    await explore(
      fc.asyncProperty(
        fc.dictionary(
          fc.oneof(
            fc.constantFrom('x-dynamics-signature', 'x-dynamics-timestamp', 'content-type'),
            fc.string(),
          ),
          fc.oneof(fc.string({ unit: 'binary' }), personal, fc.stringMatching(/^[0-9a-f]{64}$/)),
        ),
        fc.option(fc.oneof(fc.string({ unit: 'binary' }), personal), { nil: undefined }),
        fc.boolean(),
        async (headers, body, isBase64Encoded) => {
          const event = { headers, isBase64Encoded, ...(body !== undefined && { body }) };
          expect(await webhook.invoke(event as APIGatewayProxyEventV2)).toEqual(REFUSED);
        },
      ),
      400,
    );
  });
});

describe('a genuine request', () => {
  test('puts exactly the ids of its contact on the queue, however it is written and signed', async () => {
    await explore(
      fc.asyncProperty(
        occurrence.filter((event) => !isOwnWrite(event)),
        writing,
        signing,
        delivery,
        async (event, how, signed, delivered) => {
          const body = written(event, how);
          const beforeMs = Date.now();
          const received = await webhook.post(
            body,
            signedHeaders(body, signed, beforeMs),
            delivered,
          );
          const [message] = received.queued;
          expect(received.queued).toHaveLength(1);
          expect(message).toEqual(messageOf(event));
          const { eventId, receivedAt } = (message?.body ?? {}) as Record<string, string>;
          expect(Date.parse(receivedAt ?? '')).toBeGreaterThanOrEqual(beforeMs);
          expect(received).toMatchObject({ status: 200, body: { status: 'accepted', eventId } });
        },
      ),
      500,
    );
  });

  test('has the same identity however it is written, and another one if it is another event', async () => {
    await explore(
      fc.asyncProperty(
        occurrence.filter((event) => !isOwnWrite(event)),
        fc.tuple(writing, writing),
        signing,
        delivery,
        fc.constantFrom('entityId' as const, 'organizationId' as const, 'operationId' as const),
        async (event, [one, another], signed, delivered, differing) => {
          const identity = async (told: Occurrence, how: typeof one) => {
            const body = written(told, how);
            const headers = signedHeaders(body, signed, Date.now());
            return (await webhook.post(body, headers, delivered)).body['eventId'];
          };
          const other = { ...event, [differing]: '99999999-aaaa-4bbb-8ccc-000000000009' };
          const eventId = await identity(event, one);
          expect(await identity(event, another)).toBe(eventId);
          expect(await identity(other, one)).not.toBe(eventId);
        },
      ),
      150,
    );
  });

  test('is ignored if it concerns nobody here, or is our own write', async () => {
    const own = occurrence.map((event) => ({
      ...event,
      depth: 1,
      variables: [{ key: 'tag', value: 'consenthub' }, ...event.variables],
    }));
    await explore(
      fc.asyncProperty(
        fc.oneof(own, foreignOccurrence),
        writing,
        signing,
        delivery,
        async (event, how, signed, delivered) => {
          const body = written(event, how);
          const headers = signedHeaders(body, signed, Date.now());
          expect(await webhook.post(body, headers, delivered)).toEqual({
            status: 200,
            body: { status: 'ignored', reason: expect.stringMatching(/^[a-z_]{1,20}$/) },
            queued: [],
          });
        },
      ),
      250,
    );
  });

  test('is taken or called malformed, whatever has become of its content', {
    tags: ['fault-23'],
  }, async () => {
    const seen = new Set<string>();
    await explore(
      fc.asyncProperty(
        occurrence,
        writing,
        fc.array(mutation(CONTEXT_FIELDS), { minLength: 1, maxLength: 3 }),
        signing,
        binaryDelivery,
        async (event, how, changes, signed, delivered) => {
          const body = changes.reduce(mutate, written(event, how));
          const headers = signedHeaders(body, signed, Date.now());
          const { status, body: answer, queued } = await webhook.post(body, headers, delivered);
          expect(queued).toHaveLength(answer['status'] === 'accepted' ? 1 : 0);
          for (const message of queued) expect(message).toEqual(ANY_MESSAGE);
          const outcome = [status, answer['status'] ?? answer['error']].join(' ');
          seen.add(outcome);
          expect(outcome).toMatch(
            body.length > MAX_BODY_BYTES
              ? /^413 payload_too_large$/
              : /^200 (accepted|ignored)$|^400 malformed$/,
          );
        },
      ),
      900,
    );
    expect([...seen]).toEqual(
      expect.arrayContaining(['200 accepted', '200 ignored', '400 malformed']),
    );
  });

  test('is taken up to exactly the limit of its size and refused above it', {
    tags: ['fault-23'],
  }, async () => {
    await explore(
      fc.asyncProperty(
        occurrence.filter((event) => !isOwnWrite(event)),
        writing,
        signing,
        delivery,
        fc.constantFrom(-1, 0, 1, 4096),
        fc.boolean(),
        async (event, how, signed, delivered, above, isSigned) => {
          const body = Buffer.alloc(MAX_BODY_BYTES + above, ' ');
          written(event, how).copy(body);
          const headers = isSigned ? signedHeaders(body, signed, Date.now()) : [];
          const { status, queued } = await webhook.post(body, headers, delivered);
          expect(status).toBe(above > 0 ? 413 : isSigned ? 200 : 401);
          expect(queued).toHaveLength(status === 200 ? 1 : 0);
        },
      ),
      20,
    );
  });
});

const GUID = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const ANY_MESSAGE = {
  groupId: GUID,
  body: {
    version: 1,
    eventId: expect.stringMatching(/^[0-9a-f]{64}$/),
    type: expect.stringMatching(/^contact\.(created|updated|deleted)$/),
    dataverseOrganizationId: GUID,
    contactId: GUID,
    receivedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    correlationId: GUID,
  },
};

/** All that may be on the queue because of an event. */
function messageOf(event: Occurrence) {
  return {
    groupId: event.organizationId,
    body: {
      ...ANY_MESSAGE.body,
      type: EVENT_TYPES[event.messageName as keyof typeof EVENT_TYPES],
      dataverseOrganizationId: event.organizationId,
      contactId: event.entityId,
      correlationId: event.correlationId ?? event.operationId,
    },
  };
}
