import type { LogFields } from '../observability/log.ts';
import { parseConsentEvent } from './consent-event.ts';
import { parseContactEvent } from './contact-event.ts';

/** What a log line says of the event in a message; nothing of a body that is no event. */
export function loggedEvent(
  body: string,
): Pick<LogFields, 'eventId' | 'eventType' | 'contactId' | 'patientId' | 'correlationId'> {
  const contact = parseContactEvent(body);
  if (contact.ok) {
    const { eventId, type: eventType, contactId, correlationId } = contact.event;
    return { eventId, eventType, contactId, correlationId };
  }
  const consent = parseConsentEvent(body);
  if (consent.ok) {
    const { eventId, type: eventType, patientId } = consent.event;
    return { eventId, eventType, patientId };
  }
  return {};
}
