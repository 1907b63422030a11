import { CONSENT_EVENT_VERSION, type ConsentEvent } from '../queue/consent-event.ts';
import { CONTACT_EVENT_VERSION, type ContactEvent } from '../queue/contact-event.ts';
import type { SentMessage } from '../queue/queue.ts';

/** Made up anew for each message. */
export interface RequestSources {
  readonly newId: () => string;
  readonly now: () => Date;
}

/** Asks for a contact to be read. */
export function readRequest(
  row: { readonly dataverseOrganizationId: string; readonly contactId: string },
  { newId, now }: RequestSources,
): SentMessage {
  const event: ContactEvent = {
    version: CONTACT_EVENT_VERSION,
    eventId: newId(),
    type: 'sync.requested',
    dataverseOrganizationId: row.dataverseOrganizationId,
    contactId: row.contactId,
    receivedAt: now().toISOString(),
    correlationId: newId(),
  };
  return { body: JSON.stringify(event), groupId: row.dataverseOrganizationId };
}

/** Asks for a patient's contact to be written. */
export function writeRequest(
  row: { readonly organizationId: string; readonly patientId: string },
  { newId, now }: RequestSources,
): SentMessage {
  const event: ConsentEvent = {
    version: CONSENT_EVENT_VERSION,
    eventId: newId(),
    type: 'sync.requested',
    organizationId: row.organizationId,
    patientId: row.patientId,
    occurredAt: now().toISOString(),
  };
  return { body: JSON.stringify(event), groupId: row.organizationId };
}
