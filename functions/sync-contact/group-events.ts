import { type ContactEvent, parseContactEvent } from '../../shared/queue/contact-event.ts';
import type { QueueMessage } from '../../shared/queue/settlement.ts';

/** The events of one contact in a batch, oldest first. */
export interface Work {
  readonly dataverseOrganizationId: string;
  readonly contactId: string;
  readonly events: { readonly message: QueueMessage; readonly event: ContactEvent }[];
}

/** One piece of work for each contact; what cannot be parsed is handed to `refuse`. */
export function groupByContact(
  batch: readonly QueueMessage[],
  refuse: (message: QueueMessage, reason: 'malformed' | 'unknown_version' | 'unknown_type') => void,
): Work[] {
  const works = new Map<string, Work>();
  for (const message of batch) {
    const parsed = parseContactEvent(message.body);
    if (!parsed.ok) {
      refuse(message, parsed.reason);
      continue;
    }
    const { event } = parsed;
    const { dataverseOrganizationId, contactId } = event;
    const key = keyOf(event);
    const work = works.get(key) ?? { dataverseOrganizationId, contactId, events: [] };
    work.events.push({ message, event });
    works.set(key, work);
  }
  for (const work of works.values()) {
    work.events.sort((a, b) => Date.parse(a.event.receivedAt) - Date.parse(b.event.receivedAt));
  }
  return [...works.values()];
}

/** How a message names a contact. */
export const keyOf = (contact: { dataverseOrganizationId: string; contactId: string }): string =>
  `${contact.dataverseOrganizationId}/${contact.contactId}`;
