import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  DescribeRuleCommand,
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import {
  GetEventSourceMappingCommand,
  LambdaClient,
  ListEventSourceMappingsCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { SYSTEM_CLOCK } from '../../infra/local/clock.ts';
import { sqsClient } from '../../infra/local/queues/sqs-server.ts';
import { CREDENTIALS, type RunningFixture, runFixture } from './runner-fixture.ts';

const CONSUMER = `exports.handler = async (event) => {
  for (const record of event.Records ?? []) console.log({ took: record.body });
  if (event.Records === undefined) console.log({ rang: event.source });
};`;

let fixture: RunningFixture;
let lambda: LambdaClient;
let events: EventBridgeClient;

beforeAll(async () => {
  const target = { Arn: { 'Fn::GetAtt': ['Consume', 'Arn'] }, Id: 'Target' };
  fixture = await runFixture(
    { Consume: { code: CONSUMER } },
    {
      Queue: { Type: 'AWS::SQS::Queue', Properties: { VisibilityTimeout: 60 } },
      Mapping: {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
          FunctionName: { Ref: 'Consume' },
        },
      },
      Rule: {
        Type: 'AWS::Events::Rule',
        Properties: { ScheduleExpression: 'rate(1 hour)', Targets: [target] },
      },
    },
    { clock: SYSTEM_CLOCK },
  );
  fixture.cloud.serve();
  const client = { region: CREDENTIALS.region, credentials: CREDENTIALS, maxAttempts: 1 };
  lambda = new LambdaClient({ ...client, endpoint: fixture.cloud.lambdaEndpoint });
  events = new EventBridgeClient({ ...client, endpoint: fixture.cloud.eventsEndpoint });
});
afterAll(async () => {
  lambda.destroy();
  events.destroy();
  await fixture[Symbol.asyncDispose]();
});

const logged = (text: string): number =>
  readFileSync(join(fixture.directory, 'logs', 'consume.log'), 'utf8').split(text).length - 1;

const stateOf = async (UUID: string | undefined) =>
  (await lambda.send(new GetEventSourceMappingCommand({ UUID }))).State;

test('a mapping that is turned off leaves messages where they are, until it is turned on', async () => {
  const [queue] = fixture.deployment.queues;
  const sqs = sqsClient(fixture.sqsEndpoint, CREDENTIALS);
  const send = (MessageBody: string) =>
    sqs.send(new SendMessageCommand({ QueueUrl: queue?.url, MessageBody }));
  const list = new ListEventSourceMappingsCommand({ EventSourceArn: queue?.arn });
  const { EventSourceMappings: [mapping] = [] } = await lambda.send(list);
  expect(mapping).toMatchObject({ State: 'Enabled', EventSourceArn: queue?.arn, BatchSize: 10 });
  const UUID = mapping?.UUID;

  const off = new UpdateEventSourceMappingCommand({ UUID, Enabled: false });
  expect(await lambda.send(off)).toMatchObject({ State: 'Disabling' });
  await expect(lambda.send(off)).rejects.toMatchObject({ name: 'ResourceInUseException' });
  await vi.waitFor(async () => expect(await stateOf(UUID)).toBe('Disabled'), 10_000);
  await send('while it was off');
  const on = new UpdateEventSourceMappingCommand({ UUID, Enabled: true });
  expect(logged('while it was off')).toBe(0);
  expect(await lambda.send(on)).toMatchObject({ State: 'Enabled' });
  await vi.waitFor(() => expect(logged('while it was off')).toBe(1), 10_000);
  sqs.destroy();
});

test('what it does not know or cannot change is refused', async () => {
  const unknown = new UpdateEventSourceMappingCommand({ UUID: 'unknown', Enabled: false });
  await expect(lambda.send(unknown)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const { EventSourceMappings: [mapping] = [] } = await lambda.send(
    new ListEventSourceMappingsCommand({}),
  );
  const larger = new UpdateEventSourceMappingCommand({ UUID: mapping?.UUID, BatchSize: 5 });
  await expect(lambda.send(larger)).rejects.toMatchObject({
    name: 'InvalidParameterValueException',
  });
  const rule = new DisableRuleCommand({ Name: 'unknown' });
  await expect(events.send(rule)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test('a rule that is turned off does not run, and runs when it is turned on', async () => {
  const { Rules: [rule] = [] } = await events.send(new ListRulesCommand({}));
  expect(rule).toMatchObject({ State: 'ENABLED', ScheduleExpression: 'rate(1 hour)' });
  const Name = rule?.Name;
  const state = async () => (await events.send(new DescribeRuleCommand({ Name }))).State;
  await vi.waitFor(() => expect(logged('"rang"')).toBe(1), 10_000);
  await events.send(new DisableRuleCommand({ Name }));
  expect(await state()).toBe('DISABLED');
  await events.send(new EnableRuleCommand({ Name }));
  expect(await state()).toBe('ENABLED');
  await vi.waitFor(() => expect(logged('"rang"')).toBe(2), 10_000);
});
