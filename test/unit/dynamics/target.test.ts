import { expect, test } from 'vitest';
import { readTarget, type TargetSource } from '../../../infra/dynamics/target.ts';

const COMPLETE = {
  DYNAMICS_ORG_URL: 'https://contoso.crm4.dynamics.com/',
  DYNAMICS_CLIENT_ID: 'client',
  DYNAMICS_CLIENT_SECRET: 'client secret',
  DYNAMICS_WEBHOOK_SECRET: 'webhook secret',
  DATABASE_URL: 'postgres://user:password@host/database',
};
const WEBHOOK_URL = 'https://api.example.com/api/dynamics/webhook';

const source = (changes: Partial<TargetSource> = {}): TargetSource => ({
  local: false,
  environment: COMPLETE,
  stackFile: '/nowhere/stack.json',
  text: () => WEBHOOK_URL,
  ...changes,
});

test('the environment says which organisation', () => {
  expect(readTarget(['dynamics', 'webhook'], source())).toMatchObject({
    dynamics: {
      orgUrl: 'https://contoso.crm4.dynamics.com',
      authorityUrl: 'https://login.microsoftonline.com',
    },
    webhook: { url: WEBHOOK_URL, secret: 'webhook secret' },
  });
});

test('all that is missing is named at once, and only what the command needs', () => {
  const empty = source({ environment: { DYNAMICS_CLIENT_ID: '' }, text: () => undefined });
  expect(() => readTarget(['dynamics', 'database', 'webhook'], empty)).toThrow(
    /^Missing: DYNAMICS_ORG_URL, DYNAMICS_CLIENT_ID, DYNAMICS_CLIENT_SECRET, DYNAMICS_WEBHOOK_SECRET, DATABASE_URL, the option --webhook-url https:/,
  );
  expect(() => readTarget(['database'], empty)).toThrow(/^Missing: DATABASE_URL\. /);
});

test.each(['http://api.example.com/api/dynamics/webhook', 'https://api.example.com/', 'webhook'])(
  '%s is no place for webhooks',
  (url) => {
    expect(() => readTarget(['webhook'], source({ text: () => url }))).toThrow('not of the form');
  },
);

test('credentials go to hosts of Microsoft only', () => {
  const elsewhere = { ...COMPLETE, DYNAMICS_ORG_URL: 'http://127.0.0.1:4000' };
  expect(() => readTarget(['dynamics'], source({ environment: elsewhere }))).toThrow('loopback');
});

test('without a stack --local says how to start one', () => {
  expect(() => readTarget(['dynamics'], source({ local: true }))).toThrow('npm start');
});
