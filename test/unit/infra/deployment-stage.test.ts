import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { buildStacks } from './build-stacks.ts';

interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly Properties: Record<string, unknown>;
}

/** Both templates of a stage, by their logical ids. */
function resourcesOf({ secrets, bridge }: ReturnType<typeof buildStacks>): [string, Resource][] {
  return [secrets, bridge].flatMap((stack: Stack) =>
    Object.entries(Template.fromStack(stack).toJSON()['Resources'] as Record<string, Resource>),
  );
}

const STAGES = { dev: buildStacks({ stage: 'dev' }), prod: buildStacks({ stage: 'prod' }) };
const ALL = { dev: resourcesOf(STAGES.dev), prod: resourcesOf(STAGES.prod) };

/** Made again by the next deploy, as it was: nothing of what happened is in it. */
const REBUILT = new Set([
  'AWS::ApiGatewayV2::Api',
  'AWS::ApiGatewayV2::Authorizer',
  'AWS::ApiGatewayV2::Integration',
  'AWS::ApiGatewayV2::Route',
  'AWS::ApiGatewayV2::Stage',
  'AWS::CloudWatch::Alarm',
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::CloudWatch::Dashboard',
  'AWS::Events::Rule',
  'AWS::IAM::Policy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::EventSourceMapping',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Lambda::Version',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::QueuePolicy',
  'AWS::SecretsManager::ResourcePolicy',
  'AWS::Logs::QueryDefinition',
  'Custom::Trigger',
]);

test('in production nothing is deleted but what the next deploy makes again', () => {
  const kept = ALL.prod.filter(([, { Type: type }]) => !REBUILT.has(type));
  expect(new Set(kept.map(([, { Type: type }]) => type))).toEqual(
    new Set([
      'AWS::KMS::Key',
      'AWS::Logs::LogGroup',
      'AWS::SQS::Queue',
      'AWS::SecretsManager::Secret',
    ]),
  );
  const deletable = kept.filter(
    ([, { DeletionPolicy: deletion, UpdateReplacePolicy: replacement }]) =>
      deletion !== 'RetainExceptOnCreate' || replacement !== 'Retain',
  );
  expect(deletable).toEqual([]);
});

test('in a stage for trying things out nothing stays behind', () => {
  const kept = ALL.dev.filter(([, { DeletionPolicy: policy = 'Delete' }]) => policy !== 'Delete');
  expect(kept).toEqual([]);
});

test('only the stacks of production are protected from being deleted', () => {
  const { dev, prod } = STAGES;
  expect([prod.secrets, prod.bridge].map((stack) => stack.terminationProtection)).toEqual([
    true,
    true,
  ]);
  expect([dev.secrets, dev.bridge].map((stack) => stack.terminationProtection)).toEqual([
    false,
    false,
  ]);
});

test('the stages differ in what may happen to them and in nothing else', () => {
  const without = (resources: [string, Resource][]) =>
    resources.map(([logicalId, { Type, Properties }]) => {
      const { Tags: _tags, ...properties } = Properties;
      return { logicalId, Type, properties };
    });
  expect(without(ALL.dev)).toEqual(without(ALL.prod));
});

test('nobody who forgets the stage can lose anything', () => {
  expect(buildStacks().bridge.terminationProtection).toBe(true);
});

test.each(['production', 'Prod', ''])('there is no stage %j', (stage) => {
  expect(() => buildStacks({ stage })).toThrow(
    `There is no stage "${stage}": say --context stage=dev or --context stage=prod.`,
  );
});

describe.each(['dev', 'prod'] as const)('in %s', (stage) => {
  const ofType = (type: string) => ALL[stage].filter(([, resource]) => resource.Type === type);
  const keys = new Set(ofType('AWS::KMS::Key').map(([logicalId]) => logicalId));

  /** Whether a property leads to a key of this application, also across the two stacks. */
  function isOurKey(value: unknown): boolean {
    const text = JSON.stringify(value ?? null);
    return [...keys].some((key) => text.includes(key));
  }

  test.each([
    ['AWS::SQS::Queue', 'KmsMasterKeyId', 4],
    ['AWS::SNS::Topic', 'KmsMasterKeyId', 2],
    ['AWS::SecretsManager::Secret', 'KmsKeyId', 4],
    ['AWS::Logs::LogGroup', 'KmsKeyId', 10],
  ])('each %s is encrypted with a key of ours', (type, property, atLeast) => {
    const resources = ofType(type);
    expect(resources.length).toBeGreaterThanOrEqual(atLeast);
    const others = resources.filter(([, { Properties: all }]) => !isOurKey(all[property]));
    expect(others.map(([logicalId]) => logicalId)).toEqual([]);
  });

  test('each key is rotated', () => {
    for (const [, { Properties: key }] of ofType('AWS::KMS::Key')) {
      expect(key['EnableKeyRotation']).toBe(true);
    }
  });

  test.each([
    ['AWS::SQS::Queue', 'AWS::SQS::QueuePolicy', 'Queues'],
    ['AWS::SNS::Topic', 'AWS::SNS::TopicPolicy', 'Topics'],
  ])('each %s refuses everybody who comes without TLS', (type, policyType, property) => {
    const refusing = ofType(policyType)
      .filter(([, { Properties: policy }]) => refusesPlainHttp(policy['PolicyDocument']))
      .map(([, { Properties: policy }]) => JSON.stringify(policy[property]));
    const open = ofType(type)
      .map(([logicalId]) => logicalId)
      .filter((logicalId) => !refusing.some((names) => names.includes(`"${logicalId}"`)));
    expect(open).toEqual([]);
  });

  test('every resource that can be tagged says application, stage and what is in it', () => {
    const tagged = ALL[stage].filter(([, { Properties: all }]) => all['Tags'] !== undefined);
    expect(tagged.length).toBeGreaterThan(20);
    const said = tagged.map(([, { Properties: all }]) => Object.keys(tagsOf(all['Tags'] as Tags)));
    const expected = ['application', 'data-classification', 'stage'];
    expect(said.map((names) => names.filter((name) => name !== 'function').toSorted())).toEqual(
      said.map(() => expected),
    );
    expect(new Set(valuesOf(tagged, 'stage'))).toEqual(new Set([stage]));
  });

  test.each([
    ['AWS::SQS::Queue', 'identifiers'],
    ['AWS::Logs::LogGroup', 'identifiers'],
    ['AWS::SecretsManager::Secret', 'credentials'],
  ])('each %s is marked as holding %s', (type, classification) => {
    expect(new Set(valuesOf(ofType(type), 'data-classification'))).toEqual(
      new Set([classification]),
    );
  });
});

function valuesOf(resources: [string, Resource][], tag: string) {
  return resources.map(([, { Properties: all }]) => tagsOf(all['Tags'] as Tags)[tag]);
}

type Tags = Record<string, string> | { Key: string; Value: string }[];

/** API Gateway takes a map, everything else a list. */
function tagsOf(tags: Tags): Record<string, string> {
  if (!Array.isArray(tags)) return tags;
  return Object.fromEntries(tags.map(({ Key: key, Value: value }) => [key, value]));
}

/** Whether a policy turns away everybody whose request is not encrypted. */
function refusesPlainHttp(policyDocument: unknown): boolean {
  const { Statement: statements } = policyDocument as { Statement: Record<string, unknown>[] };
  return statements.some(
    ({ Effect: effect, Principal: principal, Condition: condition }) =>
      effect === 'Deny' &&
      ['"*"', '{"AWS":"*"}'].includes(JSON.stringify(principal)) &&
      JSON.stringify(condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
  );
}
