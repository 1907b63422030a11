import { expect, test } from 'vitest';
import { type CheckName, runChecks } from '../../../shared/connection-test/checks.ts';
import type { Probe } from '../../../shared/connection-test/probe.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  TokenRefused,
} from '../../../shared/dataverse/errors.ts';

const HEALTHY: Probe = {
  whoAmI: async () => ({ organizationId: 'organization', userId: 'user' }),
  organizationName: async () => 'Fictitious Clinic',
  version: async () => '9.2.0.0',
  changeTrackingEnabled: async () => true,
  readTracked: async () => {},
  readPlainly: async () => {},
  write: async () => {},
  missingColumns: async () => [],
  webhookMessages: async () => ['Create', 'Update', 'Delete', 'Merge'],
};

const fails = (error: Error) => async (): Promise<never> => {
  throw error;
};
const forbidden = fails(new DataverseForbidden('0x80040220'));

async function failedWith(changes: Partial<Probe>): Promise<CheckName[]> {
  const { checks } = await runChecks(async () => ({ ...HEALTHY, ...changes }));
  for (const { ok, remedy } of checks) expect(remedy === null).toBe(ok);
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}

test('all is well', async () => {
  const { organization, user } = await runChecks(async () => HEALTHY);
  expect(organization).toEqual({
    id: 'organization',
    name: 'Fictitious Clinic',
    version: '9.2.0.0',
  });
  expect(user).toEqual({ id: 'user' });
  expect(await failedWith({})).toEqual([]);
});

test('without a token nothing else is tried', async () => {
  const { checks, organization } = await runChecks(fails(new TokenRefused([7_000_215])));
  expect(checks.map(({ name, ok }) => [name, ok])).toEqual([
    ['token', false],
    ['reachability', false],
    ['read', false],
    ['write', false],
    ['fields', false],
    ['changeTracking', false],
    ['webhook', false],
  ]);
  expect(checks[0]?.message).toContain('AADSTS7000215');
  expect(organization.id).toBeNull();
});

test.each([
  ['a user that is not there', new DataverseUnauthorized()],
  [
    'an organisation that is silent',
    new DataverseUnavailable({ reason: 'timeout', outcomeUnknown: false }),
  ],
])('behind %s nothing else is tried', async (_, error) => {
  expect(await failedWith({ whoAmI: fails(error) })).toHaveLength(6);
});

test.each([
  ['no organisation-level read', { readTracked: forbidden }, ['read']],
  ['no write', { write: forbidden }, ['write']],
  [
    'another refusal of the write',
    { write: fails(new DataverseRejected(400, undefined)) },
    ['write'],
  ],
  ['missing columns', { missingColumns: async () => ['ch_last_sync'] }, ['fields']],
  ['metadata that may not be read', { missingColumns: forbidden }, ['fields']],
  [
    'changes that are not tracked',
    { changeTrackingEnabled: async () => false },
    ['changeTracking'],
  ],
  [
    'changes that are not tracked, and no read at all',
    { changeTrackingEnabled: async () => false, readPlainly: forbidden },
    ['read', 'changeTracking'],
  ],
  [
    'a table definition that may not be read',
    { changeTrackingEnabled: forbidden },
    ['changeTracking'],
  ],
  ['a step that is missing', { webhookMessages: async () => ['Create', 'Update'] }, ['webhook']],
  ['steps that may not be read', { webhookMessages: forbidden }, ['webhook']],
  [
    'a name and a version that may not be read',
    { organizationName: forbidden, version: forbidden },
    [],
  ],
] satisfies [string, Partial<Probe>, CheckName[]][])('%s', async (_, changes, expected) => {
  expect(await failedWith(changes)).toEqual(expected);
});
