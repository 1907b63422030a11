import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, describe, expect, test } from 'vitest';
import { deploymentOf } from '../../../infra/local/template/deployment.ts';
import type { Deployment } from '../../../infra/local/template/definitions.ts';
import { interpret } from '../../../infra/local/template/interpret.ts';
import type { StackTemplate, Template } from '../../../infra/local/template/template.ts';

const bundle = mkdtempSync(`${tmpdir()}/bundle-`);

afterAll(() => rmSync(bundle, { recursive: true }));

const secretArn = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:app/one-AbCdEf';

const secrets: StackTemplate = {
  stackName: 'Secrets',
  assets: new Map(),
  template: {
    Resources: { One: { Type: 'AWS::SecretsManager::Secret', Properties: { Name: 'app/one' } } },
    Outputs: { Export: { Value: { Ref: 'One' }, Export: { Name: 'Secrets:One' } } },
  },
};

const main: Template = {
  Parameters: {
    Url: { Type: 'String' },
    Bootstrap: { Type: 'AWS::SSM::Parameter::Value<String>', Default: '/cdk/version' },
  },
  Resources: {
    Worker: {
      Type: 'AWS::Lambda::Function',
      Metadata: { 'aws:cdk:path': 'Main/SyncContact/Resource' },
      DependsOn: ['Role'],
      Properties: {
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Code: { S3Key: 'worker.zip' },
        Timeout: 30,
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        LoggingConfig: { LogGroup: { Ref: 'Log' }, LogFormat: 'JSON' },
        Environment: {
          Variables: {
            URL: { Ref: 'Url' },
            QUEUE: { Ref: 'Queue' },
            SECRET: { 'Fn::ImportValue': 'Secrets:One' },
            NUMBER: 3,
          },
        },
      },
    },
    WorkerVersion: {
      Type: 'AWS::Lambda::Version',
      Properties: { FunctionName: { Ref: 'Worker' } },
    },
    Log: { Type: 'AWS::Logs::LogGroup', Properties: { RetentionInDays: 30 } },
    Role: { Type: 'AWS::IAM::Role', Properties: {} },
    Provider: {
      Type: 'AWS::Lambda::Function',
      Properties: { Runtime: 'nodejs22.x', Handler: '__entrypoint__.handler', Code: {} },
    },
    Trigger: {
      Type: 'Custom::Trigger',
      DependsOn: ['First'],
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] },
        HandlerArn: { Ref: 'WorkerVersion' },
      },
    },
    First: {
      Type: 'Custom::Trigger',
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['Provider', 'Arn'] },
        HandlerArn: { 'Fn::GetAtt': ['Worker', 'Arn'] },
      },
    },
    Dead: { Type: 'AWS::SQS::Queue', Properties: { QueueName: 'dead' } },
    Queue: {
      Type: 'AWS::SQS::Queue',
      Properties: {
        VisibilityTimeout: 60,
        SqsManagedSseEnabled: true,
        RedrivePolicy: {
          deadLetterTargetArn: { 'Fn::GetAtt': ['Dead', 'Arn'] },
          maxReceiveCount: 5,
        },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        BatchSize: 5,
        EventSourceArn: { 'Fn::GetAtt': ['Queue', 'Arn'] },
        FunctionName: { Ref: 'Worker' },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
        ScalingConfig: { MaximumConcurrency: 4 },
      },
    },
    Rule: {
      Type: 'AWS::Events::Rule',
      Properties: {
        ScheduleExpression: 'rate(5 minutes)',
        State: 'ENABLED',
        Targets: [
          {
            Id: 'Target0',
            Arn: { 'Fn::GetAtt': ['Worker', 'Arn'] },
            RetryPolicy: { MaximumRetryAttempts: 0 },
          },
        ],
      },
    },
    InvokeConfig: {
      Type: 'AWS::Lambda::EventInvokeConfig',
      Properties: {
        FunctionName: { Ref: 'Worker' },
        Qualifier: '$LATEST',
        MaximumRetryAttempts: 0,
      },
    },
    RulePermission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { 'Fn::GetAtt': ['Worker', 'Arn'] },
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': ['Rule', 'Arn'] },
      },
    },
    RoutePermission: {
      Type: 'AWS::Lambda::Permission',
      Properties: {
        Action: 'lambda:InvokeFunction',
        FunctionName: { Ref: 'Worker' },
        Principal: 'apigateway.amazonaws.com',
        SourceArn: {
          'Fn::Sub': 'arn:aws:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*/*/x',
        },
      },
    },
    Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
    Stage: { Type: 'AWS::ApiGatewayV2::Stage', Properties: { StageName: '$default' } },
    Integration: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        IntegrationType: 'AWS_PROXY',
        PayloadFormatVersion: '2.0',
        IntegrationUri: { 'Fn::GetAtt': ['Worker', 'Arn'] },
      },
    },
    Route: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        RouteKey: 'POST /x',
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
      },
    },
  },
};

