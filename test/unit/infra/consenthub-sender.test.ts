import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { interpret } from '../../../infra/local/template/interpret.ts';
import { buildStacks } from './build-stacks.ts';

const { bridge } = buildStacks();
const template = Template.fromStack(bridge).toJSON();
const ROLE = 'arn:aws:iam::111122223333:role/consenthub';

interface Statement {
  readonly Effect: string;
  readonly Principal: { readonly AWS: unknown };
  readonly [element: string]: unknown;
}

/** Statements that say `Allow` in the policies of a type of resource, by the resource they are of; without the alarms' own. */
function allowed(type: string, property: string, principalArn: string): [string, Statement][] {
  const { resources } = interpret(
    [{ stackName: 'Bridge', template, assets: new Map() }],
    {
      DynamicsOrgUrl: 'https://contoso.crm4.dynamics.com',
      DynamicsClientId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
      UpstashRedisRestUrl: 'https://contoso.upstash.io',
      ApiTokenIssuer: 'https://auth.example.test',
      ApiTokenAudience: 'api',
      ApiRequiredScope: 'manage',
      ConsentHubPrincipalArn: principalArn,
    },
    {
      region: 'eu-central-1',
      accountId: '000000000000',
      apiUrl: 'https://api',
      sqsEndpoint: 'https://sqs',
      secretArn: () => undefined,
    },
  );
  return resources
    .filter((resource) => resource.type === type && !resource.logicalId.startsWith('alarming'))
    .flatMap((resource) => {
      const { Statement: statements } = resource.properties()[property] as {
        Statement: Statement[];
      };
      return statements
        .filter(({ Effect: effect }) => effect === 'Allow')
        .map((statement): [string, Statement] => [resource.logicalId, statement]);
    });
}

const ACCOUNT_ITSELF = 'arn:aws:iam::000000000000:root';

describe('with a principal of ConsentHub', () => {
  test('it may send to the queue of consent events, and to no other', () => {
    const statements = allowed('AWS::SQS::QueuePolicy', 'PolicyDocument', ROLE);
    expect(statements).toEqual([
      [
        expect.stringMatching(/^consenteventsqueue/),
        {
          Sid: 'OutsideSender',
          Effect: 'Allow',
          Principal: { AWS: ROLE },
          Action: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
          Resource: 'arn:aws:sqs:eu-central-1:000000000000:consent-events',
        },
      ],
    ]);
  });

  test('it may have SQS encrypt with the key of the queues, from another account too', () => {
    const statements = allowed('AWS::KMS::Key', 'KeyPolicy', ROLE);
    expect(statements.map(([, { Principal: principal }]) => principal.AWS)).toEqual([
      ACCOUNT_ITSELF,
      ROLE,
    ]);
    expect(statements[1]?.[1]).toMatchObject({
      Action: ['kms:GenerateDataKey', 'kms:Decrypt'],
      Condition: { StringEquals: { 'kms:ViaService': 'sqs.eu-central-1.amazonaws.com' } },
    });
  });
});

test('without one nobody outside the account may do anything', () => {
  expect(allowed('AWS::SQS::QueuePolicy', 'PolicyDocument', '')).toEqual([]);
  const keyUsers = allowed('AWS::KMS::Key', 'KeyPolicy', '');
  expect(keyUsers.map(([, { Principal: principal }]) => principal.AWS)).toEqual([ACCOUNT_ITSELF]);
});
