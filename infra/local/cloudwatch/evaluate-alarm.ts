import type { AlarmDefinition } from '../template/alarms.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/**
 * So many periods more than it evaluates an alarm looks back for values that are missing: the
 * documentation's example takes five for three, and does not say how many in general.
 */
const EXTRA_PERIODS = 2;

/** How many periods an alarm looks back. */
export const evaluationRange = ({ evaluationPeriods }: AlarmDefinition): number =>
  evaluationPeriods + EXTRA_PERIODS;

/**
 * The state that follows from what was measured ("Configuring how CloudWatch alarms treat missing
 * data" in the CloudWatch user guide): the most recent real values count. Only where there are fewer
 * than the alarm evaluates, missing ones are filled in, as few as possible. Pure.
 *
 * @param values of the evaluation range, the most recent first; undefined: missing.
 * @param state so far.
 */
export function evaluateAlarm(
  alarm: Pick<
    AlarmDefinition,
    'comparison' | 'threshold' | 'evaluationPeriods' | 'datapointsToAlarm' | 'missingData'
  >,
  values: readonly (number | undefined)[],
  state: AlarmState,
): AlarmState {
  const { evaluationPeriods, datapointsToAlarm, missingData, threshold } = alarm;
  const isBreaching = (value: number): boolean =>
    alarm.comparison === 'LessThanThreshold' ? value < threshold : value >= threshold;
  const real = values.filter((value) => value !== undefined).slice(0, evaluationPeriods);
  const breaching = real.filter(isBreaching).length;
  const missing = evaluationPeriods - real.length;
  if (breaching >= datapointsToAlarm) return 'ALARM';
  if (missing === 0) return 'OK';
  switch (missingData) {
    case 'breaching':
      return breaching + missing >= datapointsToAlarm ? 'ALARM' : 'OK';
    case 'notBreaching':
      return 'OK';
    case 'ignore':
      // One that is well is enough to tell; nothing, or too few that are not, leave the state.
      return real.length > breaching ? 'OK' : state;
  }
}
