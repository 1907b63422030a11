import { expect, test } from 'vitest';
import { durationText, timeText } from '../../../shared/connection-status/format-time.ts';

const NOW_MS = Date.parse('2026-11-25T20:15:00Z');
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [0, 'just now'],
  [-4.9, 'just now'],
  [4.9, 'just now'],
  [-5, '5 seconds ago'],
  [-12.9, '12 seconds ago'],
  [-59, '59 seconds ago'],
  [-119, '1 minute ago'],
  [-2 * MINUTE, '2 minutes ago'],
  [-119 * MINUTE, '119 minutes ago'],
  [-2 * HOUR, '2 hours ago'],
  [-47 * HOUR, '47 hours ago'],
  [-2 * DAY, '2 days ago'],
  [-400 * DAY, '400 days ago'],
  [52 * MINUTE, 'in 52 minutes'],
])('%d seconds from now is %s', (seconds, expected) => {
  expect(timeText(NOW_MS + seconds * 1_000, NOW_MS, 'UTC').relative).toBe(expected);
});

test('says the exact time in the given zone, and to programs in UTC', () => {
  const { exact, iso } = timeText(NOW_MS, NOW_MS, 'Europe/Berlin');
  expect(exact).toBe('25 Nov 2026, 21:15:00 CET');
  expect(iso).toBe('2026-11-25T20:15:00.000Z');
});

test.each([
  [0, '0 seconds'],
  [1, '1 second'],
  [59, '59 seconds'],
  [119, '1 minute'],
  [412, '6 minutes'],
  [3 * HOUR, '3 hours'],
  [3 * DAY, '3 days'],
])('%d seconds last %s', (seconds, expected) => {
  expect(durationText(seconds)).toBe(expected);
});
