import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { measurementsIn, readLatencies, summarize } from '../../../infra/local/latencies.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';

/** What the functions' own metrics write for some events. */
function linesOf(durationsMs: readonly number[], direction: string): string[] {
  const lines: string[] = [];
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    lines.push(String(chunk));
    return true;
  });
  const metrics = createMetrics();
  for (const ms of durationsMs) metrics.duration('SyncLatency', ms, { direction });
  metrics.count('ContactEvents', { direction });
  write.mockRestore();
  return lines.map((line) => line.trim());
}

test('both directions are read from the logs of all functions', async () => {
  const logs = mkdtempSync(join(tmpdir(), 'logs-'));
  const contacts = linesOf([300, 100, 200], 'inbound');
  const consents = linesOf([50], 'outbound');
  writeFileSync(join(logs, 'sync-contact.log'), `${contacts.join('\n')}\n`);
  writeFileSync(join(logs, 'sync-consent.log'), `{"message":"x"}\n${consents.join('\n')}\n`);
  writeFileSync(join(logs, 'sweep.log'), '');
  try {
    expect(await readLatencies(logs)).toEqual([
      { direction: 'inbound', count: 3, p50Ms: 200, p95Ms: 300, p99Ms: 300 },
      { direction: 'outbound', count: 1, p50Ms: 50, p95Ms: 50, p99Ms: 50 },
    ]);
  } finally {
    rmSync(logs, { recursive: true });
  }
});

test('a metric that holds several values counts each', () => {
  const line = '{"_aws":{},"direction":"inbound","SyncLatency":[1,2]}';
  expect(measurementsIn(line)).toEqual([
    { direction: 'inbound', ms: 1 },
    { direction: 'inbound', ms: 2 },
  ]);
});

test.each([
  ['half a line', '{"_aws":{},"direction":"inbound","SyncLatency":'],
  ['a line of the log that mentions the metric', '{"message":"SyncLatency","SyncLatency":1}'],
  ['no direction', '{"_aws":{},"SyncLatency":1}'],
  ['no number', '{"_aws":{},"direction":"inbound","SyncLatency":"1"}'],
  ['something else', '{"type":"platform.start"}'],
])('%s is no measurement', (_what, line) => {
  expect(measurementsIn(line)).toEqual([]);
});

test('of a hundred values the percentiles are the 50th, the 95th and the 99th', () => {
  const values = Array.from({ length: 100 }, (_value, index) => 100 - index);
  expect(summarize('inbound', values)).toMatchObject({ p50Ms: 50, p95Ms: 95, p99Ms: 99 });
});

test('a percentile is a measured value, and that many percent are not above it', () => {
  const durations = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(durations, (values) => {
      const { p50Ms, p95Ms, p99Ms } = summarize('inbound', values);
      for (const [percent, ms] of [
        [50, p50Ms],
        [95, p95Ms],
        [99, p99Ms],
      ] as const) {
        expect(values).toContain(ms);
        const within = values.filter((value) => value <= ms).length;
        expect(within).toBeGreaterThanOrEqual((percent / 100) * values.length);
      }
    }),
  );
});
