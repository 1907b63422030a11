import type { StateView } from '../view.ts';
import { find, table } from './dom.ts';
import { shortId, timeText } from './format.ts';

const SILENT = 'It does not answer.';

/** What the bridge is made of: queues, due rows, the audit trail. */
export function showBehind({ queues, consentHub }: StateView): void {
  replace(
    'queues',
    table(
      ['queue', 'waiting', 'at work', 'later'],
      (queues ?? []).map((queue) => [
        queue.deadLetters && queue.waiting > 0 ? `⚠ ${queue.name}` : queue.name,
        ...[queue.waiting, queue.inFlight, queue.delayed].map(String),
      ]),
      SILENT,
    ),
  );
  replace(
    'due',
    table(
      ['contact', 'to be read', 'to be written', 'attempts'],
      (consentHub?.due.shown ?? []).map((row) => [
        shortId(row.contactId),
        row.readDueAt === null ? '' : timeText(row.readDueAt),
        row.writeDueAt === null ? '' : timeText(row.writeDueAt),
        String(row.attempts),
      ]),
      consentHub === null ? SILENT : 'Nothing is due: both sides agree.',
    ),
  );
  replace(
    'audit',
    table(
      ['time', 'action', 'outcome', 'source', 'patient', 'details'],
      (consentHub?.audit.shown ?? []).map((row) => [
        timeText(row.at),
        row.action,
        row.outcome,
        row.source,
        row.patientId === null ? '' : shortId(row.patientId),
        row.details,
      ]),
      consentHub === null ? SILENT : 'Nothing has happened yet.',
    ),
  );
}

/** Leaves what is the same alone: somebody may be selecting text in it. */
function replace(id: string, content: HTMLElement): void {
  const place = find(id, HTMLDivElement);
  if (place.firstElementChild?.isEqualNode(content)) return;
  const { scrollLeft, scrollTop } = place;
  place.replaceChildren(content);
  place.scrollTo(scrollLeft, scrollTop);
}
