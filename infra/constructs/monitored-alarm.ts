import { readFileSync } from 'node:fs';
import { Validations } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  type TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';

const RUNBOOK = 'docs/runbook.md';
const runbook = readFileSync(new URL(`../../${RUNBOOK}`, import.meta.url), 'utf8');

/** `page` gets somebody up at night; a `ticket` is looked at on the next working day. */
export type Severity = 'page' | 'ticket';

export interface MonitoredAlarmProps {
  readonly severity: Severity;
  /** What it means to patients, to staff or to the law, in a sentence that needs no engineer. */
  readonly impact: string;
  readonly metric: IMetric;
  /** The alarm is on at this value and above. */
  readonly threshold: number;
  /** Only for what is wrong when it falls below the threshold. */
  readonly below?: true;
  /** `M` out of the last `N` periods. */
  readonly datapoints: readonly [alarming: number, evaluated: number];
  /** What it means that nobody measured. Chosen for each alarm, never left to the default. */
  readonly missingData: TreatMissingData;
}

/**
 * An alarm that somebody can act on: it does not come into being without a severity, an impact and a
 * paragraph of the runbook that has its id for a heading.
 */
export class MonitoredAlarm extends Construct {
  readonly alarm: Alarm;
  readonly severity: Severity;

  /** @throws Error without an impact or a paragraph */
  constructor(scope: Construct, id: string, props: MonitoredAlarmProps) {
    super(scope, id);
    if (props.impact.trim() === '') throw new Error(`The alarm ${id} does not say what it means.`);
    if (!runbook.split('\n').includes(`## ${id}`)) {
      throw new Error(`The alarm ${id} has no paragraph in ${RUNBOOK}: write one, "## ${id}".`);
    }
    const [datapointsToAlarm, evaluationPeriods] = props.datapoints;
    this.severity = props.severity;
    this.alarm = new Alarm(this, 'alarm', {
      alarmName: `consenthub-dynamics-${id}`,
      alarmDescription: `${props.impact} (${props.severity}; what to do: ${RUNBOOK}#${id})`,
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      datapointsToAlarm,
      evaluationPeriods,
      treatMissingData: props.missingData,
    });
    if (props.severity === 'page') {
      Validations.of(this.alarm).acknowledge({
        id: 'HIPAA.Security-CloudWatchAlarmAction',
        reason:
          'The composite alarm over all alarms of this severity notifies: an outage that makes ' +
          'several of them go off gets somebody up once.',
      });
    }
  }
}
