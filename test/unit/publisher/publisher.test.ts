import type { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  type ConsentChange,
  ConsentChangeInvalid,
  ConsentEventNotAcknowledged,
  createConsentPublisher,
  type SqsSender,
} from '../../../shared/publisher/index.ts';

const queueUrl = 'https://sqs.eu-central-1.amazonaws.com/000000000000/consent-events';
const organizationId = '2b6f1c1e-0000-4000-8000-000000000001';
const change: ConsentChange = {
  type: 'consent.revoked',
  organizationId: organizationId.toUpperCase(),
  patientId: '8a3f1c1e-0000-4000-8000-000000000002',
  consentId: '5d2f1c1e-0000-4000-8000-000000000003',
};

interface Sent extends SqsSender {
  readonly inputs: SendMessageCommand['input'][];
}

function sender(answer: (signal: AbortSignal) => Promise<object> = async () => ({})): Sent {
  const inputs: SendMessageCommand['input'][] = [];
  return {
    inputs,
    async send(command, { abortSignal }) {
      inputs.push(command.input);
      return await answer(abortSignal);
    },
  };
}

const bodies = ({ inputs }: Sent): Record<string, unknown>[] =>
  inputs.map(({ MessageBody }) => JSON.parse(MessageBody ?? ''));

afterEach(() => {
  vi.restoreAllMocks();
});

describe('publish', () => {
  test('sends one complete message to the queue, in the group of its organisation', async () => {
    const client = sender();
    const now = () => new Date('2026-11-22T10:00:00Z');
    await createConsentPublisher({ queueUrl, client, now }).publish(change);
    expect(client.inputs).toEqual([
      { QueueUrl: queueUrl, MessageBody: expect.any(String), MessageGroupId: organizationId },
    ]);
    expect(bodies(client)).toEqual([
      {
        ...change,
        organizationId,
        version: 1,
        eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        occurredAt: '2026-11-22T10:00:00.000Z',
      },
    ]);
  });

  test('makes up an id for each change, and leaves one that is given', async () => {
    const client = sender();
    const publisher = createConsentPublisher({ queueUrl, client });
    await publisher.publish(change);
    await publisher.publish(change);
    await publisher.publish({ ...change, eventId: 'again' });
    const [first, second, third] = bodies(client).map((body) => body['eventId']);
    expect(first).not.toBe(second);
    expect(third).toBe('again');
  });

  test('refuses a change that is wrong without sending anything', async () => {
    const client = sender();
    const publisher = createConsentPublisher({ queueUrl, client });
    const wrong = publisher.publish({ ...change, patientId: 'ada@example.test' });
    await expect(wrong).rejects.toThrow(ConsentChangeInvalid);
    expect(client.inputs).toEqual([]);
  });

  test('says why SQS did not acknowledge, and with which id to send again', async () => {
    const client = sender(async () => {
      const error = new Error('User: arn:aws:iam::0:role/web is not authorized, body: 8a3f1c1e');
      error.name = 'AccessDenied';
      throw error;
    });
    const failure = createConsentPublisher({ queueUrl, client }).publish({
      ...change,
      eventId: 'first',
    });
    await expect(failure).rejects.toMatchObject({
      name: 'ConsentEventNotAcknowledged',
      reason: 'AccessDenied',
      eventId: 'first',
      message: expect.not.stringMatching(/arn:|8a3f1c1e/),
    });
    await expect(failure).rejects.toThrow('The commit stands');
  });

  test.each([
    [new Error('Region is missing'), 'RegionMissing'],
    [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'],
  ])('says more than Error where the SDK does not: %s', async (error, reason) => {
    const client = sender(async () => {
      throw error;
    });
    const failure = createConsentPublisher({ queueUrl, client }).publish(change);
    await expect(failure).rejects.toMatchObject({ reason });
  });

  test('gives up when its time is over, also if the client does not', async () => {
    const limit = new AbortController();
    const timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(limit.signal);
    const client = sender(() => new Promise(() => {}));
    const failure = createConsentPublisher({ queueUrl, client }).publish(change);
    limit.abort(new DOMException('', 'TimeoutError'));
    await expect(failure).rejects.toThrow(ConsentEventNotAcknowledged);
    await expect(failure).rejects.toMatchObject({ reason: 'TimeoutError' });
    expect(timeout).toHaveBeenCalledExactlyOnceWith(5000);
  });
});

test.each([
  '',
  'consent-events',
  'arn:aws:sqs:eu-central-1:000000000000:consent-events',
  undefined,
])('a publisher is refused the queue %j', (url) => {
  expect(() => createConsentPublisher({ queueUrl: url as string })).toThrow(
    "use the stack's output ConsentQueueUrl",
  );
});
