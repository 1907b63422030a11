import { expect, test } from 'vitest';
import { importAsText } from '../../../infra/dynamics/import/report.ts';

const COUNTS = {
  pages: 2,
  listed: 6_000,
  created: 5_990,
  linked: 10,
  updated: 0,
  unlinked: 0,
  edited: 0,
  asked: 0,
  refused: 0,
  missed: 0,
};

test('the summary says what was done and how to go on', () => {
  const finished = importAsText(
    { outcome: 'finished', problem: null, counts: COUNTS },
    undefined,
    6_000,
    false,
  );
  expect(finished).toContain('Read 6000 contacts on 2 pages in 6 s (1000 a second).');
  expect(finished).toContain('5990  patients created');
  expect(finished).not.toContain('patients updated');
  const interrupted = { outcome: 'unfinished', problem: null, counts: COUNTS } as const;
  expect(importAsText(interrupted, undefined, 6_000, true)).toContain(
    'npm run dynamics -- import --local',
  );
  const stopped = { outcome: 'finished', problem: 'contacts_missing', counts: COUNTS } as const;
  expect(importAsText(stopped, undefined, 6_000, false)).toContain('--max-missing');
  const failed = { outcome: 'failed', problem: null, counts: COUNTS } as const;
  expect(importAsText(failed, 'Nobody answers.', 6_000, false)).toMatch(
    /\n\nNobody answers\.\n\nNot finished\. Once the cause is removed/,
  );
});
