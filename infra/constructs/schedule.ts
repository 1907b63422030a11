import type { Duration } from 'aws-cdk-lib';
import { Rule, Schedule as Rate } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { LambdaFunction } from './lambda-function.ts';

export interface ScheduleProps {
  /** How often, in whole minutes. */
  readonly rate: Duration;
  readonly target: LambdaFunction;
}

/**
 * Invokes a function again and again. Nothing is repeated and nothing is kept for later than the next
 * time, neither by EventBridge nor in Lambda's queue of asynchronous events: the next time does the
 * same work, and an outage must not end in a hundred invocations.
 */
export class Schedule extends Construct {
  readonly ruleName: string;

  constructor(scope: Construct, id: string, { rate, target }: ScheduleProps) {
    super(scope, id);
    const onlyNow = { retryAttempts: 0, maxEventAge: rate };
    target.function.configureAsyncInvoke(onlyNow);
    const rule = new Rule(this, 'rule', {
      schedule: Rate.rate(rate),
      targets: [new LambdaTarget(target.function, onlyNow)],
    });
    this.ruleName = rule.ruleName;
  }
}
