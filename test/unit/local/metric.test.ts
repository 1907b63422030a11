import { describe, expect, test } from 'vitest';
import { samplesIn } from '../../../infra/local/cloudwatch/embedded-metrics.ts';
import { metricKey, statisticOf } from '../../../infra/local/cloudwatch/metric.ts';
import { createMetricStore } from '../../../infra/local/cloudwatch/metric-store.ts';

const MINUTE_MS = 60_000;

test.each([
  ['SampleCount', 4],
  ['Sum', 100],
  ['Average', 25],
  ['Minimum', 10],
  ['Maximum', 40],
  ['p50', 20],
  ['p75', 30],
  ['p99', 40],
  ['p99.9', 40],
])('%s', (statistic, value) => {
  expect(statisticOf(statistic, [40, 10, 30, 20])).toBe(value);
});

describe('a store', () => {
  const metric = { namespace: 'Own', name: 'Seen', dimensions: { a: '1', b: '2' } };

  test('has the values of whole minutes', () => {
    const store = createMetricStore();
    store.put({ metric, atMs: 0, values: [1] });
    store.put({ metric, atMs: MINUTE_MS - 1, values: [2, 3] });
    store.put({ metric, atMs: MINUTE_MS, values: [4] });
    expect(store.values(metric, 0, MINUTE_MS)).toEqual([1, 2, 3]);
    expect(store.values(metric, 0, 2 * MINUTE_MS)).toEqual([1, 2, 3, 4]);
  });

  test('takes a metric for the same in whatever order its dimensions come, and for another without one', () => {
    const { namespace, name } = metric;
    expect(metricKey({ namespace, name, dimensions: { b: '2', a: '1' } })).toBe(metricKey(metric));
    expect(metricKey({ namespace, name, dimensions: { a: '1' } })).not.toBe(metricKey(metric));
  });

  test('forgets what nobody looks back to', () => {
    const store = createMetricStore();
    store.put({ metric, atMs: 0, values: [1] });
    store.put({ metric, atMs: 5 * 60 * MINUTE_MS, values: [2] });
    expect(store.values(metric, 0, MINUTE_MS)).toEqual([]);
  });
});

describe('a line of a log', () => {
  const line = (fields: object) =>
    JSON.stringify({
      _aws: {
        Timestamp: 1_800_000_000_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Own',
            Dimensions: [['service'], ['service', 'kind']],
            Metrics: [{ Name: 'Seen' }],
          },
        ],
      },
      service: 'bridge',
      kind: 'new',
      ...fields,
    });
  const sample = (dimensions: Record<string, string>, values: number[]) => ({
    metric: { namespace: 'Own', name: 'Seen', dimensions },
    atMs: 1_800_000_000_000,
    values,
  });

  test.each([
    ['one value', { Seen: 7 }, [7]],
    ['several values', { Seen: [7, 8] }, [7, 8]],
  ])('can hold %s for each set of dimensions', (_what, fields, values) => {
    expect(samplesIn(line(fields))).toEqual([
      sample({ service: 'bridge' }, values),
      sample({ service: 'bridge', kind: 'new' }, values),
    ]);
  });

  test.each([
    ['without the value', line({})],
    ['with text for a value', line({ Seen: 'many' })],
    ['cut off', line({ Seen: 7 }).slice(0, -5)],
    ['of the logger', '{"level":"INFO","message":"CloudWatchMetrics"}'],
    ['with other metadata', '{"_aws":{"CloudWatchMetrics":7},"Seen":7}'],
  ])('%s says nothing', (_what, text) => {
    expect(samplesIn(text)).toEqual([]);
  });
});
