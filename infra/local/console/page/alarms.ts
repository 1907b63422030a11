import type { AlarmView } from '../view.ts';
import { find, h, update, write } from './dom.ts';
import { timeText } from './format.ts';

const STATES: Readonly<Record<AlarmView['state'], { text: string; order: number }>> = {
  ALARM: { text: 'in alarm', order: 0 },
  OK: { text: 'ok', order: 1 },
  INSUFFICIENT_DATA: { text: 'not measured yet', order: 2 },
};

/** All of them have the stack's name in front. */
const PREFIX = 'consenthub-dynamics-';

export function showAlarms(alarms: readonly AlarmView[]): void {
  const on = alarms.filter(({ state }) => state === 'ALARM').length;
  write(
    find('alarms-note', HTMLParagraphElement),
    `${on === 0 ? 'None is on' : `${on} of ${alarms.length} are on`}. Evaluated once a minute by the ` +
      'rules of CloudWatch; one goes off by itself when its cause has been gone for long enough.',
  );
  update(
    find('alarm-list', HTMLUListElement),
    alarms.toSorted((left, right) => STATES[left.state].order - STATES[right.state].order),
    ({ arn }) => arn,
    alarmRow,
  );
}

function alarmRow({ name, state, description, since }: AlarmView): HTMLElement {
  return h(
    'li',
    { class: `alarm ${state}`, 'data-alarm': name },
    h('strong', {}, name.replace(PREFIX, '')),
    h('span', { class: 'state' }, `${STATES[state].text} since ${timeText(since)}`),
    h('span', { class: 'quiet' }, description),
  );
}
