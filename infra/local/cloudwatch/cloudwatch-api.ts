import type { Clock } from '../clock.ts';
import { type Answer, listenOnLoopback, type LoopbackServer } from '../loopback-server.ts';
import type { DashboardDefinition, WidgetDefinition } from '../template/dashboards.ts';
import type { MetricQuery } from '../template/metric-queries.ts';
import type { AlarmBoard } from './alarm-board.ts';
import { metricData } from './metric-data.ts';
import type { MetricStore } from './metric-store.ts';

export interface CloudWatchApiOptions {
  readonly board: AlarmBoard;
  readonly store: MetricStore;
  readonly dashboards: readonly DashboardDefinition[];
  /** Brings the metrics up to date. */
  readonly collect: () => void;
  readonly clock: Pick<Clock, 'now'>;
}

/** What a dashboard shows, as CloudWatch's opens by default here. */
const SHOWN_MS = 3 * 3_600_000;
const MINUTE_MS = 60_000;

/**
 * `GET /alarms`, `/metrics` and `/dashboard`, as JSON on loopback. Not CloudWatch's own API: it is for
 * people, scripts and a console.
 */
export function startCloudWatchApi(options: CloudWatchApiOptions): Promise<LoopbackServer> {
  const { board, store, dashboards, collect, clock } = options;
  const pages: Readonly<Record<string, () => unknown>> = {
    '/alarms': () => board.statuses(),
    '/metrics': () => store.metrics().map((metric) => ({ ...metric, values: history(metric) })),
    '/dashboard': () =>
      dashboards.map(({ name, widgets }) => ({ name, widgets: widgets.map(shown) })),
  };
  const endMs = (): number => (Math.floor(clock.now().getTime() / MINUTE_MS) + 1) * MINUTE_MS;

  /** Minutes with what was measured in them. */
  function history(metric: ReturnType<MetricStore['metrics']>[number]) {
    const minutes: { at: Date; values: number[] }[] = [];
    for (let fromMs = endMs() - SHOWN_MS; fromMs < endMs(); fromMs += MINUTE_MS) {
      const values = store.values(metric, fromMs, fromMs + MINUTE_MS);
      if (values.length > 0) minutes.push({ at: new Date(fromMs), values });
    }
    return minutes;
  }

  function shown(widget: WidgetDefinition) {
    if (widget.type !== 'metric') return widget;
    const { queries, shown: ids, ...rest } = widget;
    return { ...rest, series: ids.map((id) => seriesOf(id, queries)) };
  }

  function seriesOf(id: string, queries: readonly MetricQuery[]) {
    const { label = id, periodSeconds = 60 } = queries.find((query) => query.id === id) ?? {};
    const window = { endMs: endMs(), periods: Math.ceil(SHOWN_MS / (periodSeconds * 1000)) };
    const series = metricData(id, queries, store, window);
    const points = [...series].map(([atMs, value]) => ({ at: new Date(atMs), value }));
    return { label, points };
  }

  return listenOnLoopback(0, async ({ method, url = '' }): Promise<Answer> => {
    const page = pages[url];
    if (page === undefined) return json(404, { error: `try ${Object.keys(pages).join(', ')}` });
    if (method !== 'GET') return json(405, { error: 'only GET' });
    collect();
    return json(200, page());
  });
}

const json = (statusCode: number, body: unknown): Answer => ({
  statusCode,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: Buffer.from(JSON.stringify(body)),
});
