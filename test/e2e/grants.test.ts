import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack();
});
afterAll(() => it?.close());

/** Grants that nothing has needed so far; Lambda itself writes the logs, which are files here. */
const unused = (): string[] =>
  it.stack.guard
    .unusedGrants()
    .filter(({ action }) => !action.startsWith('logs:'))
    .map(({ roleArn, action, resourceArn }) => [roleArn, action, resourceArn].join(' '));

const until = (part: string) =>
  it.until(
    async () => unused(),
    (now) => !now.some((grant) => grant.includes(part)),
  );

const send = (queueUrl: string, body: string) =>
  it.sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body }));

test('every function needs everything that it may do', async () => {
  expect(unused().length).toBeGreaterThan(0);
  await it.untilStatusAnswers(200);
  expect((await it.ask('POST', 'test')).status).toBe(200);
  const contactId = await it.create({ firstname: 'Ada', lastname: 'Fictitious' });
  const { patient_id: patientId } = await it.until(
    async () =>
      (
        await it.sql<{ patient_id: string }>(
          'select patient_id from dynamics_contacts where contact_id = $1 and patient_id is not null',
          [contactId],
        )
      )[0],
    () => true,
  );

  await send(it.details.contactQueueUrl, 'not understood');
  await send(it.details.consentQueueUrl, 'not understood');
  await until('dead-letter');

  // What cannot be read or written comes back after a while: its visibility is set.
  await it.control('PUT', '/faults', { mode: 'unavailable' });
  await it.control('PATCH', `/contacts/${contactId}`, { firstname: 'Augusta' });
  const [consent] = await it.sql<{ id: string }>(
    `insert into consents (organization_id, patient_id, consent_type, status, granted_at)
     select organization_id, id, 'marketing_email', 'active', now() from patients where id = $1
     returning id`,
    [patientId],
  );
  await it.publish({ type: 'consent.granted', patientId, consentId: consent?.id });
  await until('ChangeMessageVisibility');
  await it.control('DELETE', '/faults');

  // The clock rings on both queues, unless a message that comes back just then answers the row first.
  await it.until(
    async () => {
      await it.sql('update dynamics_contacts set read_due_at = now(), write_due_at = now()');
      await it.invoke('sweep');
      return unused();
    },
    (now) => !now.some((grant) => grant.includes('sweeprole')),
  );
  await it.invoke('reconcile-contacts');
  await it.until(
    async () => unused(),
    (now) => now.length === 0,
  );
});
