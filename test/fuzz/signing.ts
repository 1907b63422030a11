import * as fc from 'fast-check';
import { signatureOf } from '../support/execution-context.ts';
import { personal } from './personal-data.ts';

/** What the function knows, and what it knew before the last rotation but one. */
export const SECRETS = {
  current: 'the-secret-of-the-fuzzed-webhook',
  previous: 'the-secret-that-was-rotated-a-moment-ago',
  forgotten: 'the-secret-of-last-year',
} as const;

/** Well within the five minutes, so that no slow machine gets to the edge. */
const FRESH_SECONDS = 200;
const STALE_SECONDS = 400;

/** Names and values in turns, as they come over the wire. */
export type RawHeaders = readonly string[];

/** A signature that has to be accepted, in one of the forms that are. */
interface Signing {
  readonly secret: 'current' | 'previous';
  readonly letters: 'lower' | 'upper' | 'mixed';
  readonly prefix: '' | 'sha256=' | 'SHA256=' | 'Sha256=';
  readonly space: '' | ' ' | '\t ';
  readonly headerName: string;
  readonly ageSeconds: number | undefined;
}

export const signing: fc.Arbitrary<Signing> = fc.record({
  secret: fc.constantFrom('current', 'previous'),
  letters: fc.constantFrom('lower', 'upper', 'mixed'),
  prefix: fc.constantFrom('', 'sha256=', 'SHA256=', 'Sha256='),
  space: fc.constantFrom('', ' ', '\t '),
  headerName: fc.constantFrom(
    'X-Dynamics-Signature',
    'x-dynamics-signature',
    'X-DYNAMICS-SIGNATURE',
  ),
  ageSeconds: fc.option(fc.integer({ min: -FRESH_SECONDS, max: FRESH_SECONDS }), {
    nil: undefined,
  }),
});

export function signedHeaders(body: Buffer, how: Signing, nowMs: number): RawHeaders {
  const timestamp = how.ageSeconds === undefined ? undefined : secondsAgo(how.ageSeconds, nowMs);
  const hex = cased(signatureOf(body, SECRETS[how.secret], timestamp), how.letters);
  const signature = `${how.space}${how.prefix}${hex}${how.space}`;
  return [
    how.headerName,
    signature,
    ...(timestamp === undefined ? [] : ['X-Dynamics-Timestamp', timestamp]),
  ];
}

/** One way to get the signature wrong. */
type Forgery =
  | { readonly kind: 'missing' | 'empty' | 'twice' | 'twice-one-good' | 'base64' | 'base64url' }
  | { readonly kind: 'forgotten-secret' | 'timestamp-not-signed' | 'timestamp-not-sent' }
  | { readonly kind: 'prefix' | 'text'; readonly text: string }
  | { readonly kind: 'cut' | 'digit' | 'space-inside' | 'full-width'; readonly at: number }
  | { readonly kind: 'appended'; readonly text: string }
  | { readonly kind: 'other-secret'; readonly secret: string }
  | { readonly kind: 'timestamp'; readonly text: string }
  | { readonly kind: 'stale'; readonly ageSeconds: number };

const at = fc.nat({ max: 63 });

