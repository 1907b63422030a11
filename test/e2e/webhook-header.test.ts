import { afterAll, beforeAll, expect, test } from 'vitest';
import { executionContext } from '../support/execution-context.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

let it: RunningStack;
beforeAll(async () => {
  it = await startRunningStack({ webhookAuthentication: 'header' });
});
afterAll(() => it?.close());

test('a stack that takes a static header gets contacts by a plain registered webhook', async () => {
  const endpoint = await it.createRow('serviceendpoints', {
    name: 'ConsentHub',
    contract: 8,
    authtype: 5,
    url: `${it.details.apiUrl}/api/dynamics/webhook`,
    authvalue: `<settings><setting name="X-Dynamics-Webhook-Secret" value="${it.details.webhookSecret}" /></settings>`,
  });
  for (const step of await it.rowsOf('sdkmessageprocessingsteps?$select=name')) {
    const id = step['sdkmessageprocessingstepid'];
    await it.webApi('PATCH', `sdkmessageprocessingsteps(${id})`, {
      'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${endpoint})`,
    });
  }
  const id = await it.create({ firstname: 'Ada', lastname: 'Fictitious' });
  const [patient] = await it.until(
    () => it.sql('select first_name from patients where dynamics_contact_id = $1', [id]),
    ({ length }) => length === 1,
  );
  expect(patient).toEqual({ first_name: 'Ada' });
});

test('it answers 401 to a signature, to another secret and to none', async () => {
  const body = JSON.stringify(executionContext());
  const statuses = [
    (await it.post(body)).status,
    (await it.post(body, { 'x-dynamics-webhook-secret': 'another' })).status,
    (await fetch(`${it.details.apiUrl}/api/dynamics/webhook`, { method: 'POST', body })).status,
  ];
  expect(statuses).toEqual([401, 401, 401]);
});
