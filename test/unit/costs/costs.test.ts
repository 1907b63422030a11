import { readFileSync } from 'node:fs';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { costOf, PRICE_NAMES, PRICES } from '../../../infra/costs/prices.ts';
import { costTable } from '../../../infra/costs/table.ts';
import {
  CONSENT_EVENT,
  CONTACT_EVENT,
  USAGE_OF_MONTH,
  usageOfMillion,
} from '../../../infra/costs/usage.ts';
import { buildStacks } from '../infra/build-stacks.ts';

const { secrets, bridge } = buildStacks();
const templates = [Template.fromStack(secrets), Template.fromStack(bridge)];
const resources = (type: string) =>
  templates.flatMap((template) => Object.values(template.findResources(type))) as {
    Properties: Record<string, unknown>;
  }[];
const guide = readFileSync(new URL('../../../docs/deploy.md', import.meta.url), 'utf8');

test('the guide shows the table that follows from the formula', () => {
  expect(guide).toContain(costTable());
});

test('every price says where it stands, in the guide too', () => {
  for (const name of PRICE_NAMES) expect(guide).toContain(PRICES[name].source);
});

describe('a million events', () => {
  test('that come one by one: two invocations, a send, a receive and a delete for each contact', () => {
    expect(usageOfMillion(CONTACT_EVENT, 1)).toMatchObject({
      httpApi: 1_000_000,
      invocations: 2_000_000,
      sqs: 3_000_000,
      gbSeconds: (1_000_000 * (70 + 300) * 0.5) / 1000,
    });
  });

  test('that come in tens share what is asked for a batch', () => {
    expect(usageOfMillion(CONTACT_EVENT, 10)).toMatchObject({
      invocations: 1_100_000,
      sqs: 1_200_000,
      redis: 100_000,
    });
  });

  test('of consents come back as webhooks of our own writes, and are sent by ConsentHub once', () => {
    expect(usageOfMillion(CONSENT_EVENT, 10)).toMatchObject({
      httpApi: 1_000_000,
      invocations: 1_100_000,
      sqs: 1_200_000,
    });
  });

  test('cost what is used times its price', () => {
    expect(costOf({ httpApi: 1_000_000, sqs: 3_000_000, redis: 100_000 })).toBeCloseTo(2.4);
  });
});

describe('the template is what is paid for', () => {
  test('memory and batches are those of the formula', () => {
    const memories = resources('AWS::Lambda::Function')
      .map(({ Properties: properties }) => properties)
      .filter(({ Architectures: architectures }) => architectures !== undefined)
      .map(({ MemorySize: megabytes }) => megabytes);
    expect(new Set(memories)).toEqual(new Set([512]));
    const batches = resources('AWS::Lambda::EventSourceMapping').map(
      ({ Properties: { BatchSize: size } }) => size,
    );
    expect(batches).toEqual([10, 10]);
  });

  test.each([
    ['AWS::SecretsManager::Secret', 'secrets'],
    ['AWS::KMS::Key', 'keys'],
    ['AWS::CloudWatch::Dashboard', 'dashboards'],
    ['AWS::CloudWatch::CompositeAlarm', 'compositeAlarms'],
  ] as const)('a month pays for every %s', (type, name) => {
    expect(resources(type).length).toBeGreaterThan(0);
    expect(resources(type).length).toBeLessThanOrEqual(USAGE_OF_MONTH[name] ?? 0);
  });

  test('a month pays for every metric of an alarm', () => {
    const metrics = resources('AWS::CloudWatch::Alarm').map(
      ({ Properties: { Metrics: several } }) =>
        several === undefined
          ? 1
          : (several as { MetricStat?: unknown }[]).filter(({ MetricStat: one }) => one).length,
    );
    const sum = metrics.reduce((total, count) => total + count, 0);
    expect(sum).toBeGreaterThan(metrics.length);
    expect(sum).toBeLessThanOrEqual(USAGE_OF_MONTH.alarmMetrics ?? 0);
  });
});
