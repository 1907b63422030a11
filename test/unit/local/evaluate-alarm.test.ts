import { describe, expect, test } from 'vitest';
import { type AlarmState, evaluateAlarm } from '../../../infra/local/cloudwatch/evaluate-alarm.ts';

const threshold = 10;

/** Values of an evaluation range, the oldest first: `X` is breaching, `0` is not, `-` is missing. */
const range = (points: string): (number | undefined)[] =>
  points
    .split(' ')
    .map((point) => (point === '-' ? undefined : point === 'X' ? threshold : 0))
    .toReversed();

const evaluate = (
  points: string,
  datapointsToAlarm: number,
  missingData: 'breaching' | 'notBreaching' | 'ignore',
  state: AlarmState = 'INSUFFICIENT_DATA',
) =>
  evaluateAlarm(
    {
      comparison: 'GreaterThanOrEqualToThreshold',
      threshold,
      evaluationPeriods: 3,
      datapointsToAlarm,
      missingData,
    },
    range(points),
    state,
  );

// The tables of "Configuring how CloudWatch alarms treat missing data" (CloudWatch user guide); `-`
// there means that the state stays as it is.
describe('an alarm that evaluates three of five retrieved datapoints', () => {
  test.each([
    { toAlarm: 3, points: '0 - X - X', ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
    { toAlarm: 3, points: '0 - - - -', ignore: 'OK', breaching: 'OK', notBreaching: 'OK' },
    { toAlarm: 3, points: '- - - - -', ignore: '-', breaching: 'ALARM', notBreaching: 'OK' },
    { toAlarm: 3, points: '0 X X - X', ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { toAlarm: 3, points: '- - X - -', ignore: '-', breaching: 'ALARM', notBreaching: 'OK' },
    { toAlarm: 2, points: '0 - X - X', ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { toAlarm: 2, points: '0 0 X 0 X', ignore: 'ALARM', breaching: 'ALARM', notBreaching: 'ALARM' },
    { toAlarm: 2, points: '0 - X - -', ignore: 'OK', breaching: 'ALARM', notBreaching: 'OK' },
    { toAlarm: 2, points: '- - - - 0', ignore: 'OK', breaching: 'ALARM', notBreaching: 'OK' },
    { toAlarm: 2, points: '- - - X -', ignore: '-', breaching: 'ALARM', notBreaching: 'OK' },
  ] as const)('$toAlarm to alarm: $points', ({ toAlarm, points, ...expected }) => {
    for (const state of ['OK', 'ALARM', 'INSUFFICIENT_DATA'] as const) {
      for (const missingData of ['ignore', 'breaching', 'notBreaching'] as const) {
        const then = expected[missingData];
        expect(evaluate(points, toAlarm, missingData, state)).toBe(then === '-' ? state : then);
      }
    }
  });

  test('goes by the most recent values where there are enough', () => {
    expect(evaluate('X X 0 0 0', 2, 'breaching')).toBe('OK');
    expect(evaluate('0 0 X X 0', 2, 'notBreaching')).toBe('ALARM');
  });
});

test.each([
  ['GreaterThanOrEqualToThreshold', 9.9, 'OK'],
  ['GreaterThanOrEqualToThreshold', 10, 'ALARM'],
  ['LessThanThreshold', 10, 'OK'],
  ['LessThanThreshold', 9.9, 'ALARM'],
] as const)('%s: %d is %s', (comparison, value, state) => {
  const once = { evaluationPeriods: 1, datapointsToAlarm: 1, missingData: 'ignore' } as const;
  expect(evaluateAlarm({ ...once, comparison, threshold }, [value], 'OK')).toBe(state);
});
