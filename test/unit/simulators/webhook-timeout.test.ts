import { expect, it } from 'vitest';
import { createDeliveries, type Delivery } from '../../simulators/dataverse/webhook/deliveries.ts';

it('gives a receiver 60 s, and does not try again when they are over', async () => {
  const finished: Delivery[] = [];
  const waits: number[] = [];
  const overtime = new AbortController();
  let requests = 0;
  const deliveries = createDeliveries({
    // Never answers: it only ends with its signal.
    fetch: (_url, init) => {
      requests += 1;
      return new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    },
    now: () => 0,
    random: () => 0.5,
    timeout: (ms) => {
      waits.push(ms);
      return overtime.signal;
    },
    runPlugin: () => Promise.reject(new Error('no plug-in is registered')),
    onFinished: (_request, delivery) => {
      finished.push(delivery);
    },
  });
  deliveries.send({
    contactId: '00000000-0000-4000-8000-000000000001',
    message: 'Create',
    stepId: '00000000-0000-4000-8000-000000000002',
    stepName: 'Create of contact',
    destination: { kind: 'endpoint', url: 'http://127.0.0.1:1/', headers: {} },
    headers: {},
    body: '{}',
  });
  expect(waits).toEqual([60_000]);
  overtime.abort();
  await expect.poll(() => finished).toMatchObject([{ state: 'failed', statuses: ['timeout'] }]);
  expect(requests).toBe(1);
  await deliveries.close();
});
