import { expect, test } from 'vitest';
import {
  ConnectionPaused,
  ConsentFieldsMissing,
  DataverseForbidden,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
  TokenRefused,
  TokenUnavailable,
} from '../../../shared/dataverse/errors.ts';
import { columnsMissing, problemOf } from '../../../shared/dataverse/problem.ts';

const network = { reason: 'network', outcomeUnknown: false } as const;

test.each([
  ['a wrong secret', new TokenRefused([7_000_215]), 'client_secret_wrong'],
  ['an expired secret', new TokenRefused([7_000_222]), 'client_secret_expired'],
  ['an unknown application', new TokenRefused([700_016]), 'application_unknown'],
  ['a wrong tenant', new TokenRefused([90_002]), 'tenant_unknown'],
  ['an unknown organisation', new TokenRefused([500_011]), 'organization_unknown'],
  ['another refusal', new TokenRefused([53_003]), 'credentials_refused'],
  ['a refusal without a code', new TokenRefused([]), 'credentials_refused'],
  ['no application user', new DataverseUnauthorized(), 'application_user_missing'],
  ['a missing privilege', new DataverseForbidden('0x80040220'), 'privilege_missing'],
  ['another denial', new DataverseForbidden(undefined), 'access_denied'],
  ['a missing column', new ConsentFieldsMissing({ column: 'ch_last_sync' }), 'column_missing'],
  ['a silent Entra ID', new TokenUnavailable({ reason: 'timeout' }), 'entra_unavailable'],
  ['a silent Dataverse', new DataverseUnavailable(network), 'organization_unreachable'],
  [
    'a throttling Dataverse',
    new DataverseUnavailable({ ...network, reason: 'throttled' }),
    'connection_throttled',
  ],
  ['a pause after throttling', new ConnectionPaused('throttled', 9), 'connection_throttled'],
  ['a pause in an outage', new ConnectionPaused('server-error', 5), 'connection_paused'],
  [
    'a pause after a refusal',
    new ConnectionPaused('credentials-refused', 60),
    'credentials_refused',
  ],
  ['something that is no Dataverse', new DataverseUnreadable('bare 404'), 'organization_not_found'],
  ['anything else', new Error('with a secret'), 'unexpected'],
])('%s', (_, error, code) => {
  const problem = problemOf(error);
  expect(problem.code).toBe(code);
  expect(problem.remedy).not.toBe('');
  expect(JSON.stringify(problem)).not.toContain('with a secret');
});

test('what administrators get wrong most has six different remedies', () => {
  const remedies = [
    problemOf(new TokenRefused([7_000_215])),
    problemOf(new TokenRefused([7_000_222])),
    problemOf(new TokenRefused([90_002])),
    problemOf(new TokenRefused([500_011])),
    problemOf(new DataverseForbidden('0x80040220')),
    columnsMissing(['ch_last_sync']),
  ].map(({ remedy }) => remedy);
  expect(new Set(remedies).size).toBe(6);
});
