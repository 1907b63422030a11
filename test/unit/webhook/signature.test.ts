import { describe, expect, test } from 'vitest';
import { TIMESTAMP_TOLERANCE_SECONDS, verifySignature } from '../../../shared/webhook/signature.ts';
import { signatureOf } from '../../support/execution-context.ts';

const SECRET = 'a-secret-of-the-tests';
const OLD_SECRET = 'the-secret-before-it';
const NOW = 1_790_000_000;
const body = Buffer.from('{"MessageName":"Create"}');
const verify = (signature: string | undefined, timestamp?: string, secrets = [SECRET]) =>
  verifySignature({ rawBody: body, signature, timestamp }, secrets, NOW);

describe('the signature of a webhook', { tags: ['fault-23'] }, () => {
  const good = signatureOf(body, SECRET);

  test.each([
    ['lower case', good],
    ['upper case', good.toUpperCase()],
    ['with the prefix', `sha256=${good}`],
    ['with the prefix in upper case', `SHA256=${good.toUpperCase()}`],
  ])('is accepted in %s', (_, signature) => {
    expect(verify(signature)).toBe('valid');
  });

  test.each([
    ['is missing', undefined, 'missing'],
    ['is empty', '', 'malformed'],
    ['is too short', good.slice(2), 'malformed'],
    ['is too long', `${good}00`, 'malformed'],
    ['is sent twice', `${good},${good}`, 'malformed'],
    ['is base64', Buffer.from(good, 'hex').toString('base64'), 'malformed'],
    ['has another prefix', `sha1=${good}`, 'malformed'],
    ['is of another secret', signatureOf(body, 'another'), 'mismatch'],
    ['is of another body', signatureOf('{}', SECRET), 'mismatch'],
  ])('is refused if it %s', (_, signature, verdict) => {
    expect(verify(signature)).toBe(verdict);
  });

  test('of the previous secret is valid during a rotation, of an older one not', {
    tags: ['fault-22'],
  }, () => {
    const old = signatureOf(body, OLD_SECRET);
    expect(verify(old, undefined, [SECRET, OLD_SECRET])).toBe('valid');
    expect(verify(old, undefined, [SECRET])).toBe('mismatch');
  });

  test('of an empty body is checked like any other', () => {
    const signature = signatureOf('', SECRET);
    const empty = { rawBody: new Uint8Array(), signature, timestamp: undefined };
    expect(verifySignature(empty, [SECRET], NOW)).toBe('valid');
  });
});

describe('a timestamp', () => {
  const signed = (timestamp: number | string) => signatureOf(body, SECRET, String(timestamp));

  test.each([
    ['now', NOW, 'valid'],
    ['at the edge of the past', NOW - TIMESTAMP_TOLERANCE_SECONDS, 'valid'],
    ['at the edge of the future', NOW + TIMESTAMP_TOLERANCE_SECONDS, 'valid'],
    ['too old', NOW - TIMESTAMP_TOLERANCE_SECONDS - 1, 'stale'],
    ['too far ahead', NOW + TIMESTAMP_TOLERANCE_SECONDS + 1, 'stale'],
  ])('%s is %s', (_, timestamp, verdict) => {
    expect(verify(signed(timestamp), String(timestamp))).toBe(verdict);
  });

  test('is covered by the signature', () => {
    expect(verify(signed(NOW), String(NOW + 1))).toBe('mismatch');
    expect(verify(signed(NOW), undefined)).toBe('mismatch');
    expect(verify(signatureOf(body, SECRET), String(NOW))).toBe('mismatch');
  });

  test.each(['', 'soon', '1.5', '-1', '1790000000,1790000000', '1e9'])(
    '%j is refused',
    (timestamp) => {
      expect(verify(signed(timestamp), timestamp)).toBe('malformed');
    },
  );

  test('tells its age only to who has the secret', () => {
    const old = String(NOW - 10_000);
    expect(verify(signatureOf(body, 'another', old), old)).toBe('mismatch');
  });
});
