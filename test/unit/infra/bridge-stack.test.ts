import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { DATAVERSE_SHARES } from '../../../infra/dataverse-concurrency.ts';
import { buildStacks } from './build-stacks.ts';

const stacks = buildStacks();
const bridge = Template.fromStack(stacks.bridge);
const secrets = Template.fromStack(stacks.secrets);

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
    /(contact|consent)events(deadletter|queue)|webhooksecret|auditkey|dynamicsclientsecret|databaseurl|upstashredisresttoken|queuekey|ExportsOutputFnGetAttkey/.exec(
      text,
    )?.[0] ?? text
  ).replace('ExportsOutputFnGetAttkey', 'key');
}

describe('every function', () => {
  test('runs on Node 24 on arm64, with a role and a log group of its own', () => {
    const functions = functionsOfOurs();
    expect(functions).toHaveLength(8);
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
        'kms:Decrypt → queuekey',
        'kms:GenerateDataKey → queuekey',
        'secretsmanager:GetSecretValue → webhooksecret',
        'sqs:SendMessage → contacteventsqueue',
      ],
    ],
    [
      'sync-contact',
      [
        'kms:Decrypt → key',
        'kms:Decrypt → queuekey',
        'kms:GenerateDataKey → queuekey',
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
    [
      'sync-consent',
      [
        'kms:Decrypt → key',
        'kms:Decrypt → queuekey',
        'kms:GenerateDataKey → queuekey',
        'secretsmanager:GetSecretValue → databaseurl',
        'secretsmanager:GetSecretValue → dynamicsclientsecret',
        'secretsmanager:GetSecretValue → upstashredisresttoken',
        'sqs:ChangeMessageVisibility → consenteventsqueue',
        'sqs:DeleteMessage → consenteventsqueue',
        'sqs:GetQueueAttributes → consenteventsqueue',
        'sqs:ReceiveMessage → consenteventsqueue',
        'sqs:SendMessage → consenteventsdeadletter',
      ],
    ],
    [
      'sweep',
      [
        'kms:Decrypt → key',
        'kms:Decrypt → queuekey',
        'kms:GenerateDataKey → queuekey',
        'secretsmanager:GetSecretValue → auditkey',
        'secretsmanager:GetSecretValue → databaseurl',
        'sqs:GetQueueAttributes → consenteventsqueue',
        'sqs:GetQueueAttributes → contacteventsqueue',
        'sqs:SendMessage → consenteventsqueue',
        'sqs:SendMessage → contacteventsqueue',
      ],
    ],
    [
      'reconcile-contacts',
      [
        'kms:Decrypt → key',
        'secretsmanager:GetSecretValue → databaseurl',
        'secretsmanager:GetSecretValue → dynamicsclientsecret',
        'secretsmanager:GetSecretValue → upstashredisresttoken',
      ],
    ],
    [
      'connection-status',
      [
        'kms:Decrypt → key',
        'secretsmanager:GetSecretValue → databaseurl',
        'secretsmanager:GetSecretValue → dynamicsclientsecret',
        'secretsmanager:GetSecretValue → upstashredisresttoken',
        'sqs:GetQueueAttributes → consenteventsdeadletter',
        'sqs:GetQueueAttributes → consenteventsqueue',
        'sqs:GetQueueAttributes → contacteventsdeadletter',
        'sqs:GetQueueAttributes → contacteventsqueue',
      ],
    ],
    [
      'test-connection',
      [
        'kms:Decrypt → key',
        'secretsmanager:GetSecretValue → databaseurl',
        'secretsmanager:GetSecretValue → dynamicsclientsecret',
      ],
    ],
    ['migrate-database', ['kms:Decrypt → key', 'secretsmanager:GetSecretValue → databaseurl']],
  ])('%s may do what it needs and nothing else', (folder, expected) => {
    expect([...new Set(grants(folder))]).toEqual(expected);
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
    expect(arnsOf('sweep')).toEqual(['DATABASE_URL_SECRET_ARN', 'AUDIT_KEY_SECRET_ARN']);
    expect(arnsOf('test-connection')).toEqual([
      'DATABASE_URL_SECRET_ARN',
      'DYNAMICS_CLIENT_SECRET_ARN',
    ]);
    for (const folder of [
      'sync-contact',
      'sync-consent',
      'reconcile-contacts',
      'connection-status',
    ]) {
      expect(arnsOf(folder)?.toSorted()).toEqual([
        'DATABASE_URL_SECRET_ARN',
        'DYNAMICS_CLIENT_SECRET_ARN',
        'UPSTASH_REDIS_REST_TOKEN_SECRET_ARN',
      ]);
    }
  });
});

