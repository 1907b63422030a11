import { describe, expect, test } from 'vitest';
import { parseArguments } from '../../../infra/local/consent/arguments.ts';
import { parseExpiry } from '../../../infra/local/consent/expiry.ts';

const id = '8a3f1c1e-0000-4000-8000-00000000000a';
const common = { json: false, allowRemote: false };
const grant = ['grant', '--patient', id, '--channel', 'email'];

describe('the command line of npm run consent', () => {
  test.each<[string[], object]>([
    [grant, { action: 'grant', patient: id, channel: 'email', publish: true }],
    [
      ['revoke', '--patient', id.toUpperCase(), '--channel', 'sms', '--no-event', '--timeout', '5'],
      { action: 'revoke', patient: id, channel: 'sms', publish: false, timeoutMs: 5000 },
    ],
    [
      [...grant, '--expires', '30s', '--local', '--json'],
      { action: 'grant', expiry: { afterSeconds: 30 }, json: true },
    ],
    [['list'], { action: 'list' }],
    [['list', '--allow-remote'], { action: 'list', allowRemote: true }],
    [['--help'], { action: 'help' }],
    [[...grant, '--help'], { action: 'help' }],
  ])('%j', (args, request) => {
    expect(parseArguments(args)).toMatchObject({ ...common, ...request });
  });

  test.each<[string[], string]>([
    [[], 'Say what to do: grant, revoke or list'],
    [['give'], 'give: not understood'],
    [['grant', 'email'], 'email: not understood'],
    [['grant', '--channel', 'email'], '--patient is missing'],
    [['grant', '--patient', 'ada', '--channel', 'email'], '--patient ada: not the id'],
    [['grant', '--patient', id], '--channel is missing: email, sms, phone, mail'],
    [['grant', '--patient', id, '--channel', 'fax'], '--channel fax: not email, sms'],
    [[...grant, '--expires', 'soon'], '--expires soon is neither a duration'],
    [['revoke', ...grant.slice(1), '--expires', '1d'], '--expires is for grants'],
    [[...grant, '--timeout', '0'], '--timeout 0: not a number of seconds'],
    [[...grant, '--timeout', '1h'], '--timeout 1h: not a number of seconds'],
    [[...grant, '--chanel', 'sms'], "Unknown option '--chanel'"],
    [['grant', '--patient'], "'--patient <value>' argument missing"],
  ])('%j is refused', (args, reason) => {
    expect(() => parseArguments(args)).toThrow(reason);
  });
});

describe('--expires', () => {
  test.each([
    ['30s', { afterSeconds: 30 }],
    ['10m', { afterSeconds: 600 }],
    ['12h', { afterSeconds: 43_200 }],
    ['2d', { afterSeconds: 172_800 }],
    ['2027-01-31T12:00:00Z', { at: new Date('2027-01-31T12:00:00Z') }],
    ['2027-01-31T12:00:00+02:00', { at: new Date('2027-01-31T10:00:00Z') }],
    ['2027-01-31', { at: new Date('2027-01-31T00:00:00Z') }],
  ])('%s', (text, expiry) => {
    expect(parseExpiry(text)).toEqual(expiry);
  });

  test.each(['', '30', '0s', '1w', '-5m', '2027-02-30', '2027-01-31T12:00:00', '31.01.2027'])(
    '%j is refused',
    (text) => {
      expect(() => parseExpiry(text)).toThrow('is neither a duration');
    },
  );
});
