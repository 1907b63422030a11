import uPlot from 'uplot';
import type { WidgetView } from '../view.ts';

type Graph = Extract<WidgetView, { type: 'metric' }>;

const HEIGHT = 170;
/** Colours of the lines, in their order: custom properties of the style sheet. */
const COLOURS = 8;

/** A stack that has just begun would otherwise stretch its first minute over the whole width. */
const SHORTEST_SECONDS = 1200;
const EDGE_SECONDS = 30;

/** A chart that follows its element's width and the colours of the style sheet. */
export interface Chart {
  show(graph: Graph): void;
}

export function createChart(place: HTMLElement, darkMode: MediaQueryList): Chart {
  let shown: Graph | undefined;
  let plot: uPlot | undefined;

  const draw = (): void => {
    plot?.destroy();
    if (shown === undefined || place.clientWidth === 0) return;
    plot = new uPlot(optionsOf(shown, place), dataOf(shown), place);
  };
  new ResizeObserver(() => {
    if (plot === undefined) draw();
    else if (plot.width !== place.clientWidth) {
      plot.setSize({ width: place.clientWidth, height: HEIGHT });
    }
  }).observe(place);
  darkMode.addEventListener('change', draw);

  return {
    show(graph) {
      const before = shown;
      shown = graph;
      const sameLines =
        before && JSON.stringify(linesOf(before)) === JSON.stringify(linesOf(graph));
      if (plot !== undefined && sameLines) plot.setData(dataOf(graph));
      else draw();
    },
  };
}

/** Lines with something to show; the others only fill the legend. */
export const measured = ({ series }: Graph) => series.filter(({ points }) => points.length > 0);

export const colourOf = (index: number): string => `--line-${index % COLOURS}`;

const linesOf = (graph: Graph) => measured(graph).map(({ label }) => label);

/** Seconds and values in columns, a gap where a line has no value. Limits are lines of their own. */
function dataOf(graph: Graph): uPlot.AlignedData {
  const lines = measured(graph).map(
    ({ points }) => new Map(points.map(({ at, value }) => [Date.parse(at) / 1000, value])),
  );
  const times = padded([...new Set(lines.flatMap((line) => [...line.keys()]))]);
  return [
    times,
    ...lines.map((line) => times.map((time) => line.get(time) ?? null)),
    ...graph.limits.map(({ value }) => times.map(() => value)),
  ];
}

function optionsOf(graph: Graph, place: HTMLElement): uPlot.Options {
  const colour = colours(place);
  const axis = {
    stroke: colour('--quiet'),
    font: '11px system-ui',
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { stroke: colour('--line'), width: 1 },
  };
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: ({ data: [times] }) => [times[0] ?? 0, times[times.length - 1] ?? 1] },
      y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1)] },
    },
    axes: [axis, { ...axis, size: 56 }],
    series: [
      {},
      ...measured(graph).map(({ label }, index) => ({
        label,
        stroke: colour(colourOf(index)),
        width: 2,
        // A value between two gaps is no line.
        points: { show: true, size: 5, fill: colour(colourOf(index)) },
      })),
      ...graph.limits.map(({ label }) => ({
        label,
        stroke: colour('--alarm'),
        width: 1,
        dash: [6, 4],
        points: { show: false },
      })),
    ],
  };
}

/**
 * Times in their order, with the ends of the axis, so that limits are drawn from end to end, and the last
 * value keeps off the edge, where half of its point would be cut off.
 */
function padded(times: readonly number[]): number[] {
  if (times.length === 0) return [];
  const sorted = times.toSorted((left, right) => left - right);
  const [first = 0] = sorted;
  const last = sorted.at(-1) ?? 0;
  return [...new Set([Math.min(first, last - SHORTEST_SECONDS), ...sorted, last + EDGE_SECONDS])];
}

/** Looks up custom properties as a canvas takes them: it knows neither `var` nor `light-dark`. */
function colours(place: HTMLElement): (name: string) => string {
  return (name) => {
    const probe = document.createElement('span');
    probe.style.color = `var(${name})`;
    place.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}
