import { Match, Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildStacks } from './build-stacks.ts';

let bridge: Template;
let secrets: Template;
beforeAll(() => {
  const stacks = buildStacks();
  bridge = Template.fromStack(stacks.bridge);
  secrets = Template.fromStack(stacks.secrets);
});

type Resource = { Properties: Record<string, unknown>; DependsOn?: string[] };
const functionsOfOurs = () =>
  Object.values(
    bridge.findResources('AWS::Lambda::Function', { Properties: { Architectures: ['arm64'] } }),
  ) as Resource[];

/** The one resource of a type whose logical id begins like the folder's construct. */
function resourceOf(type: string, folder: string): Resource {
  const prefix = folder.replaceAll('-', '');
  const found = Object.entries(bridge.findResources(type)).find(([id]) => id.startsWith(prefix));
  if (found === undefined) throw new Error(`no ${type} of ${folder}`);
  return found[1] as Resource;
}

/** What the role of a function may do: `action → resource`, without its own log group. */
function grants(folder: string): string[] {
  const { PolicyDocument: policy } = resourceOf('AWS::IAM::Policy', folder).Properties;
  const { Statement: statements } = policy as { Statement: Record<string, unknown>[] };
  return statements
    .flatMap(({ Action: action, Resource: resource }) =>
      [action].flat().map((one) => `${String(one)} → ${nameOf(resource)}`),
    )
    .filter((grant) => !grant.startsWith('logs:'))
    .toSorted();
}

function nameOf(resource: unknown): string {
  const text = JSON.stringify(resource);
  return (
    /contacteventsdeadletter|contacteventsqueue|webhooksecret|dynamicsclientsecret|databaseurl|upstashredisresttoken|ExportsOutputFnGetAttkey/.exec(
      text,
    )?.[0] ?? text
  ).replace('ExportsOutputFnGetAttkey', 'key');
}

describe('every function', () => {
  test('runs on Node 24 on arm64, with a role and a log group of its own', () => {
    const functions = functionsOfOurs();
    expect(functions).toHaveLength(3);
    for (const { Properties: properties } of functions) {
      expect(properties['Runtime']).toBe('nodejs24.x');
    }
    const roles = functions.map(({ Properties: properties }) => JSON.stringify(properties['Role']));
    expect(new Set(roles).size).toBe(functions.length);
    bridge.allResourcesProperties('AWS::Logs::LogGroup', {
      RetentionInDays: 90,
      KmsKeyId: Match.anyValue(),
    });
  });

  test.each([
    [
      'receive-webhook',
      [
        'kms:Decrypt → key',
        'kms:Decrypt → key',
        'kms:GenerateDataKey → key',
        'secretsmanager:GetSecretValue → webhooksecret',
        'sqs:SendMessage → contacteventsqueue',
      ],
    ],
    [
      'sync-contact',
      [
        'kms:Decrypt → key',
        'kms:Decrypt → key',
        'kms:GenerateDataKey → key',
        'secretsmanager:GetSecretValue → databaseurl',
        'secretsmanager:GetSecretValue → dynamicsclientsecret',
        'secretsmanager:GetSecretValue → upstashredisresttoken',
        'sqs:ChangeMessageVisibility → contacteventsqueue',
        'sqs:DeleteMessage → contacteventsqueue',
        'sqs:GetQueueAttributes → contacteventsqueue',
        'sqs:ReceiveMessage → contacteventsqueue',
        'sqs:SendMessage → contacteventsdeadletter',
      ],
    ],
    ['migrate-database', ['kms:Decrypt → key', 'secretsmanager:GetSecretValue → databaseurl']],
  ])('%s may do what it needs and nothing else', (folder, expected) => {
    expect([...new Set(grants(folder))]).toEqual([...new Set(expected)]);
  });

  test('reads the secrets that it needs and no other', () => {
    const arnsOf = (folder: string) =>
      [
        ...JSON.stringify(
          functionsOfOurs().find(({ Properties: properties }) =>
            JSON.stringify(properties['Tags']).includes(folder),
          )?.Properties['Environment'],
        ).matchAll(/"(\w+_SECRET_ARN)"/g),
      ].map(([, name]) => name);
    expect(arnsOf('receive-webhook')).toEqual(['DYNAMICS_WEBHOOK_SECRET_ARN']);
    expect(arnsOf('migrate-database')).toEqual(['DATABASE_URL_SECRET_ARN']);
    expect(arnsOf('sync-contact')?.toSorted()).toEqual([
      'DATABASE_URL_SECRET_ARN',
      'DYNAMICS_CLIENT_SECRET_ARN',
      'UPSTASH_REDIS_REST_TOKEN_SECRET_ARN',
    ]);
  });
});

describe('the queue of contact events', () => {
  test('is encrypted, kept for 14 days, refuses plain http and survives an outage of hours', () => {
    bridge.resourceCountIs('AWS::SQS::Queue', 2);
    bridge.allResourcesProperties('AWS::SQS::Queue', {
      KmsMasterKeyId: Match.anyValue(),
      MessageRetentionPeriod: 14 * 86_400,
    });
    bridge.hasResourceProperties('AWS::SQS::Queue', {
      QueueName: 'contact-events',
      VisibilityTimeout: 180,
      RedrivePolicy: { maxReceiveCount: 100, deadLetterTargetArn: Match.anyValue() },
    });
    for (const policy of Object.values(bridge.findResources('AWS::SQS::QueuePolicy'))) {
      expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"');
    }
    bridge.resourceCountIs('AWS::SQS::QueuePolicy', 2);
  });

  test('feeds sync-contact at once, in tens, with partial failures, and is never filtered', () => {
    bridge.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
      FilterCriteria: Match.absent(),
    });
  });
});

describe('the API', () => {
  test('takes webhooks without a throttle that could lose one', () => {
    bridge.hasResourceProperties('AWS::ApiGatewayV2::Route', {
      RouteKey: 'POST /api/dynamics/webhook',
    });
    bridge.hasResourceProperties('AWS::ApiGatewayV2::Integration', { PayloadFormatVersion: '2.0' });
    bridge.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
      DefaultRouteSettings: Match.absent(),
      RouteSettings: Match.absent(),
    });
  });

  test('logs who called what, and nothing that was sent', () => {
    const { AccessLogSettings: settings } = resourceOf(
      'AWS::ApiGatewayV2::Stage',
      'api',
    ).Properties;
    const { Format: format } = settings as { Format: string };
    expect(format).not.toMatch(/body|header|authorizer/i);
  });
});

describe('the deploy', () => {
  test('migrates the database before any other function changes', () => {
    const [trigger] = Object.keys(bridge.findResources('Custom::Trigger'));
    for (const folder of ['receive-webhook', 'sync-contact']) {
      expect(resourceOf('AWS::Lambda::Function', folder).DependsOn).toContain(trigger);
    }
  });

  test('keeps one secret for each purpose, outside the stack that uses them', () => {
    const names = Object.values(secrets.findResources('AWS::SecretsManager::Secret')).map(
      (resource) => (resource as Resource).Properties['Name'],
    );
    expect(names.toSorted()).toEqual([
      'consenthub-dynamics/database-url',
      'consenthub-dynamics/dynamics-client-secret',
      'consenthub-dynamics/upstash-redis-rest-token',
      'consenthub-dynamics/webhook-secret',
    ]);
    bridge.resourceCountIs('AWS::SecretsManager::Secret', 0);
    for (const resource of Object.values(secrets.findResources('AWS::SecretsManager::Secret'))) {
      expect((resource as { DeletionPolicy?: string }).DeletionPolicy).toBe('Retain');
    }
    secrets.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });
});
