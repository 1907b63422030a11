import { describe, expect, test } from 'vitest';
import { createReceiveWebhook } from '../../../functions/receive-webhook/receive-webhook.ts';
import {
  isUnderWay,
  rotate,
  SETTLE_MS,
  type StoredSecret,
} from '../../../infra/ops/rotate-webhook-secret/rotate.ts';
import { createSecretReader } from '../../../shared/secrets/secrets.ts';
import { executionContext, signatureOf } from '../../support/execution-context.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';

const BEGIN_MS = Date.parse('2026-11-22T10:00:00Z');
const DAY_MS = 24 * 3_600_000;

/** Secrets Manager, Dynamics and one container of receive-webhook, with a clock of their own. */
function setUp({ readable = true, waits = true } = {}) {
  let nowMs = BEGIN_MS;
  let made = 0;
  let interrupted = false;
  let current = { value: 'first', createdMs: BEGIN_MS - 100 * DAY_MS };
  let previous: string | undefined;
  let used = 'first';
  const statuses: number[] = [];
  const secrets = createSecretReader({
    now: () => nowMs,
    client: {
      send: async ({ input }: { input: { VersionStage?: string } }) =>
        input.VersionStage === 'AWSPREVIOUS'
          ? { SecretString: previous, CreatedDate: new Date(BEGIN_MS) }
          : { SecretString: current.value, CreatedDate: new Date(current.createdMs) },
    } as never,
  });
  const valid = ({ current: now, previous: before }: { current: string; previous?: string }) =>
    before === undefined ? [now] : [now, before];
  const receive = createReceiveWebhook({
    authentication: 'signature',
    secrets: {
      read: async () => valid(await secrets.readVersions('secret')),
      refresh: async () => {
        const { value, certain } = await secrets.refresh('secret');
        return { valid: valid(value), certain };
      },
    },
    enqueue: async () => undefined,
    now: () => new Date(nowMs),
    log: recordLog().log,
    metrics: recordMetrics().metrics,
  });
  const post = async (secret: string) => {
    const body = JSON.stringify(executionContext());
    const headers = { 'x-dynamics-signature': signatureOf(body, secret) };
    return (await receive({ headers, rawBody: Buffer.from(body) })).statusCode;
  };
  const webhook = async () => statuses.push(await post(used));

  return {
    statuses,
    post,
    webhook,
    interrupt: () => {
      interrupted = true;
    },
    goOn: () => {
      interrupted = false;
    },
    state: () => ({ current: current.value, previous, used, nowMs }),
    rotate: () =>
      rotate({
        readSecret: async (): Promise<StoredSecret> => ({
          value: current.value,
          createdAt: new Date(current.createdMs),
          hasPrevious: previous !== undefined,
          generation: current.value,
        }),
        storeSecret: async (value) => {
          // A forged signature made the container ask a moment ago.
          await post('forged');
          previous = current.value;
          current = { value, createdMs: nowMs };
          await webhook();
        },
        readUsed: async () => (readable ? used : undefined),
        use: async (secret) => {
          used = secret;
          await webhook();
        },
        newSecret: () => `made up ${(made += 1)}`,
        now: () => new Date(nowMs),
        wait: async (ms) => {
          if (interrupted) throw new Error('interrupted');
          if (!waits) return;
          // Webhooks go on meanwhile.
          for (let past = 0; past < ms; past += 5_000) {
            nowMs += Math.min(5_000, ms - past);
            await webhook();
          }
        },
        onStep: () => undefined,
      }),
  };
}

describe('a rotation', () => {
  test.each([true, false])(
    'refuses no webhook (what is used can be read: %s)',
    async (readable) => {
      const world = setUp({ readable });
      await world.webhook();
      expect(await world.rotate()).toEqual({
        kind: 'rotated',
        oldValidUntil: new Date(BEGIN_MS + DAY_MS),
      });
      await world.webhook();
      expect(world.state()).toMatchObject({
        current: 'made up 1',
        previous: 'first',
        used: 'made up 1',
        nowMs: BEGIN_MS + SETTLE_MS,
      });
      expect(new Set(world.statuses)).toEqual(new Set([200]));
      // The old one is still taken, anything else is not.
      expect([await world.post('first'), await world.post('forged')]).toEqual([200, 401]);
    },
  );

  test.each([true, false])(
    'that was interrupted is finished, not begun anew (%s)',
    async (readable) => {
      const world = setUp({ readable });
      world.interrupt();
      await expect(world.rotate()).rejects.toThrow('interrupted');
      expect(world.state()).toMatchObject({ current: 'made up 1', used: 'first' });
      world.goOn();
      expect(await world.rotate()).toMatchObject({ kind: 'finished' });
      expect(world.state()).toMatchObject({ current: 'made up 1', used: 'made up 1' });
      expect(new Set(world.statuses)).toEqual(new Set([200]));
    },
  );

  test('that does not wait has a webhook refused', async () => {
    const world = setUp({ waits: false });
    await world.rotate();
    expect(world.statuses).toContain(401);
  });
});

test.each([
  ['the same is used', 'now', true, 0, false],
  ['another one is used', 'before', true, 30, true],
  ['nobody can say, within the day', undefined, true, 0.5, true],
  ['nobody can say, after it', undefined, true, 1.5, false],
  ['nobody can say, and there is no other', undefined, false, 0.5, false],
])('%s: under way is %s', (_, used, hasPrevious, days, expected) => {
  const now = new Date(BEGIN_MS);
  const createdAt = new Date(BEGIN_MS - days * DAY_MS);
  const stored = { value: 'now', createdAt, hasPrevious, generation: 'any' };
  expect(isUnderWay(stored, used, now)).toBe(expected);
});
