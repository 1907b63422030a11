import { Aws } from 'aws-cdk-lib';
import { AlarmRule, AlarmState, CompositeAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { MonitoredAlarm, type MonitoredAlarmProps, type Severity } from './monitored-alarm.ts';

export interface AlarmDefinition extends MonitoredAlarmProps {
  /** Name of the alarm and heading of its paragraph in the runbook. */
  readonly id: string;
}

/** CloudWatch, on behalf of this account only. */
const CLOUDWATCH = new ServicePrincipal('cloudwatch.amazonaws.com', {
  conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
});

/**
 * The alarms and who hears of them: one topic for each severity. Those that page have one composite
 * alarm over them, so that one outage is one call however many of them it sets off.
 */
export class Alarming extends Construct {
  readonly alarms: readonly MonitoredAlarm[];
  readonly page: CompositeAlarm;
  readonly topics: Readonly<Record<Severity, Topic>>;

  constructor(scope: Construct, id: string, definitions: readonly AlarmDefinition[]) {
    super(scope, id);
    // A key of its own: CloudWatch has to use it, and must not be able to use that of the queues.
    const key = new Key(this, 'key', {
      description: 'Notifications of the alarms of the bridge between ConsentHub and Dynamics 365',
      enableKeyRotation: true,
    });
    key.grant(CLOUDWATCH, 'kms:Decrypt', 'kms:GenerateDataKey*');
    this.topics = { page: this.topic('page', key), ticket: this.topic('ticket', key) };

    this.alarms = definitions.map((definition) => {
      const monitored = new MonitoredAlarm(this, definition.id, definition);
      if (definition.severity === 'ticket') {
        monitored.alarm.addAlarmAction(new SnsAction(this.topics.ticket));
      }
      return monitored;
    });
    const paging = this.alarms.filter(({ severity }) => severity === 'page');
    this.page = new CompositeAlarm(this, 'page', {
      compositeAlarmName: 'consenthub-dynamics-page',
      alarmDescription:
        'Contacts or consents do not get across in time, or may not. Which alarms are on says how: ' +
        'docs/runbook.md',
      alarmRule: AlarmRule.anyOf(
        ...paging.map(({ alarm }) => AlarmRule.fromAlarm(alarm, AlarmState.ALARM)),
      ),
    });
    this.page.addAlarmAction(new SnsAction(this.topics.page));
    // Whoever got up learns that it is over.
    this.page.addOkAction(new SnsAction(this.topics.page));
  }

  private topic(severity: Severity, masterKey: IKey): Topic {
    const topic = new Topic(this, `${severity}-topic`, {
      topicName: `consenthub-dynamics-${severity}`,
      displayName: `ConsentHub Dynamics: ${severity}`,
      masterKey,
      enforceSSL: true,
    });
    // A policy of one's own takes the place of the one that lets in the whole account.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'CloudWatchAlarms',
        principals: [CLOUDWATCH],
        actions: ['sns:Publish'],
        resources: [topic.topicArn],
      }),
    );
    return topic;
  }
}
