import { describe, expect, test } from 'vitest';
import { alarmsOf } from '../../../infra/local/template/alarms.ts';
import { dashboardsOf } from '../../../infra/local/template/dashboards.ts';
import { interpret } from '../../../infra/local/template/interpret.ts';

const CLOUD = {
  region: 'eu-central-1',
  accountId: '000000000000',
  apiUrl: 'http://api',
  sqsEndpoint: 'http://sqs',
  secretArn: () => undefined,
};
const TOPIC = 'arn:aws:sns:eu-central-1:000000000000:tickets';

function resourcesWith(type: string, properties: object) {
  const template = {
    Resources: {
      Topic: { Type: 'AWS::SNS::Topic', Properties: { TopicName: 'tickets' } },
      Other: { Type: 'AWS::CloudWatch::Alarm', Properties: PLAIN },
      One: { Type: type, Properties: { ...properties } },
    },
  };
  return interpret([{ stackName: 'Stack', template, assets: new Map() }], {}, CLOUD).resources;
}

const PLAIN = {
  AlarmName: 'plain',
  Namespace: 'Own',
  MetricName: 'Seen',
  Dimensions: [{ Name: 'service', Value: 'bridge' }],
  ExtendedStatistic: 'p99',
  Period: 60,
  EvaluationPeriods: 3,
  DatapointsToAlarm: 2,
  ComparisonOperator: 'GreaterThanOrEqualToThreshold',
  Threshold: 5000,
  TreatMissingData: 'notBreaching',
  AlarmActions: [{ Ref: 'Topic' }],
};
const stat = (id: string, period = 300) => ({
  Id: id,
  ReturnData: false,
  MetricStat: { Metric: { Namespace: 'Own', MetricName: id }, Period: period, Stat: 'Sum' },
});
const {
  Namespace: _n,
  MetricName: _m,
  Dimensions: _d,
  ExtendedStatistic: _e,
  Period: _p,
  ...rest
} = PLAIN;
const OVER_TWO = {
  ...rest,
  Metrics: [{ Id: 'sum', Expression: 'SUM([a, b])' }, stat('a'), stat('b')],
};
const COMPOSITE = {
  AlarmName: 'all',
  AlarmRule: {
    'Fn::Join': ['', ['(ALARM("', { 'Fn::GetAtt': ['Other', 'Arn'] }, '"))']],
  },
};

describe('an alarm', () => {
  const alarmOf = (properties: object) =>
    alarmsOf(resourcesWith('AWS::CloudWatch::Alarm', { ...properties, AlarmName: 'one' }))
      .alarms[1];

  test('on a metric', () => {
    expect(alarmOf(PLAIN)).toMatchObject({
      name: 'one',
      arn: 'arn:aws:cloudwatch:eu-central-1:000000000000:alarm:one',
      alarmActions: [TOPIC],
      watched: 'metric',
      periodSeconds: 60,
      queries: [
        {
          id: 'metric',
          metric: { namespace: 'Own', name: 'Seen', dimensions: { service: 'bridge' } },
          statistic: 'p99',
        },
      ],
    });
  });

  test('on an expression', () => {
    expect(alarmOf(OVER_TWO)).toMatchObject({
      watched: 'sum',
      periodSeconds: 300,
      queries: [{ id: 'a' }, { id: 'b' }, { id: 'sum', expression: 'SUM([a, b])' }],
    });
  });

  test.each([
    ['an unknown property', { ...PLAIN, ActionsEnabled: false }, 'ActionsEnabled is not supported'],
    [
      'no word on missing data',
      { ...PLAIN, TreatMissingData: undefined },
      'TreatMissingData has to be',
    ],
    [
      'another comparison',
      { ...PLAIN, ComparisonOperator: 'LessThanLowerThreshold' },
      'ComparisonOperator',
    ],
    [
      'an unknown statistic',
      { ...PLAIN, ExtendedStatistic: 'tm90' },
      'statistic tm90 is not supported',
    ],
    ['seconds', { ...PLAIN, Period: 10 }, 'period 10 is not whole minutes'],
    ['more datapoints than periods', { ...PLAIN, DatapointsToAlarm: 4 }, '4 of 3 datapoints'],
    ['more than a day', { ...PLAIN, Period: 86_400 }, 'more than a day'],
    [
      'an action that is no topic',
      { ...PLAIN, AlarmActions: ['arn:other'] },
      'arn:other is no topic',
    ],
    [
      'an expression over nothing',
      { ...OVER_TWO, Metrics: [{ Id: 'sum', Expression: 'SUM([a, c])' }, stat('a')] },
      'names c, which is nothing',
    ],
    [
      'an expression that is not evaluated here',
      { ...OVER_TWO, Metrics: [{ Id: 'sum', Expression: 'RATE(a)' }, stat('a')] },
      'RATE is not supported',
    ],
    [
      'two periods',
      {
        ...OVER_TWO,
        Metrics: [{ Id: 'sum', Expression: 'SUM([a, b])' }, stat('a'), stat('b', 60)],
      },
      'do not have one period',
    ],
    [
      'nothing that is watched',
      { ...OVER_TWO, Metrics: [stat('a')] },
      'exactly one of its metrics',
    ],
  ])('with %s is refused', (_what, properties, reason) => {
    expect(() => alarmOf(properties)).toThrow(reason);
  });
});