interface Change {
  /** Properties laid over those of a resource; undefined removes the resource. */
  readonly [logicalId: string]: Readonly<Record<string, unknown>> | undefined;
}

function changed(change: Change): Template {
  const resources = { ...main.Resources };
  for (const [logicalId, properties] of Object.entries(change)) {
    const before = resources[logicalId];
    if (properties === undefined) delete resources[logicalId];
    else if (before === undefined)
      resources[logicalId] = { Type: 'AWS::SQS::Queue', ...properties };
    else {
      resources[logicalId] = { ...before, Properties: { ...before.Properties, ...properties } };
    }
  }
  return { ...main, Resources: resources };
}

function deploy(
  template: Template = main,
  parameters: Record<string, string> = { Url: 'http://127.0.0.1:1' },
): Deployment {
  const stack = { stackName: 'Main', template, assets: new Map([['worker.zip', bundle]]) };
  return deploymentOf(
    interpret([secrets, stack], parameters, {
      region: 'eu-central-1',
      accountId: '000000000000',
      apiUrl: 'http://127.0.0.1:8787',
      sqsEndpoint: 'http://127.0.0.1:4566',
      secretArn: (name) => (name === 'app/one' ? secretArn : undefined),
    }),
  );
}

describe('what is deployed', () => {
  test('a function, without the CDK’s own provider function', () => {
    expect(deploy().functions).toEqual([
      {
        logicalId: 'Worker',
        name: 'Main-Worker',
        title: 'sync-contact',
        arn: 'arn:aws:lambda:eu-central-1:000000000000:function:Main-Worker',
        taskRoot: bundle,
        handler: 'index.handler',
        roleArn: 'arn:aws:iam::000000000000:role/Main-Role',
        memoryMb: 128,
        timeoutSeconds: 30,
        logGroupName: 'Main-Log',
        logFormat: 'JSON',
        reservedConcurrency: undefined,
        asynchronous: { maximumRetryAttempts: 0, maximumEventAgeSeconds: 21_600 },
        environment: {
          URL: 'http://127.0.0.1:1',
          QUEUE: 'http://127.0.0.1:4566/000000000000/Main-Queue',
          SECRET: secretArn,
          NUMBER: '3',
        },
      },
    ]);
  });

  test('queues with their attributes', () => {
    const queue = deploy().queues.find((entry) => entry.logicalId === 'Queue');
    expect(queue).toMatchObject({
      name: 'Main-Queue',
      deadLetterQueueArn: 'arn:aws:sqs:eu-central-1:000000000000:dead',
      visibilityTimeoutSeconds: 60,
      attributes: {
        VisibilityTimeout: '60',
        SqsManagedSseEnabled: 'true',
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-central-1:000000000000:dead","maxReceiveCount":5}',
      },
    });
  });

  test('routes, mappings, and triggers in dependency order', () => {
    const { httpApi, mappings, triggers } = deploy();
    expect(httpApi?.routes).toEqual([
      {
        logicalId: 'Route',
        routeKey: 'POST /x',
        functionName: 'Main-Worker',
        missingPermission: undefined,
        timeoutMs: 30_000,
        authorization: undefined,
      },
    ]);
    expect(httpApi?.cors).toBeUndefined();
    expect(mappings).toEqual([
      {
        logicalId: 'Mapping',
        id: expect.stringMatching(/^[0-9a-f]{20}$/),
        functionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:Main-Worker',
        functionName: 'Main-Worker',
        queueArn: 'arn:aws:sqs:eu-central-1:000000000000:Main-Queue',
        batchSize: 5,
        batchingWindowSeconds: 0,
        reportBatchItemFailures: true,
        maximumConcurrency: 4,
      },
    ]);
    expect(triggers.map((entry) => entry.logicalId)).toEqual(['First', 'Trigger']);
  });

  test('schedules, with what their functions get', () => {
    const schedule = {
      logicalId: 'Rule',
      ruleArn: 'arn:aws:events:eu-central-1:000000000000:rule/Main-Rule',
      expression: 'rate(5 minutes)',
      everySeconds: 300,
      functionName: 'Main-Worker',
      missingPermission: undefined,
      input: undefined,
    };
    expect(deploy().schedules).toEqual([schedule]);
    const Targets = [{ Id: 'One', Arn: { 'Fn::GetAtt': ['Worker', 'Arn'] }, Input: '{"a":1}' }];
    expect(deploy(changed({ Rule: { Targets } })).schedules).toEqual([
      { ...schedule, input: '{"a":1}' },
    ]);
    expect(deploy(changed({ Rule: { State: 'DISABLED' } })).schedules).toEqual([]);
  });

  test('events that nobody waits for are repeated twice, unless the template says otherwise', () => {
    expect(deploy(changed({ InvokeConfig: undefined })).functions).toMatchObject([
      { asynchronous: { maximumRetryAttempts: 2, maximumEventAgeSeconds: 21_600 } },
    ]);
    const config = { MaximumRetryAttempts: 1, MaximumEventAgeInSeconds: 60 };
    expect(deploy(changed({ InvokeConfig: config })).functions).toMatchObject([
      { asynchronous: { maximumRetryAttempts: 1, maximumEventAgeSeconds: 60 } },
    ]);
  });

  test.each<[string, Change, string]>([
    [
      'a route without permission',
      { RoutePermission: undefined },
      'Route: apigateway.amazonaws.com may not invoke Main-Worker for arn:aws:execute-api:eu-central-1:000000000000:',
    ],
    [
      'a route that its permission does not cover',
      { RoutePermission: { SourceArn: 'arn:aws:execute-api:*:*:*/*/GET/x' } },
      '/$default/POST/x, no AWS::Lambda::Permission says so',
    ],
    [
      'a schedule whose permission is somebody else’s',
      { RulePermission: { Principal: 'scheduler.amazonaws.com' } },
      'Rule: events.amazonaws.com may not invoke Main-Worker for arn:aws:events:',
    ],
  ])('%s may not invoke its function', (_what, change, told) => {
    const { httpApi, schedules } = deploy(changed(change));
    const missing = [...(httpApi?.routes ?? []), ...schedules].flatMap(
      (caller) => caller.missingPermission ?? [],
    );
    expect(missing).toEqual([expect.stringContaining(told)]);
  });

  test.each([
    ['rate(1 minute)', 60],
    ['rate(2 hours)', 7200],
    ['rate(1 day)', 86_400],
  ])('%s is every %i seconds', (ScheduleExpression, everySeconds) => {
    expect(deploy(changed({ Rule: { ScheduleExpression } })).schedules).toMatchObject([
      { everySeconds },
    ]);
  });

  test('a resource whose condition does not hold is left out', () => {
    const template = {
      ...main,
      Conditions: { Never: { 'Fn::Equals': ['a', 'b'] } },
      Resources: {
        ...main.Resources,
        Strange: { Type: 'AWS::Strange::Thing', Condition: 'Never' },
      },
    };
    expect(deploy(template).functions).toHaveLength(1);
  });
});

