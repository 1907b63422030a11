import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { durationText, paceOf, paceText } from '../../../infra/command-line/progress/pace.ts';
import { showProgress } from '../../../infra/command-line/progress/show-progress.ts';

const pace = { done: 30_000, startedWith: 10_000, elapsedMs: 20_000, total: 200_000 };

test('the rate is that of this command, the estimate follows from it', () => {
  expect(paceOf(pace)).toMatchObject({ perSecond: 1000, secondsLeft: 170 });
  expect(paceText('contacts', paceOf(pace))).toBe(
    '30000 of about 200000 contacts read, 1000 a second, about 2 min 50 s left',
  );
});

test.each([
  [{ ...pace, elapsedMs: 0 }, undefined],
  [{ ...pace, total: undefined }, undefined],
  [{ ...pace, total: 100 }, 0],
])('%j: %s s left', (progress, secondsLeft) => {
  expect(paceOf(progress).secondsLeft).toBe(secondsLeft);
});

test.each([
  [41.6, '42 s'],
  [200, '3 min 20 s'],
  [7_500, '2 h 5 min'],
])('%s s are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});

test('without a terminal a line is written now and then', () => {
  let nowMs = 0;
  const said: string[] = [];
  const shown = showProgress({
    things: 'contacts',
    terminal: undefined,
    now: () => nowMs,
    line: (text) => said.push(text),
  });
  for (nowMs = 0; nowMs < 25_000; nowMs += 1_000) shown.show(paceOf(pace));
  shown.end();
  expect(said).toHaveLength(2);
});

test('on a terminal a bar is drawn', () => {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  const shown = showProgress({ things: 'contacts', terminal, now: () => 0, line: () => undefined });
  shown.show(paceOf(pace));
  shown.show(paceOf({ ...pace, done: 210_000 }));
  shown.end();
  expect(String(terminal.read())).toContain('210000 contacts');
});
