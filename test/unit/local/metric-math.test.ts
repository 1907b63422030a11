import { describe, expect, test } from 'vitest';
import { parseExpression, type Series } from '../../../infra/local/cloudwatch/metric-math.ts';

const SERIES: Readonly<Record<string, Series>> = {
  a: new Map([
    [0, 1],
    [60, 2],
  ]),
  b: new Map([
    [60, 10],
    [120, 0],
  ]),
  none: new Map(),
};

const evaluate = (text: string): unknown =>
  Object.fromEntries(
    parseExpression(text).evaluate({
      series: (id) => SERIES[id] ?? new Map<number, number>(),
      periodSeconds: 60,
    }),
  );

describe('an expression', () => {
  test.each([
    ['SUM([a, b])', { 0: 1, 60: 12, 120: 0 }],
    ['SUM([a, none])', { 0: 1, 60: 2 }],
    ['MAX([a, b])', { 0: 1, 60: 10, 120: 0 }],
    ['MAX([a, 3 * a])', { 0: 3, 60: 6 }],
    ['a + b', { 60: 12 }],
    ['b - a * 2', { 60: 6 }],
    ['(b - a) * 2', { 60: 16 }],
    ['100 * a / 50', { 0: 2, 60: 4 }],
    ['a - 1 - 1', { 0: -1, 60: 0 }],
    ['a / b', { 60: 0.2 }],
    ['b / b', { 60: 1 }],
    ['b > a', { 60: 1 }],
    ['IF(b > a, a * PERIOD(a))', { 60: 120 }],
    ['IF(a > b, a)', {}],
  ])('%s', (text, values) => {
    expect(evaluate(text)).toEqual(values);
  });

  test('says what it is computed from', () => {
    expect(parseExpression('IF(b > a, b * PERIOD(b) / (b - a))').ids).toEqual(['b', 'a']);
  });

  test.each([
    ['SUM([a, b]', ') is missing'],
    ['(a, b)', ') is missing'],
    ['a +', 'something is missing at the end'],
    ['a b', 'b is not expected'],
    ['RATE(a)', 'RATE is not supported'],
    ['a ? b', 'cannot be read from 2 on'],
    ['a < b', 'cannot be read from 2 on'],
  ])('%s is refused', (text, reason) => {
    expect(() => parseExpression(text)).toThrow(reason);
  });
});