describe('the queues', () => {
  test('are encrypted, kept for 14 days, and refuse plain http', () => {
    const [key] = Object.keys(bridge.findResources('AWS::KMS::Key'));
    bridge.resourceCountIs('AWS::SQS::Queue', 4);
    bridge.allResourcesProperties('AWS::SQS::Queue', {
      KmsMasterKeyId: { 'Fn::GetAtt': [key, 'Arn'] },
      MessageRetentionPeriod: 14 * 86_400,
    });
    bridge.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    for (const policy of Object.values(bridge.findResources('AWS::SQS::QueuePolicy'))) {
      expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"');
    }
    bridge.resourceCountIs('AWS::SQS::QueuePolicy', 4);
  });

  test.each([
    ['contact-events', 'sync-contact', 360],
    ['consent-events', 'sync-consent', 270],
  ])(
    '%s survives an outage of hours; a message of %s stays hidden for six of its timeouts',
    (queue, folder, visibilitySeconds) => {
      bridge.hasResourceProperties('AWS::SQS::Queue', {
        QueueName: queue,
        VisibilityTimeout: visibilitySeconds,
        RedrivePolicy: { maxReceiveCount: 100, deadLetterTargetArn: Match.anyValue() },
      });
      const { Timeout: timeoutSeconds } = resourceOf('AWS::Lambda::Function', folder).Properties;
      expect(visibilitySeconds).toBe(6 * Number(timeoutSeconds));
    },
  );

  test.each([
    ['contactconsumer', 'contacteventsqueue', 'synccontact'],
    ['consentconsumer', 'consenteventsqueue', 'syncconsent'],
  ])('%s is fed at once, in tens, with partial failures, unfiltered', (id, queue, consumer) => {
    const { Properties: mapping } = resourceOf('AWS::Lambda::EventSourceMapping', id);
    expect(mapping).toMatchObject({
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 0,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
    expect(mapping).not.toHaveProperty('FilterCriteria');
    expect(JSON.stringify(mapping['EventSourceArn'])).toContain(queue);
    expect(JSON.stringify(mapping['FunctionName'])).toContain(consumer);
  });
});

test('a doubt about a write outlives the function and the two minutes that Dataverse may take', () => {
  const doubtSeconds = 180;
  const dataverseSeconds = 120;
  const { Timeout: timeoutSeconds } = resourceOf(
    'AWS::Lambda::Function',
    'sync-consent',
  ).Properties;
  expect(Number(timeoutSeconds) + dataverseSeconds).toBeLessThan(doubtSeconds);
});

test('the shares of Dataverse are what the functions are told and how many there may be', () => {
  for (const [folder, share] of Object.entries(DATAVERSE_SHARES)) {
    const { Environment: environment } = resourceOf('AWS::Lambda::Function', folder).Properties;
    expect(environment).toMatchObject({
      Variables: { DATAVERSE_PARALLEL_REQUESTS: String(share.parallelRequests) },
    });
  }
});

describe('the sweep', () => {
  test('comes every minute, one at a time, and is over before the next', () => {
    bridge.resourceCountIs('AWS::Events::Rule', 2);
    bridge.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 minute)',
      State: 'ENABLED',
    });
    bridge.hasResourceProperties('AWS::Lambda::Function', {
      Timeout: 55,
      ReservedConcurrentExecutions: 1,
    });
  });

  test('is neither repeated after a failure nor kept for later', () => {
    const onlyNow = { MaximumEventAgeInSeconds: 60, MaximumRetryAttempts: 0 };
    bridge.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ RetryPolicy: onlyNow })],
    });
    bridge.hasResourceProperties('AWS::Lambda::EventInvokeConfig', onlyNow);
  });

  test('is with the reconciler the only function that refuses invocations', () => {
    const limited = functionsOfOurs().filter(
      ({ Properties: properties }) => properties['ReservedConcurrentExecutions'] !== undefined,
    );
    expect(limited).toHaveLength(2);
  });
});

