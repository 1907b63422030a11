import { describe, expect, test } from 'vitest';
import { outsideSettings } from '../../../infra/local/outside/settings.ts';
import { isLoopbackUrl } from '../../../shared/dataverse/organization-url.ts';

const DYNAMICS = {
  DYNAMICS_ORG_URL: 'https://contoso.crm4.dynamics.com',
  DYNAMICS_CLIENT_ID: 'client',
  DYNAMICS_CLIENT_SECRET: 'secret',
};

test('nothing set: everything is simulated', () => {
  expect(outsideSettings({ DATABASE_URL: '', HOME: '/home' }, false)).toEqual({});
});

test('a replaced Dynamics gets Microsoft’s authority by default', () => {
  expect(outsideSettings(DYNAMICS, true)).toEqual({
    orgUrl: 'https://contoso.crm4.dynamics.com',
    authorityUrl: 'https://login.microsoftonline.com',
    clientId: 'client',
    clientSecret: 'secret',
  });
});

describe('refused', () => {
  test.each<[Record<string, string>, string]>([
    [DYNAMICS, 'DYNAMICS_ORG_URL is not on this machine'],
    [
      { ...DYNAMICS, DYNAMICS_ORG_URL: 'http://127.0.0.1:1' },
      'DYNAMICS_AUTHORITY_URL (by default) is not on',
    ],
    [{ DYNAMICS_ORG_URL: 'http://127.0.0.1:1' }, 'DYNAMICS_ORG_URL needs DYNAMICS_CLIENT_ID'],
    [
      { DYNAMICS_AUTHORITY_URL: 'http://127.0.0.1:1' },
      'DYNAMICS_AUTHORITY_URL needs DYNAMICS_ORG_URL',
    ],
    [
      { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:1' },
      'UPSTASH_REDIS_REST_URL needs UPSTASH_REDIS_REST_TOKEN',
    ],
    [{ DATABASE_URL: 'postgres://u:hush@db.example.com/x' }, 'DATABASE_URL is not on this machine'],
    [{ DATABASE_URL: 'nonsense' }, 'DATABASE_URL is not a URL'],
  ])('%j', (environment, message) => {
    let said = '';
    try {
      outsideSettings(environment, false);
    } catch (error) {
      said = String(error);
    }
    expect(said).toContain(message);
    expect(said).not.toContain('hush');
  });
});

test.each([
  ['DYNAMICS_ORG_URL', 'http://contoso.crm4.dynamics.com', 'must start with https://'],
  ['DYNAMICS_ORG_URL', 'https://contoso.example.com', 'not on a host of Microsoft Dynamics'],
  ['DYNAMICS_AUTHORITY_URL', 'https://login.example.com', 'not a host of Entra ID'],
])('--allow-remote does not send the client secret to %s=%s', (name, url, problem) => {
  expect(() => outsideSettings({ ...DYNAMICS, [name]: url }, true)).toThrow(problem);
});

test.each([
  ['http://127.0.0.1:8080', true],
  ['http://localhost', true],
  ['http://[::1]:1/x', true],
  ['postgres://u:p@127.0.0.1:5432/db', true],
  ['postgres://u:p@127.0.0.1/db?host=db.example.com', false],
  ['http://127.0.0.1.example.com', false],
  ['http://10.0.0.1', false],
  ['no url', false],
])('%s is loopback: %s', (url, expected) => {
  expect(isLoopbackUrl(url)).toBe(expected);
});
