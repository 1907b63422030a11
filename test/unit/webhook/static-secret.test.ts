import { expect, test } from 'vitest';
import { verifyStaticSecret } from '../../../shared/webhook/static-secret.ts';

const SECRETS = ['current-secret', 'previous-secret'];

test.each([
  ['current-secret', 'valid'],
  ['previous-secret', 'valid'],
  [undefined, 'missing'],
  ['', 'mismatch'],
  ['current-secre', 'mismatch'],
  ['current-secret ', 'mismatch'],
  ['Current-Secret', 'mismatch'],
  ['current-secret,current-secret', 'mismatch'],
  ['current-secretprevious-secret', 'mismatch'],
])('the header %j is %s', (sent, verdict) => {
  expect(verifyStaticSecret(sent, SECRETS)).toBe(verdict);
});

test('nothing fits when there is no secret', () => {
  expect(verifyStaticSecret('current-secret', [])).toBe('mismatch');
});