test('the reconciler comes every five minutes, one at a time, and is not repeated', () => {
  bridge.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(5 minutes)',
    State: 'ENABLED',
  });
  expect(resourceOf('AWS::Lambda::Function', 'reconcile-contacts').Properties).toMatchObject({
    Timeout: 900,
    ReservedConcurrentExecutions: 1,
  });
  bridge.hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
    MaximumEventAgeInSeconds: 300,
    MaximumRetryAttempts: 0,
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
      RouteSettings: { 'POST /api/dynamics/webhook': Match.absent() },
    });
  });

  test('throttles staff, so that no page in a loop takes the concurrency that webhooks need', () => {
    bridge.hasResource('AWS::ApiGatewayV2::Stage', {
      Properties: {
        RouteSettings: {
          'GET /api/dynamics/status': { ThrottlingRateLimit: 20, ThrottlingBurstLimit: 40 },
          'POST /api/dynamics/test': { ThrottlingRateLimit: 2, ThrottlingBurstLimit: 5 },
        },
      },
      // A stage whose settings name a route that does not exist yet cannot be deployed.
      DependsOn: Match.arrayWith(
        Object.entries(bridge.findResources('AWS::ApiGatewayV2::Route'))
          .filter(([, { Properties: route }]) => route.AuthorizationType === 'JWT')
          .map(([logicalId]) => logicalId),
      ),
    });
  });

  test.each(['GET /api/dynamics/status', 'POST /api/dynamics/test'])(
    '%s is for staff with the scope',
    (routeKey) => {
      const [authorizer] = Object.keys(bridge.findResources('AWS::ApiGatewayV2::Authorizer'));
      bridge.hasResourceProperties('AWS::ApiGatewayV2::Route', {
        RouteKey: routeKey,
        AuthorizationType: 'JWT',
        AuthorizerId: { Ref: authorizer },
        AuthorizationScopes: [{ Ref: 'ApiRequiredScope' }],
      });
    },
  );

  test('checks tokens of the configured issuer for the configured audience', () => {
    bridge.hasResourceProperties('AWS::ApiGatewayV2::Authorizer', {
      AuthorizerType: 'JWT',
      IdentitySource: ['$request.header.Authorization'],
      JwtConfiguration: {
        Issuer: { Ref: 'ApiTokenIssuer' },
        Audience: [{ Ref: 'ApiTokenAudience' }],
      },
    });
  });

  test('lets no page call it but those of the configured origins', () => {
    const { CorsConfiguration: cors } = resourceOf('AWS::ApiGatewayV2::Api', 'api').Properties;
    expect(cors).toMatchObject({
      'Fn::If': [
        'HasApiAllowedOrigins',
        { AllowOrigins: { 'Fn::Split': [',', { Ref: 'ApiAllowedOrigins' }] } },
        { Ref: 'AWS::NoValue' },
      ],
    });
    expect(JSON.stringify(cors)).not.toContain('AllowCredentials');
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

test('the saved queries go over the logs of all functions', () => {
  const logGroups = functionsOfOurs().map(
    ({ Properties: { LoggingConfig: logging } }) => (logging as { LogGroup: unknown }).LogGroup,
  );
  const queries = Object.values(bridge.findResources('AWS::Logs::QueryDefinition')) as Resource[];
  expect(queries.map(({ Properties: query }) => query['Name']).toSorted()).toEqual([
    'consenthub-dynamics/one-event',
    'consenthub-dynamics/seals',
    'consenthub-dynamics/what-went-wrong',
  ]);
  for (const { Properties: query } of queries) {
    expect(query['LogGroupNames']).toHaveLength(8);
    expect(query['LogGroupNames']).toEqual(expect.arrayContaining(logGroups));
  }
});

describe('the deploy', () => {
  test('migrates the database before any other function changes', () => {
    const [trigger] = Object.keys(bridge.findResources('Custom::Trigger'));
    for (const folder of [
      'receive-webhook',
      'sync-contact',
      'sync-consent',
      'sweep',
      'reconcile-contacts',
      'connection-status',
      'test-connection',
    ]) {
      expect(resourceOf('AWS::Lambda::Function', folder).DependsOn).toContain(trigger);
    }
  });

  test('is run by a function that logs as ours do, and may do nothing else there', () => {
    const functions = Object.values(bridge.findResources('AWS::Lambda::Function')) as Resource[];
    expect(functions).toHaveLength(9);
    for (const { Properties: properties } of functions) {
      expect(properties['LoggingConfig']).toMatchObject({ LogGroup: { Ref: expect.any(String) } });
    }
    const roles = Object.values(bridge.findResources('AWS::IAM::Role')) as Resource[];
    expect(roles.filter(({ Properties: role }) => 'ManagedPolicyArns' in role)).toEqual([]);
  });

  test('keeps one secret for each purpose, outside the stack that uses them', () => {
    const names = Object.values(secrets.findResources('AWS::SecretsManager::Secret')).map(
      (resource) => (resource as Resource).Properties['Name'],
    );
    expect(names.toSorted()).toEqual([
      'consenthub-dynamics/audit-key',
      'consenthub-dynamics/database-url',
      'consenthub-dynamics/dynamics-client-secret',
      'consenthub-dynamics/upstash-redis-rest-token',
      'consenthub-dynamics/webhook-secret',
    ]);
    bridge.resourceCountIs('AWS::SecretsManager::Secret', 0);
    for (const resource of Object.values(secrets.findResources('AWS::SecretsManager::Secret'))) {
      expect((resource as { DeletionPolicy?: string }).DeletionPolicy).toBe('RetainExceptOnCreate');
    }
    secrets.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
  });
});