describe('a composite alarm', () => {
  const compositeOf = (properties: object) =>
    alarmsOf(resourcesWith('AWS::CloudWatch::CompositeAlarm', properties)).compositeAlarms[0];

  test('is on while any of its alarms is', () => {
    expect(compositeOf(COMPOSITE)).toMatchObject({
      name: 'all',
      anyOf: ['arn:aws:cloudwatch:eu-central-1:000000000000:alarm:plain'],
    });
  });

  test.each([
    ['another rule', { ...COMPOSITE, AlarmRule: 'NOT ALARM("a")' }, 'is not supported'],
    [
      'an alarm that is not there',
      { ...COMPOSITE, AlarmRule: 'ALARM("a")' },
      'there is no alarm a',
    ],
    [
      'an unknown property',
      { ...COMPOSITE, ActionsSuppressor: 'a' },
      'ActionsSuppressor is not supported',
    ],
  ])('with %s is refused', (_what, properties, reason) => {
    expect(() => compositeOf(properties)).toThrow(reason);
  });
});

describe('a dashboard', () => {
  const dashboardOf = (widget: object, body: object = {}) =>
    dashboardsOf(
      resourcesWith('AWS::CloudWatch::Dashboard', {
        DashboardName: 'board',
        DashboardBody: JSON.stringify({ widgets: [widget], ...body }),
      }),
    )[0];
  const GRAPH = {
    type: 'metric',
    x: 8,
    y: 2,
    width: 8,
    height: 6,
    properties: {
      title: 'Drain',
      view: 'timeSeries',
      metrics: [
        [{ expression: 'a / 2', label: 'half', period: 60 }],
        ['Own', 'Seen', 'service', 'bridge', { id: 'a', visible: false, period: 60, stat: 'Sum' }],
      ],
      annotations: { horizontal: [{ value: 5, label: 'five', yAxis: 'left' }] },
    },
  };

  test('is read with its widgets', () => {
    expect(dashboardOf(GRAPH)).toMatchObject({
      name: 'board',
      widgets: [
        {
          type: 'metric',
          title: 'Drain',
          x: 8,
          shown: ['unnamed0'],
          queries: [
            { expression: 'a / 2', label: 'half' },
            { id: 'a', metric: { dimensions: { service: 'bridge' } }, statistic: 'Sum' },
          ],
          limits: [{ value: 5, label: 'five' }],
        },
      ],
    });
  });

  test.each([
    ['an unknown widget', { type: 'explorer' }, 'widgets of type explorer are not supported'],
    ['an unknown property of a widget', { ...GRAPH, z: 1 }, 'z is not supported'],
    [
      'an unknown property of a graph',
      { ...GRAPH, properties: { ...GRAPH.properties, stacked: true } },
      'stacked is not supported',
    ],
    [
      'an unknown view',
      { ...GRAPH, properties: { ...GRAPH.properties, view: 'pie' } },
      'view pie is not supported',
    ],
    [
      'an unknown option of a metric',
      {
        ...GRAPH,
        properties: { ...GRAPH.properties, metrics: [['Own', 'Seen', { color: 'red' }]] },
      },
      'color is not supported',
    ],
  ])('with %s is refused', (_what, widget, reason) => {
    expect(() => dashboardOf(widget)).toThrow(reason);
  });
});
