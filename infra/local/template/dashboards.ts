import type { Resource } from './interpret.ts';
import {
  checkedPeriod,
  checkedStatistic,
  checkExpressions,
  type MetricQuery,
} from './metric-queries.ts';
import { onlyKnown, optionalText, record, text, texts } from './properties.ts';
import { isRecord, TemplateError } from './template.ts';

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export type WidgetDefinition = Placed &
  (
    | { readonly type: 'text'; readonly markdown: string }
    | { readonly type: 'alarm'; readonly title: string; readonly alarmArns: readonly string[] }
    | {
        readonly type: 'metric';
        readonly title: string;
        readonly view: 'timeSeries' | 'singleValue';
        readonly queries: readonly MetricQuery[];
        /** Ids of the queries that are drawn. */
        readonly shown: readonly string[];
        /** Horizontal lines. */
        readonly limits: readonly { readonly value: number; readonly label: string }[];
      }
  );

export interface DashboardDefinition {
  readonly name: string;
  readonly widgets: readonly WidgetDefinition[];
}

const DASHBOARD_PROPERTIES = new Set(['DashboardBody', 'DashboardName', 'Tags']);
const BODY_PROPERTIES = new Set(['start', 'widgets']);
const WIDGET_PROPERTIES = new Set(['height', 'properties', 'type', 'width', 'x', 'y']);
const TEXT_PROPERTIES = new Set(['markdown']);
const ALARM_PROPERTIES = new Set(['alarms', 'title']);
const GRAPH_PROPERTIES = new Set(['annotations', 'metrics', 'region', 'title', 'view', 'yAxis']);
const OPTIONS = new Set(['expression', 'id', 'label', 'period', 'stat', 'visible']);

/**
 * The dashboards of the template ("Dashboard body structure and syntax" in the CloudWatch API
 * reference): the part of it that is used.
 *
 * @throws TemplateError for what CloudWatch would refuse, and for what is not known here.
 */
export function dashboardsOf(resources: readonly Resource[]): DashboardDefinition[] {
  return resources
    .filter((entry) => entry.type === 'AWS::CloudWatch::Dashboard')
    .map((resource) => {
      onlyKnown(resource, resource.properties(), DASHBOARD_PROPERTIES, 'dashboard');
      const body = bodyOf(resource);
      onlyKnown(resource, body, BODY_PROPERTIES, 'dashboard');
      const widgets: unknown[] = Array.isArray(body['widgets']) ? body['widgets'] : [];
      return {
        name: resource.identity().ref,
        widgets: widgets.map((widget) => widgetOf(resource, record(widget))),
      };
    });
}

function bodyOf(resource: Resource): Record<string, unknown> {
  try {
    return record(JSON.parse(text(resource, 'DashboardBody')));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TemplateError(`${resource.logicalId}: its body is not JSON`);
  }
}

function widgetOf(resource: Resource, widget: Record<string, unknown>): WidgetDefinition {
  onlyKnown(resource, widget, WIDGET_PROPERTIES, 'widget');
  const [x = 0, y = 0, width = 0, height = 0] = ['x', 'y', 'width', 'height'].map((name) =>
    Number(widget[name] ?? 0),
  );
  const placed = { x, y, width, height };
  const properties = record(widget['properties']);
  switch (widget['type']) {
    case 'text':
      onlyKnown(resource, properties, TEXT_PROPERTIES, 'text widget');
      return { ...placed, type: 'text', markdown: String(properties['markdown']) };
    case 'alarm':
      onlyKnown(resource, properties, ALARM_PROPERTIES, 'alarm widget');
      return {
        ...placed,
        type: 'alarm',
        title: String(properties['title']),
        alarmArns: texts(properties['alarms']),
      };
    case 'metric':
      return { ...placed, type: 'metric', ...graphOf(resource, properties) };
    default:
      throw new TemplateError(
        `${resource.logicalId}: widgets of type ${String(widget['type'])} are not supported`,
      );
  }
}

function graphOf(resource: Resource, properties: Record<string, unknown>) {
  onlyKnown(resource, properties, GRAPH_PROPERTIES, 'metric widget');
  const { view, title } = properties;
  if (view !== 'timeSeries' && view !== 'singleValue') {
    throw new TemplateError(`${resource.logicalId}: the view ${String(view)} is not supported`);
  }
  const metrics: unknown[] = Array.isArray(properties['metrics']) ? properties['metrics'] : [];
  const entries = metrics.map((metric, index) => entryOf(resource, metric, `unnamed${index}`));
  const queries = entries.map(({ query }) => query);
  checkExpressions(resource, queries);
  const horizontal = record(properties['annotations'])['horizontal'];
  const limits = (Array.isArray(horizontal) ? horizontal : []).map((line) => ({
    value: Number(record(line)['value']),
    label: optionalText(record(line)['label']) ?? '',
  }));
  const shown = entries.flatMap(({ query, visible }) => (visible ? [query.id] : []));
  return { title: String(title), view, queries, shown, limits } as const;
}

/** `["Namespace", "Name", "dimension", "value", …, {options}]` or `[{expression}]`. */
function entryOf(resource: Resource, metric: unknown, unnamed: string) {
  const parts: unknown[] = Array.isArray(metric) ? metric : [];
  const last = parts.at(-1);
  const options = isRecord(last) ? last : {};
  onlyKnown(resource, options, OPTIONS, 'metric');
  const [namespace = '', name = '', ...dimensions] = parts
    .filter((part) => typeof part === 'string')
    .map(String);
  const { id = unnamed, label = name, expression, visible = true } = options;
  const common = {
    id: String(id),
    label: String(label),
    periodSeconds: checkedPeriod(resource, options['period']),
  };
  const query: MetricQuery =
    typeof expression === 'string'
      ? { ...common, expression }
      : {
          ...common,
          metric: { namespace, name, dimensions: pairs(dimensions) },
          statistic: checkedStatistic(resource, options['stat']),
        };
  return { query, visible: visible === true };
}

function pairs(list: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (let index = 0; index + 1 < list.length; index += 2) {
    found[list[index] ?? ''] = list[index + 1] ?? '';
  }
  return found;
}
