import { readFileSync } from 'node:fs';
import { Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { describe, expect, test } from 'vitest';
import {
  MonitoredAlarm,
  type MonitoredAlarmProps,
} from '../../../infra/constructs/monitored-alarm.ts';
import { buildStacks } from './build-stacks.ts';

const template = Template.fromStack(buildStacks().bridge);
const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');
const headings = [...runbook.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);

interface AlarmProperties {
  readonly AlarmName: string;
  readonly AlarmDescription: string;
  readonly AlarmActions?: readonly { readonly Ref: string }[];
  readonly TreatMissingData: string;
}

const alarms = Object.entries(template.findResources('AWS::CloudWatch::Alarm')).map(
  ([logicalId, { Properties: properties }]) => ({
    logicalId,
    ...(properties as AlarmProperties),
  }),
);

describe('the runbook', () => {
  test('begins with whether it is us', () => {
    expect(headings[0]).toBe('Is Dynamics down, or are we?');
  });

  test('has one paragraph for each alarm, and none for anything else', () => {
    const named = alarms.map(({ AlarmName: name }) => name.replace('consenthub-dynamics-', ''));
    expect(headings.slice(1).toSorted()).toEqual(named.toSorted());
  });

  test('says in each of them what it means, how to look and what to do', () => {
    for (const paragraph of runbook.split(/^## /m).slice(2)) {
      expect(paragraph).toMatch(/\*\*Means\*\*: [^]+\*\*Look\*\*[^]+\*\*[Dd]o\*\*/);
    }
  });
});

describe.each(alarms)('$AlarmName', (alarm) => {
  test('links to its paragraph', () => {
    const [, heading] = /docs\/runbook\.md#([\w-]+)\)$/.exec(alarm.AlarmDescription) ?? [];
    expect(headings).toContain(heading);
  });

  test('says what missing data means', () => {
    expect(alarm.TreatMissingData).toMatch(/^(breaching|notBreaching|ignore)$/);
  });

  test('is heard of in one way: by itself as a ticket, or by the composite alarm as a page', () => {
    const [, severity] = /\((page|ticket); /.exec(alarm.AlarmDescription) ?? [];
    const rule = JSON.stringify(template.findResources('AWS::CloudWatch::CompositeAlarm'));
    const topics = (alarm.AlarmActions ?? []).map(({ Ref: topic }) => topic.replace(/topic.*/, ''));
    expect(rule.includes(`"${alarm.logicalId}"`)).toBe(severity === 'page');
    expect(topics).toEqual(severity === 'page' ? [] : ['alarmingticket']);
  });
});

describe('the topics', () => {
  test('are encrypted with a key that CloudWatch may use on behalf of this account', () => {
    template.resourceCountIs('AWS::SNS::Topic', 2);
    template.allResourcesProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::KMS::Key', {
      KeyPolicy: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'cloudwatch.amazonaws.com' },
            Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
            Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
          }),
        ]),
      },
    });
  });

  test('are published, for whoever subscribes', () => {
    template.hasOutput('PageTopicArn', {});
    template.hasOutput('TicketTopicArn', {});
  });
});

describe('an alarm', () => {
  const complete: MonitoredAlarmProps = {
    severity: 'ticket',
    impact: 'Somebody waits.',
    metric: new Metric({ namespace: 'Any', metricName: 'Any' }),
    threshold: 1,
    datapoints: [1, 1],
    missingData: TreatMissingData.NOT_BREACHING,
  };

  test('does not come into being without an impact', () => {
    expect(
      () => new MonitoredAlarm(new Stack(), 'sweep-silent', { ...complete, impact: ' ' }),
    ).toThrow('The alarm sweep-silent does not say what it means.');
  });

  test('does not come into being without a paragraph of the runbook', () => {
    expect(() => new MonitoredAlarm(new Stack(), 'unheard-of', complete)).toThrow(
      'The alarm unheard-of has no paragraph in docs/runbook.md',
    );
  });
});
