import * as z from 'zod';
import { opaqueId } from './opaque-id.ts';
import { type ParsedEvent, parseEvent } from './parse-event.ts';

export const CONTACT_EVENT_VERSION = 1;

/**
 * A message of the `contact-events` queue: a doorbell, never the truth. It holds ids and kinds only;
 * whoever takes it reads the contact again. Unknown fields are dropped, an unknown `version` or
 * `type` is poison.
 */
export const contactEvent = z.object({
  version: z.literal(CONTACT_EVENT_VERSION),
  /** Identity of the event, made from Dataverse's own ids: the same event twice has the same id. */
  eventId: opaqueId,
  /** `sync.requested`: a clock of the row rang. For the audit trail and the metrics, the work is the same. */
  type: z.enum(['contact.created', 'contact.updated', 'contact.deleted', 'sync.requested']),
  dataverseOrganizationId: z.guid().toLowerCase(),
  contactId: z.guid().toLowerCase(),
  /** When the webhook arrived (ISO 8601, UTC): latency is measured from here. */
  receivedAt: z.iso.datetime(),
  correlationId: opaqueId,
});

export type ContactEvent = z.output<typeof contactEvent>;

/** Parses the body of a message. Never throws: what cannot be understood is poison with a reason. */
export const parseContactEvent = (body: string): ParsedEvent<ContactEvent> =>
  parseEvent(contactEvent, body);
