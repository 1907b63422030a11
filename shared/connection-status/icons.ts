import type { DisplayState } from './decide-view.ts';
import { h, type TreeElement } from './tree.ts';

/** Strokes on a square of 24, round at their ends. */
const CIRCLE = 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z';
const PATHS = {
  check: [CIRCLE, 'm8.2 12.3 2.6 2.6 5-5.6'],
  alert: ['M12 3.8 2.9 19.6h18.2L12 3.8Z', 'M12 10v4.2', 'M12 17v.01'],
  cross: [CIRCLE, 'm9.2 9.2 5.6 5.6', 'm14.8 9.2-5.6 5.6'],
  pause: [CIRCLE, 'M10 9.2v5.6', 'M14 9.2v5.6'],
  question: [CIRCLE, 'M9.6 9.6a2.4 2.4 0 1 1 3.5 2.1c-.7.4-1.1.9-1.1 1.6', 'M12 16.4v.01'],
  lock: ['M6 11h12v9H6z', 'M8.5 11V8a3.5 3.5 0 0 1 7 0v3'],
  spinner: ['M12 3a9 9 0 1 0 9 9'],
  // Arrows both ways.
  sync: ['M4 9h14l-3.5-3.5', 'M20 15H6l3.5 3.5'],
  refresh: ['M20 11a8 8 0 1 0-1.6 5.8', 'M20 5v6h-6'],
  close: ['m6.5 6.5 11 11', 'm17.5 6.5-11 11'],
} as const;

export type IconName = keyof typeof PATHS;

/** Every state has a shape of its own: colour only helps. */
export const STATE_ICONS: Readonly<Record<DisplayState, IconName>> = {
  'not-set-up': 'question',
  loading: 'spinner',
  connected: 'check',
  degraded: 'alert',
  paused: 'pause',
  disconnected: 'cross',
  unknown: 'question',
  'signed-out': 'lock',
  'not-allowed': 'lock',
  'no-answer': 'question',
  unavailable: 'question',
  unreadable: 'question',
};

/** Decoration: the word beside it says the same. */
export function icon(name: IconName): TreeElement {
  return h(
    'svg',
    { key: `icon ${name}`, class: `icon ${name}`, viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    PATHS[name].map((d) => h('path', { d })),
  );
}
