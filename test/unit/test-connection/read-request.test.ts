import { describe, expect, test } from 'vitest';
import { readTestRequest } from '../../../functions/test-connection/read-request.ts';

const AWS = { authorityUrl: 'https://login.microsoftonline.com', allowLoopback: false };
const GIVEN = {
  orgUrl: 'https://contoso.crm4.dynamics.com',
  clientId: 'b7f6f3c6-55a5-4d8e-8b39-8f1f1d0d9c01',
  clientSecret: 'a secret of the application',
};

const read = (changes: object) => readTestRequest(JSON.stringify({ ...GIVEN, ...changes }), AWS);

test.each(['', ' \n'])('an empty body %j means the configured connection', (body) => {
  expect(readTestRequest(body, AWS)).toEqual({ kind: 'configured' });
});

test.each([
  undefined,
  '72f988bf-86f1-41af-91ab-2d7cd011db47',
  'contoso.onmicrosoft.com',
  'xn--mnchen-3ya.example',
])(
  'credentials are taken with the tenant %j, and the authority is the configured one',
  (tenantId) => {
    expect(read({ tenantId })).toEqual({
      kind: 'given',
      connection: {
        ...GIVEN,
        authorityUrl: AWS.authorityUrl,
        ...(tenantId !== undefined && { tenantId }),
      },
    });
  },
);

describe('nothing can be sent elsewhere', () => {
  test.each([
    'https://example.com',
    'https://contoso.crm4.dynamics.com.example.com',
    'https://contoso.crm4.dynamics.com@example.com',
    'https://contoso.crm4.dynamics.com:8443',
    'https://contoso.crm4.dynamics.com/path',
    'https://contoso.crm4.dynamics.com?x=1',
    'http://contoso.crm4.dynamics.com',
    'http://127.0.0.1:8080',
    'http://localhost',
    'http://[::1]',
    'http://169.254.169.254',
    'https://10.0.0.1',
    'file:///etc/passwd',
    '',
  ])('the organisation %j is refused', (orgUrl) => {
    expect(read({ orgUrl })).toMatchObject({ kind: 'malformed', fields: ['orgUrl'] });
  });

  test.each([
    'common',
    'organizations',
    '../common',
    'a/../b.example',
    'contoso.example/oauth2',
    'contoso.example?x',
    'contoso.example#x',
    '.example',
    'contoso..example',
    'contoso.example\n',
    '',
    'a'.repeat(300) + '.example',
  ])('the tenant %j is refused', (tenantId) => {
    expect(read({ tenantId })).toMatchObject({ kind: 'malformed', fields: ['tenantId'] });
  });
});

test.each([
  ['no GUID for the application', { clientId: 'mine' }, ['clientId']],
  ['an empty secret', { clientSecret: '' }, ['clientSecret']],
  [
    'nothing but a URL',
    { clientId: undefined, clientSecret: undefined },
    ['clientId', 'clientSecret'],
  ],
  ['a field of somebody else', { 'p@ssw0rd': 1 }, []],
])('%s is refused, naming fields and repeating nothing', (_, changes, fields) => {
  const result = read(changes);
  expect(result).toMatchObject({ kind: 'malformed', fields });
  expect(JSON.stringify(result)).not.toMatch(/p@ssw0rd|a secret of/);
});

test.each(['null', '[]', '"text"', '{', `{"orgUrl":"${'x'.repeat(9_000)}"}`])(
  'a body such as %.20s is refused',
  (body) => {
    expect(readTestRequest(body, AWS)).toMatchObject({ kind: 'malformed' });
  },
);

test('the local stack has its organisations on loopback', () => {
  const body = JSON.stringify({ ...GIVEN, orgUrl: 'http://127.0.0.1:8080' });
  expect(readTestRequest(body, { ...AWS, allowLoopback: true })).toMatchObject({ kind: 'given' });
});
