import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { AlarmStatus } from '../../infra/local/cloudwatch/alarm-board.ts';
import { PATIENCE_MS, startRunningStack } from './running-stack.ts';

let running: Awaited<ReturnType<typeof startRunningStack>>;
beforeAll(async () => {
  running = await startRunningStack();
});
afterAll(() => running?.close());

interface MeasuredMetric {
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly { readonly values: readonly number[] }[];
}
interface Widget {
  readonly title?: string;
  readonly series?: readonly {
    readonly label: string;
    readonly points: readonly { readonly value: number }[];
  }[];
}

async function read<T>(path: string): Promise<T> {
  const response = await fetch(`${running.details.cloudwatchUrl}${path}`);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

test('what functions, queues and the runner measure of a contact can be read', async () => {
  await running.create({ firstname: 'Ada', lastname: 'Fictitious' });
  await vi.waitFor(
    async () => {
      const metrics = await read<MeasuredMetric[]>('/metrics');
      const total = (name: string, dimension: string) =>
        metrics
          .filter((metric) => metric.name === name)
          .filter((metric) => Object.values(metric.dimensions).join().includes(dimension))
          .flatMap(({ values }) => values.flatMap((minute) => minute.values))
          .reduce((sum, value) => sum + value, 0);
      expect(total('WebhooksAccepted', 'consenthub-dynamics')).toBe(1);
      expect(total('SyncLatency', 'inbound')).toBeGreaterThan(0);
      expect(total('Invocations', 'synccontact')).toBe(1);
      expect(total('Duration', 'synccontact')).toBeGreaterThan(0);
      expect(total('NumberOfMessagesSent', 'contact-events')).toBe(1);
      expect(total('NumberOfMessagesDeleted', 'contact-events')).toBe(1);
    },
    { timeout: PATIENCE_MS, interval: 200 },
  );
  const [dashboard] = await read<{ widgets: Widget[] }[]>('/dashboard');
  const became = dashboard?.widgets.find(({ title }) => title === 'What became of contact events');
  const applied = became?.series?.find(({ label }) => label === 'applied');
  expect(applied?.points.map(({ value }) => value)).toEqual([1]);
});

test('every alarm of the template has a state', async () => {
  const alarms = await read<AlarmStatus[]>('/alarms');
  const { deployment } = running.stack;
  expect(alarms.map(({ arn }) => arn)).toEqual(
    [...deployment.alarms, ...deployment.compositeAlarms].map(({ arn }) => arn),
  );
  expect(running.stack.alarms()).toHaveLength(alarms.length);
});

test.each([
  ['GET', '/elsewhere', 404],
  ['POST', '/alarms', 405],
])('%s %s is %d', async (method, path, status) => {
  const response = await fetch(`${running.details.cloudwatchUrl}${path}`, { method });
  expect(response.status).toBe(status);
});
