import type { Resource } from './interpret.ts';
import {
  checkedPeriod,
  checkedStatistic,
  dimensionsOf,
  type MetricQuery,
  metricQueriesOf,
} from './metric-queries.ts';
import { onlyKnown, optionalNumber, optionalText, text, texts } from './properties.ts';
import { TemplateError } from './template.ts';

const COMPARISONS = ['GreaterThanOrEqualToThreshold', 'LessThanThreshold'] as const;
/** CloudWatch's default, `missing`, is not among them: an alarm here says what silence means. */
const MISSING_DATA = ['breaching', 'notBreaching', 'ignore'] as const;

interface Announced {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  /** Topics that hear of it when it goes on, and when it is over. */
  readonly alarmActions: readonly string[];
  readonly okActions: readonly string[];
}

/** An alarm on a metric or an expression. */
export interface AlarmDefinition extends Announced {
  readonly queries: readonly MetricQuery[];
  /** Id of the query that it watches. */
  readonly watched: string;
  readonly periodSeconds: number;
  readonly comparison: (typeof COMPARISONS)[number];
  readonly threshold: number;
  /** `datapointsToAlarm` out of `evaluationPeriods`. */
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly missingData: (typeof MISSING_DATA)[number];
}

/** An alarm that is on while any of others is. */
export interface CompositeAlarmDefinition extends Announced {
  readonly anyOf: readonly string[];
}

const ANNOUNCED = ['AlarmActions', 'AlarmDescription', 'AlarmName', 'OKActions', 'Tags'];
const ALARM_PROPERTIES = new Set([
  ...ANNOUNCED,
  'ComparisonOperator',
  'DatapointsToAlarm',
  'Dimensions',
  'EvaluationPeriods',
  'ExtendedStatistic',
  'MetricName',
  'Metrics',
  'Namespace',
  'Period',
  'Statistic',
  'Threshold',
  'TreatMissingData',
]);
const COMPOSITE_PROPERTIES = new Set([...ANNOUNCED, 'AlarmRule']);

/** `PutMetricAlarm`: an alarm looks at a day at most (with periods of an hour at a week, which none does). */
const MAX_EVALUATED_SECONDS = 86_400;

/** Alarms joined by OR, with the parentheses that the CDK puts around them. */
const RULE = /^\(?ALARM\("[^"]+"\)(?: OR ALARM\("[^"]+"\))*\)?$/;

/**
 * The alarms of the template.
 *
 * @throws TemplateError for what CloudWatch would refuse, and for what is not evaluated here.
 */
export function alarmsOf(resources: readonly Resource[]): {
  readonly alarms: AlarmDefinition[];
  readonly compositeAlarms: CompositeAlarmDefinition[];
} {
  const ofType = (type: string): Resource[] => resources.filter((entry) => entry.type === type);
  const topics = new Set(ofType('AWS::SNS::Topic').map((topic) => topic.identity().ref));
  const alarms = ofType('AWS::CloudWatch::Alarm').map((entry) => alarmOf(entry, topics));
  const compositeAlarms = ofType('AWS::CloudWatch::CompositeAlarm').map((entry) =>
    compositeOf(entry, topics, alarms),
  );
  return { alarms, compositeAlarms };
}

function alarmOf(resource: Resource, topics: ReadonlySet<string>): AlarmDefinition {
  const properties = resource.properties();
  onlyKnown(resource, properties, ALARM_PROPERTIES, 'alarm');
  const { queries, watched } = watchedBy(resource);
  const periodSeconds = queries[0]?.periodSeconds ?? 0;
  const evaluationPeriods = Number(properties['EvaluationPeriods']);
  const datapointsToAlarm = optionalNumber(properties['DatapointsToAlarm']) ?? evaluationPeriods;
  if (!(datapointsToAlarm >= 1 && datapointsToAlarm <= evaluationPeriods)) {
    throw new TemplateError(
      `${resource.logicalId}: ${datapointsToAlarm} of ${evaluationPeriods} datapoints make no alarm`,
    );
  }
  if (evaluationPeriods * periodSeconds > MAX_EVALUATED_SECONDS) {
    throw new TemplateError(`${resource.logicalId}: it evaluates more than a day`);
  }
  return {
    ...announced(resource, topics),
    queries,
    watched,
    periodSeconds,
    comparison: oneOf(resource, 'ComparisonOperator', COMPARISONS),
    threshold: Number(properties['Threshold']),
    evaluationPeriods,
    datapointsToAlarm,
    missingData: oneOf(resource, 'TreatMissingData', MISSING_DATA),
  };
}

function watchedBy(resource: Resource): {
  readonly queries: readonly MetricQuery[];
  readonly watched: string;
} {
  const properties = resource.properties();
  const { Metrics: metrics, Statistic: plain, ExtendedStatistic: extended } = properties;
  if (Array.isArray(metrics)) return metricQueriesOf(resource, metrics);
  const name = text(resource, 'MetricName');
  return {
    watched: 'metric',
    queries: [
      {
        id: 'metric',
        label: name,
        metric: {
          namespace: text(resource, 'Namespace'),
          name,
          dimensions: dimensionsOf(resource, properties['Dimensions']),
        },
        statistic: checkedStatistic(resource, plain ?? extended),
        periodSeconds: checkedPeriod(resource, properties['Period']),
      },
    ],
  };
}

function compositeOf(
  resource: Resource,
  topics: ReadonlySet<string>,
  alarms: readonly AlarmDefinition[],
): CompositeAlarmDefinition {
  onlyKnown(resource, resource.properties(), COMPOSITE_PROPERTIES, 'composite alarm');
  const rule = text(resource, 'AlarmRule');
  if (!RULE.test(rule)) {
    throw new TemplateError(`${resource.logicalId}: the rule ${rule} is not supported`);
  }
  const anyOf = [...rule.matchAll(/ALARM\("([^"]+)"\)/g)].map(([, named = '']) => named);
  const missing = anyOf.find((named) => !alarms.some(({ arn }) => arn === named));
  if (missing !== undefined) {
    throw new TemplateError(`${resource.logicalId}: there is no alarm ${missing}`);
  }
  return { ...announced(resource, topics), anyOf };
}

function announced(resource: Resource, topics: ReadonlySet<string>): Announced {
  const properties = resource.properties();
  const actions = (property: string): string[] => {
    const named = texts(properties[property]);
    const missing = named.find((topic) => !topics.has(topic));
    if (missing === undefined) return named;
    throw new TemplateError(`${resource.logicalId}: its action ${missing} is no topic`);
  };
  const { ref, attributes } = resource.identity();
  return {
    logicalId: resource.logicalId,
    name: ref,
    arn: attributes['Arn'] ?? '',
    description: optionalText(properties['AlarmDescription']) ?? '',
    alarmActions: actions('AlarmActions'),
    okActions: actions('OKActions'),
  };
}

function oneOf<Choice extends string>(
  resource: Resource,
  property: string,
  choices: readonly Choice[],
): Choice {
  const value = resource.properties()[property];
  const choice = choices.find((entry) => entry === value);
  if (choice !== undefined) return choice;
  throw new TemplateError(`${resource.logicalId}: ${property} has to be ${choices.join(' or ')}`);
}
