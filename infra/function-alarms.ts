import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { AlarmDefinition } from './constructs/alarming.ts';
import type { LambdaFunction } from './constructs/lambda-function.ts';
import { highestOf, sumOf } from './metrics.ts';
import type { BridgeFunctions } from './monitored.ts';

const PERIOD = Duration.minutes(5);

/** A container that is replaced or a database that wakes up costs one; so many do not pass by themselves. */
const FUNCTION_ERRORS = 3;

/** Percent of its timeout that a function may take: what is killed leaves its work to somebody else. */
const MAX_DURATION_PERCENT = 80;

/** Alarms about the functions as Lambda sees them. */
export function functionAlarms(functions: BridgeFunctions): AlarmDefinition[] {
  const { receiveWebhook, sweep, reconcileContacts, migrateDatabase, ...called } = functions;
  const behindWebhook = [...Object.values(called), sweep, reconcileContacts, migrateDatabase];
  return [
    {
      id: 'webhook-function-failing',
      severity: 'page',
      impact:
        'Changes in Dynamics meet a function that fails: after one more try they are lost as events.',
      metric: sumOf([errorsOf(receiveWebhook), throttlesOf(receiveWebhook)], PERIOD),
      threshold: 1,
      datapoints: [1, 1],
      // It was not called.
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'function-errors',
      severity: 'ticket',
      impact: 'A part of the bridge fails again and again; what it does is tried again, and late.',
      metric: sumOf(behindWebhook.map(errorsOf), PERIOD),
      threshold: FUNCTION_ERRORS,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'function-throttles',
      severity: 'ticket',
      impact: 'The AWS account has no room for the bridge: events wait, and staff get no status.',
      // Not the sweep and the reconciler, which run once at a time on purpose, nor the migration.
      metric: sumOf(Object.values(called).map(throttlesOf), PERIOD),
      threshold: 1,
      datapoints: [1, 1],
      missingData: TreatMissingData.NOT_BREACHING,
    },
    {
      id: 'function-slow',
      severity: 'ticket',
      impact: 'A part of the bridge is about to be cut off in the middle of its work.',
      // Not the sweep and the reconciler, which go on until their time is up, nor the migration.
      metric: highestOf([receiveWebhook, ...Object.values(called)].map(shareOfTimeout), PERIOD),
      threshold: MAX_DURATION_PERCENT,
      datapoints: [2, 3],
      missingData: TreatMissingData.NOT_BREACHING,
    },
  ];
}

const errorsOf = (target: LambdaFunction) =>
  target.function.metricErrors({ statistic: Stats.SUM, period: PERIOD });

const throttlesOf = (target: LambdaFunction) =>
  target.function.metricThrottles({ statistic: Stats.SUM, period: PERIOD });

/** Its longest run in percent of what it may take. */
const shareOfTimeout = (target: LambdaFunction, index: number) =>
  new MathExpression({
    expression: `100 * duration${index} / ${target.timeout.toMilliseconds()}`,
    usingMetrics: {
      [`duration${index}`]: target.function.metricDuration({
        statistic: Stats.MAXIMUM,
        period: PERIOD,
      }),
    },
    period: PERIOD,
    label: target.node.id,
  });
