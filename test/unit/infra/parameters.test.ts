import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { buildStacks } from './build-stacks.ts';

const template = Template.fromStack(buildStacks().bridge);

/** Whether CloudFormation would take the value: its patterns have to match the whole of it. */
function accepts(name: string, value: string): boolean {
  const { AllowedPattern: pattern } = template.findParameters(name)[name] as {
    AllowedPattern: string;
  };
  return new RegExp(`^(?:${pattern})$`).test(value);
}

describe.each(['DynamicsOrgUrl', 'DynamicsAuthorityUrl', 'UpstashRedisRestUrl'])('%s', (name) => {
  test.each([
    'https://contoso.crm4.dynamics.com',
    'https://contoso.crm4.dynamics.com/',
    'http://127.0.0.1:8080',
    'http://localhost:8080',
    'http://[::1]:8080',
  ])('takes %s', (value) => {
    expect(accepts(name, value)).toBe(true);
  });

  test.each([
    '',
    'contoso.crm4.dynamics.com',
    'http://contoso.crm4.dynamics.com',
    'http://127.0.0.1.example.com',
    'http://localhost:80@example.com',
    'https://contoso.crm4.dynamics.com@example.com',
    'https://contoso.crm4.dynamics.com/main.aspx',
    'https://contoso.crm4.dynamics.com?x=1',
  ])('refuses %j', (value) => {
    expect(accepts(name, value)).toBe(false);
  });
});

test.each(['', '72f988bf-86f1-41af-91ab-2d7cd011db47', 'contoso.onmicrosoft.com'])(
  'DynamicsTenantId takes %j',
  (value) => {
    expect(accepts('DynamicsTenantId', value)).toBe(true);
  },
);

test('DynamicsTenantId refuses what would change the path of the token request', () => {
  expect(accepts('DynamicsTenantId', '../common')).toBe(false);
});

test.each([
  '',
  'arn:aws:iam::111122223333:role/consenthub',
  'arn:aws:iam::111122223333:role/services/consenthub-api',
  'arn:aws-us-gov:iam::111122223333:user/consenthub@example',
])('ConsentHubPrincipalArn takes %j', (value) => {
  expect(accepts('ConsentHubPrincipalArn', value)).toBe(true);
});

test.each([
  '*',
  '111122223333',
  'arn:aws:iam::111122223333:root',
  'arn:aws:iam::111122223333:role/',
  'arn:aws:iam::111122223333:role/*',
  'arn:aws:iam::*:role/consenthub',
  'arn:aws:sts::111122223333:assumed-role/consenthub/session',
])('ConsentHubPrincipalArn refuses %j', (value) => {
  expect(accepts('ConsentHubPrincipalArn', value)).toBe(false);
});

test.each([
  'https://auth.consenthub.example',
  'https://tenant.eu.auth0.com/',
  'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123',
  'http://127.0.0.1:8080',
])('ApiTokenIssuer takes %j', (value) => {
  expect(accepts('ApiTokenIssuer', value)).toBe(true);
});

test.each(['', 'auth.consenthub.example', 'http://auth.consenthub.example', 'https://a.example?x'])(
  'ApiTokenIssuer refuses %j',
  (value) => {
    expect(accepts('ApiTokenIssuer', value)).toBe(false);
  },
);

test.each([
  '',
  'https://app.consenthub.example',
  'https://app.consenthub.example,https://staging.consenthub.example:8443',
  'http://localhost:3000',
])('ApiAllowedOrigins takes %j', (value) => {
  expect(accepts('ApiAllowedOrigins', value)).toBe(true);
});

test.each([
  '*',
  'https://*.consenthub.example',
  'http://app.consenthub.example',
  'https://app.consenthub.example/',
  'https://a.example, https://b.example',
])('ApiAllowedOrigins refuses %j', (value) => {
  expect(accepts('ApiAllowedOrigins', value)).toBe(false);
});

test.each(['ApiTokenAudience', 'ApiRequiredScope'])('%s is one word', (name) => {
  expect(accepts(name, 'api://consenthub/dynamics.manage')).toBe(true);
  expect(accepts(name, '')).toBe(false);
  expect(accepts(name, 'two words')).toBe(false);
});

test('WebhookAuthentication is the signature unless somebody asks for the header', () => {
  const name = 'WebhookAuthentication';
  expect(template.findParameters(name)[name]).toMatchObject({ Default: 'signature' });
  const values = ['signature', 'header', '', 'none', 'Header', 'signature,header'];
  expect(values.filter((value) => accepts(name, value))).toEqual(['signature', 'header']);
});
