import type { AlarmView, MetricsView, SeriesView, WidgetView } from '../view.ts';
import { type Chart, colourOf, createChart, measured } from './chart.ts';
import { find, h } from './dom.ts';
import { numberText } from './format.ts';

/** A widget that is on the page and can be brought up to date. */
interface ShownWidget {
  readonly element: HTMLElement;
  update(widget: WidgetView, alarms: readonly AlarmView[]): void;
}

const darkMode = matchMedia('(prefers-color-scheme: dark)');
let shown: ShownWidget[] = [];

export function showDashboard({ dashboards, alarms }: MetricsView): void {
  const widgets = dashboards.flatMap((dashboard) => dashboard.widgets);
  // The template does not change while its stack runs.
  if (shown.length !== widgets.length) {
    shown = widgets.map(make);
    find('widgets', HTMLDivElement).replaceChildren(...shown.map(({ element }) => element));
  }
  for (const [index, widget] of widgets.entries()) shown[index]?.update(widget, alarms);
}

function make(widget: WidgetView): ShownWidget {
  const size = { class: `widget ${widget.type}`, 'data-width': String(widget.width) };
  switch (widget.type) {
    case 'text': {
      const [heading = '', ...text] = widget.markdown.split('\n');
      const element = h(
        'div',
        size,
        h('h3', {}, heading.replace(/^#+ /, '')),
        h('p', { class: 'note' }, plainText(text.join(' '))),
      );
      return { element, update: () => undefined };
    }
    case 'alarm': {
      const list = h('ul', { class: 'dots' });
      const element = h('figure', size, h('figcaption', {}, widget.title), list);
      return {
        element,
        update(now, alarms) {
          if (now.type !== 'alarm') return;
          list.replaceChildren(
            ...now.alarmArns.map((arn) => {
              const { name = arn, state = 'INSUFFICIENT_DATA' } =
                alarms.find((alarm) => alarm.arn === arn) ?? {};
              return h('li', { class: `dot ${state}`, title: `${name}: ${state}` }, state);
            }),
          );
        },
      };
    }
    case 'metric':
      return widget.view === 'singleValue' ? numbers(widget, size) : graph(widget, size);
  }
}

type Metric = Extract<WidgetView, { type: 'metric' }>;

function numbers({ title }: Metric, size: Readonly<Record<string, string>>): ShownWidget {
  const list = h('dl', { class: 'numbers' });
  return {
    element: h('figure', size, h('figcaption', {}, title), list),
    update(now) {
      if (now.type !== 'metric') return;
      list.replaceChildren(
        ...now.series.map((series) =>
          h('div', {}, h('dt', {}, series.label), h('dd', {}, latest(series))),
        ),
      );
    },
  };
}

function graph({ title }: Metric, size: Readonly<Record<string, string>>): ShownWidget {
  const place = h('div', { class: 'chart', 'aria-hidden': 'true' });
  const legend = h('ul', { class: 'legend' });
  let chart: Chart | undefined;
  return {
    element: h('figure', size, h('figcaption', {}, title), place, legend),
    update(now) {
      if (now.type !== 'metric') return;
      chart ??= createChart(place, darkMode);
      const lines = measured(now);
      place.hidden = lines.length === 0;
      chart.show(now);
      legend.replaceChildren(
        ...(lines.length === 0
          ? [h('li', { class: 'quiet' }, 'Nothing measured yet')]
          : lines.map((series, index) => {
              const key = h('span', { class: 'key', 'aria-hidden': 'true' });
              key.style.background = `var(${colourOf(index)})`;
              return h('li', {}, key, `${series.label} `, h('strong', {}, latest(series)));
            })),
      );
    },
  };
}

function latest({ points }: SeriesView): string {
  const last = points.at(-1);
  return last === undefined ? '–' : numberText(last.value);
}

/** The little markdown that the template uses, without its marks. */
const plainText = (markdown: string): string =>
  markdown.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');