export const forgery: fc.Arbitrary<Forgery> = fc.oneof(
  fc.record({
    kind: fc.constantFrom(
      'missing' as const,
      'empty' as const,
      'twice' as const,
      'twice-one-good' as const,
      'base64' as const,
      'base64url' as const,
      'forgotten-secret' as const,
      'timestamp-not-signed' as const,
      'timestamp-not-sent' as const,
    ),
  }),
  fc.record({
    kind: fc.constant('prefix' as const),
    text: fc.constantFrom('sha1=', 'sha256:', 'sha256 ', 'sha256=sha256=', 'hmac ', '0x', '='),
  }),
  fc.record({ kind: fc.constant('text' as const), text: fc.oneof(fc.string(), personal) }),
  fc.record({
    kind: fc.constantFrom(
      'cut' as const,
      'digit' as const,
      'space-inside' as const,
      'full-width' as const,
    ),
    at,
  }),
  fc.record({
    kind: fc.constant('appended' as const),
    text: fc.constantFrom('0', '00', ',', ';', '\u0000', 'é', '=', '\n0'),
  }),
  fc.record({
    kind: fc.constant('other-secret' as const),
    secret: fc.string().filter((text) => !Object.values<string>(SECRETS).includes(text)),
  }),
  fc.record({
    kind: fc.constant('timestamp' as const),
    text: fc.oneof(
      fc.constantFrom(
        '',
        ' ',
        '-1',
        '1e9',
        '0x10',
        '1.5',
        'NaN',
        'Infinity',
        '１７９０００００００',
      ),
      fc.constantFrom('9'.repeat(12), '9'.repeat(13), '0', '1790000000,1790000000'),
      fc.string().filter((text) => !/^\d{1,12}$/.test(text)),
      personal,
    ),
  }),
  fc.record({
    kind: fc.constant('stale' as const),
    ageSeconds: fc
      .tuple(fc.constantFrom(-1, 1), fc.integer({ min: STALE_SECONDS, max: 1_000_000_000 }))
      .map(([direction, seconds]) => direction * seconds),
  }),
);

/** The headers of a request that has to be refused. */
export function forgedHeaders(body: Buffer, how: Forgery, nowMs: number): RawHeaders {
  const good = signatureOf(body, SECRETS.current);
  const bytes = Buffer.from(good, 'hex');
  const signature = (value: string): RawHeaders => ['X-Dynamics-Signature', value];
  const withTimestamp = (text: string, hex: string): RawHeaders => [
    ...signature(hex),
    'X-Dynamics-Timestamp',
    text,
  ];
  const signedWith = (text: string) =>
    withTimestamp(text, signatureOf(body, SECRETS.current, text));
  switch (how.kind) {
    case 'missing':
      return [];
    case 'empty':
      return signature('');
    case 'twice':
      return [...signature(good), ...signature(good)];
    case 'twice-one-good':
      return [...signature(good), ...signature('00'.repeat(32))];
    case 'base64':
      return signature(bytes.toString('base64'));
    case 'base64url':
      return signature(bytes.toString('base64url'));
    case 'forgotten-secret':
      return signature(signatureOf(body, SECRETS.forgotten));
    case 'timestamp-not-signed':
      return withTimestamp(secondsAgo(0, nowMs), good);
    case 'timestamp-not-sent':
      return signature(signatureOf(body, SECRETS.current, secondsAgo(0, nowMs)));
    case 'prefix':
      return signature(how.text + good);
    case 'text':
      return signature(how.text);
    case 'cut':
      return signature(good.slice(0, how.at));
    case 'digit':
      return signature(spliced(good, how.at, otherDigit(good.charAt(how.at))));
    case 'space-inside':
      return signature(spliced(good, how.at, ` ${good.charAt(how.at)} ${good.charAt(how.at)}`));
    case 'full-width':
      return signature(spliced(good, how.at, '０'));
    case 'appended':
      return signature(good + how.text);
    case 'other-secret':
      return signature(signatureOf(body, how.secret));
    case 'timestamp':
      return signedWith(how.text);
    case 'stale':
      return signedWith(secondsAgo(how.ageSeconds, nowMs));
  }
}

function secondsAgo(seconds: number, nowMs: number): string {
  return String(Math.floor(nowMs / 1000) - seconds);
}

function cased(hex: string, letters: Signing['letters']): string {
  if (letters === 'lower') return hex;
  const upper = hex.toUpperCase();
  return letters === 'upper' ? upper : upper.slice(0, 32) + hex.slice(32);
}

function spliced(text: string, index: number, put: string): string {
  return text.slice(0, index) + put + text.slice(index + 1);
}

function otherDigit(digit: string): string {
  return digit === '0' ? '1' : '0';
}
