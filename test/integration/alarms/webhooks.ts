import {
  createReceiveWebhook,
  MAX_BODY_BYTES,
} from '../../../functions/receive-webhook/receive-webhook.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { executionContext, signatureOf } from '../../support/execution-context.ts';
import { recordLog } from '../../support/observability.ts';

const SECRET = 'current-secret';

/** The function as it receives a webhook; each call is one. */
export function webhooks() {
  const receiver = (broken: { secrets?: boolean; queue?: boolean } = {}) => {
    const secrets = async () => {
      if (broken.secrets) throw new Error('no secret');
      return [SECRET];
    };
    return createReceiveWebhook({
      authentication: 'signature',
      secrets: {
        read: secrets,
        refresh: async () => ({ valid: await secrets(), certain: true }),
      },
      enqueue: async () => {
        if (broken.queue) throw new Error('no queue');
      },
      now: () => new Date(),
      log: recordLog().log,
      metrics: createMetrics(),
    });
  };
  const post = (
    body: string,
    headers: Record<string, string> = { 'x-dynamics-signature': signatureOf(body, SECRET) },
    receive = receiver(),
  ) => receive({ rawBody: Buffer.from(body), headers });
  const genuine = JSON.stringify(executionContext());
  const about = (changes: object) => post(JSON.stringify(executionContext({ ...changes })));

  return {
    taken: () => post(genuine),
    ignored: async () => {
      await about({ PrimaryEntityName: 'account' });
      await about({ MessageName: 'Associate' });
      await about({ SharedVariables: [{ key: 'tag', value: 'consenthub' }] });
    },
    unsigned: () => post(genuine, {}),
    malformed: () => post(genuine, { 'x-dynamics-signature': 'nonsense' }),
    forged: () => post(genuine, { 'x-dynamics-signature': signatureOf(genuine, 'other') }),
    stale: () => {
      const timestamp = String(Math.floor(Date.now() / 1000) - 3600);
      return post(genuine, {
        'x-dynamics-signature': signatureOf(genuine, SECRET, timestamp),
        'x-dynamics-timestamp': timestamp,
      });
    },
    tooLarge: () => post('x'.repeat(MAX_BODY_BYTES + 1)),
    withoutSecret: () => post(genuine, undefined, receiver({ secrets: true })),
    withoutQueue: () => post(genuine, undefined, receiver({ queue: true })),
  };
}
