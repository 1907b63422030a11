import type { StateView, WayView } from '../view.ts';
import { find, h, update, write } from './dom.ts';
import { latencyText, median, nameOf, shortId, timeText } from './format.ts';

const SHOWN = 12;
/** What is promised. */
const LATE_MS = 5000;

const STATE_TEXTS: Readonly<Record<WayView['state'], string>> = {
  waiting: 'on its way',
  retried: 'tried again in a moment',
  due: 'waits for the next sweep',
  dead: 'dead letter',
  settled: 'done',
};

/** Events with whom they are about and how long they took. */
export function showWays({ ways, dynamics, consentHub }: StateView): void {
  const names = new Map<string, string>();
  for (const patient of consentHub?.patients.shown ?? []) {
    names.set(patient.patientId, nameOf(patient));
    if (patient.contactId !== null) names.set(patient.contactId, nameOf(patient));
  }
  for (const contact of dynamics?.contacts.shown ?? []) {
    names.set(contact.contactId, nameOf(contact));
  }
  write(
    find('ways-note', HTMLParagraphElement),
    ways.length === 0 ? 'No event yet. Create a contact, or grant a consent.' : '',
  );
  find('latencies', HTMLDListElement).replaceChildren(
    ...latency(ways, 'inbound', 'To ConsentHub'),
    ...latency(ways, 'outbound', 'To Dynamics'),
  );
  update(
    find('ways', HTMLOListElement),
    ways.slice(0, SHOWN).map((way) => ({
      ...way,
      whom: whomOf(way, names),
    })),
    ({ eventId }) => eventId,
    wayRow,
  );
}

function whomOf({ contactId, patientId }: WayView, names: ReadonlyMap<string, string>): string {
  const id = contactId ?? patientId ?? 'nobody';
  return names.get(id) ?? shortId(id);
}

function wayRow(way: WayView & { readonly whom: string }): HTMLElement {
  const { direction, state, outcome, latencyMs, eventType, whom, at } = way;
  const isLate = latencyMs !== null && latencyMs > LATE_MS;
  return h(
    'li',
    { class: `way ${direction} ${state}`, 'data-event': eventType },
    h('span', { class: 'arrow', 'aria-hidden': 'true' }, direction === 'inbound' ? '→' : '←'),
    h(
      'span',
      { class: 'what' },
      h('strong', {}, eventType),
      ` ${whom}`,
      h('span', { class: 'quiet' }, timeText(at)),
    ),
    h(
      'span',
      { class: 'became' },
      latencyMs !== null &&
        h('span', { class: isLate ? 'latency late' : 'latency' }, latencyText(latencyMs)),
      h(
        'span',
        { class: 'quiet' },
        outcome === '' ? STATE_TEXTS[state] : `${STATE_TEXTS[state]}: ${outcome}`,
      ),
    ),
  );
}

function latency(ways: readonly WayView[], direction: WayView['direction'], title: string) {
  const values = ways
    .filter((way) => way.direction === direction && way.latencyMs !== null)
    .map(({ latencyMs }) => latencyMs ?? 0);
  const text = values.length === 0 ? '–' : latencyText(median(values));
  return [h('div', {}, h('dt', {}, `${title}, median`), h('dd', {}, text))];
}
