import { expect, test } from 'vitest';
import { repairedAsText, verifiedAsText } from '../../../infra/dynamics/verify/report.ts';
import type { Verified } from '../../../shared/verify/verify.ts';

const AGREED: Verified = {
  outcome: 'finished',
  rows: { known: 12, linked: 11, deleted: 1 },
  listed: 12,
  compared: 12,
  agreed: 12,
  inProgress: 0,
  failing: [],
  unreadable: [],
  differing: [],
};
const differing = (n: number) => ({
  contactId: `c0000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
  patientId: null,
  revision: null,
  differences: [
    { code: 'profile', fields: ['email'], repair: 'read' },
    { code: 'merged-into', fields: [], repair: 'read' },
  ] as const,
});

test('what agrees is said in a few lines', () => {
  expect(verifiedAsText(AGREED, 3_000)).toBe(
    [
      'Dynamics has 12 contacts, ConsentHub knows 12 (11 linked to a patient).',
      'Compared 12 in 3 s:',
      '  12  agree',
      '',
      'Both sides agree.',
    ].join('\n'),
  );
  expect(verifiedAsText({ ...AGREED, listed: null }, 0)).toContain('as far as the sample goes.');
  expect(verifiedAsText({ ...AGREED, inProgress: 1 }, 0)).toContain(
    'Both sides agree, but for what is in progress.',
  );
});

test('what differs is named by its contact and fields, and explained', () => {
  const text = verifiedAsText({ ...AGREED, agreed: 11, differing: [differing(7)] }, 0);
  expect(text).toContain('c0000000-0000-4000-8000-000000000007  profile (email), merged-into');
  expect(text).toContain('  profile: name, email or phone differ');
  expect(text).not.toContain('contact-unknown');
  expect(text).toMatch(/Both sides differ\.$/);
});

test('of very many the first ones are shown', () => {
  const many = Array.from({ length: 130 }, (_, index) => differing(index));
  const text = verifiedAsText({ ...AGREED, differing: many }, 0);
  expect(text.match(/^ {2}c0/gm)).toHaveLength(100);
  expect(text).toContain('and 30 more (--json)');
});

test('what could not be compared, and what fails, is not passed over', () => {
  const text = verifiedAsText(
    { ...AGREED, agreed: 10, inProgress: 1, failing: ['c-1'], unreadable: ['c-2'] },
    0,
  );
  expect(text).toContain('Failing again and again');
  expect(text).toContain('  c-1');
  expect(text).toContain('  c-2');
  expect(text).toMatch(/Not everything could be compared\.$/);
  expect(verifiedAsText({ ...AGREED, outcome: 'interrupted' }, 0)).toMatch(/was not compared\.$/);
});

test('a repair says what it has left alone', () => {
  expect(repairedAsText(3, 3)).not.toContain('meanwhile');
  expect(repairedAsText(2, 3)).toContain('1 changed meanwhile');
});