describe('what cannot be executed names its logical id', () => {
  test.each<[string, Change, string]>([
    [
      'an unknown type',
      { Odd: { Type: 'AWS::Odd::Thing' } },
      'Odd: the local runner does not know resources of type AWS::Odd::Thing',
    ],
    [
      'a dangling reference',
      { Log: undefined },
      'Worker: refers to Log, which the template does not have',
    ],
    [
      'a dangling attribute',
      { Worker: { Role: { 'Fn::GetAtt': ['Role', 'Colour'] } } },
      'Worker: the local runner does not know Role.Colour',
    ],
    [
      'a missing export',
      { Worker: { X: { 'Fn::ImportValue': 'nobody' } } },
      'Worker: no stack exports nobody',
    ],
    [
      'a missing asset',
      { Worker: { Code: { S3Key: 'other.zip' } } },
      'Worker: no asset for its code (other.zip)',
    ],
    [
      'another runtime',
      { Worker: { Runtime: 'nodejs20.x' } },
      'Worker: runtime nodejs20.x, not nodejs24.x',
    ],
    [
      'a route without integration',
      { Route: { Target: 'integrations/none' } },
      'Route: its integration integrations/none does not exist',
    ],
    [
      'an integration without function',
      { Integration: { IntegrationUri: 'arn:aws:lambda:r:a:function:gone' } },
      'Integration: there is no function gone',
    ],
    [
      'a mapping with a filter',
      { Mapping: { FilterCriteria: {} } },
      'Mapping: the mapping property FilterCriteria is not supported',
    ],
    [
      'a mapping whose messages come back while the function still runs',
      { Worker: { Timeout: 61 } },
      'Mapping: the visibility timeout of its queue (60 s) is less than the timeout of its function (61 s)',
    ],
    [
      'a large batch that is not waited for',
      { Mapping: { BatchSize: 11 } },
      'Mapping: a BatchSize above 10 needs a batching window',
    ],
    [
      'a window that is too long',
      { Mapping: { MaximumBatchingWindowInSeconds: 301 } },
      'Mapping: MaximumBatchingWindowInSeconds has to be between 0 and 300',
    ],
    [
      'a maximum concurrency of one',
      { Mapping: { ScalingConfig: { MaximumConcurrency: 1 } } },
      'Mapping: MaximumConcurrency has to be between 2 and 1000',
    ],
    [
      'another function response type',
      { Mapping: { FunctionResponseTypes: ['ReportEverything'] } },
      'Mapping: of the function response types only ReportBatchItemFailures exists',
    ],
    [
      'pollers of its own',
      { Mapping: { ScalingConfig: { MinimumPollers: 2 } } },
      'Mapping: the scaling property MinimumPollers is not supported',
    ],
    [
      'a schedule by the calendar',
      { Rule: { ScheduleExpression: 'cron(0 12 * * ? *)' } },
      'Rule: the schedule cron(0 12 * * ? *) is not supported, only rate(…) is',
    ],
    [
      'a rule for events',
      { Rule: { EventPattern: {} } },
      'Rule: the rule property EventPattern is not supported',
    ],
    [
      'a schedule of something else',
      { Rule: { Targets: [{ Id: 'One', Arn: 'arn:aws:lambda:r:a:function:gone' }] } },
      'Rule: there is no function gone',
    ],
    [
      'a target that is made a new input',
      { Rule: { Targets: [{ Id: 'One', InputTransformer: {} }] } },
      'Rule: the target property InputTransformer is not supported',
    ],
    [
      'a function in a network of its own',
      { Worker: { VpcConfig: {} } },
      'Worker: the function property VpcConfig is not supported',
    ],
    [
      'a destination of failed events',
      { InvokeConfig: { DestinationConfig: {} } },
      'InvokeConfig: the invoke config property DestinationConfig is not supported',
    ],
    [
      'a queue nobody knows',
      { Mapping: { EventSourceArn: 'arn:x' } },
      'Mapping: its queue arn:x does not exist',
    ],
    [
      'a queue property nobody knows',
      { Queue: { Colour: 'red' } },
      'Queue: the queue property Colour is not supported',
    ],
    [
      'an authorizer that is not there',
      { Route: { AuthorizationType: 'JWT', AuthorizerId: 'none' } },
      'Route: its authorizer none does not exist',
    ],
    [
      'an authorizer of another kind',
      { Route: { AuthorizationType: 'AWS_IAM' } },
      'Route: of the authorizers only JWT is supported',
    ],
    [
      'a permission with a condition',
      { RoutePermission: { PrincipalOrgID: 'o-1' } },
      'RoutePermission: the permission property PrincipalOrgID is not supported',
    ],
    [
      'a throttle',
      { Stage: { DefaultRouteSettings: { ThrottlingRateLimit: 1 } } },
      'Stage: the stage property DefaultRouteSettings is not supported',
    ],
    [
      'a mapping of parameters',
      { Integration: { RequestParameters: {} } },
      'Integration: the integration property RequestParameters is not supported',
    ],
    [
      'an integration that is waited for too long',
      { Integration: { TimeoutInMillis: 30_001 } },
      'Integration: TimeoutInMillis has to be between 50 and 30000',
    ],
    [
      'credentials of every origin',
      { Api: { CorsConfiguration: { AllowOrigins: ['*'], AllowCredentials: true } } },
      'Api: AllowCredentials is not possible with the origin *',
    ],
    ['no stage', { Stage: undefined }, 'Api: the API has no stage'],
    [
      'a parameter read at deploy time',
      { Worker: { X: { Ref: 'Bootstrap' } } },
      'Worker: parameter Bootstrap is read from Parameter Store',
    ],
  ])('%s', (_what, change, message) => {
    expect(() => deploy(changed(change))).toThrow(message);
  });

  test('a parameter without value', () => {
    expect(() => deploy(main, {})).toThrow('Url: the parameter has no value and no default');
  });
});
