import * as z from 'zod';

export const CONTACT_EVENT_VERSION = 1;

/**
 * A message of the `contact-events` queue: a doorbell, never the truth. It holds ids and kinds only;
 * whoever takes it reads the contact again. Unknown fields are dropped, an unknown `version` or
 * `type` is poison.
 */
export const contactEvent = z.object({
  version: z.literal(CONTACT_EVENT_VERSION),
  /** Identity of the event, made from Dataverse's own ids: the same event twice has the same id. */
  eventId: z.string().min(1).max(200),
  /** `sync.requested`: a clock of the row rang. For the audit trail and the metrics, the work is the same. */
  type: z.enum(['contact.created', 'contact.updated', 'contact.deleted', 'sync.requested']),
  dataverseOrganizationId: z.guid().toLowerCase(),
  contactId: z.guid().toLowerCase(),
  /** When the webhook arrived (ISO 8601, UTC): latency is measured from here. */
  receivedAt: z.iso.datetime(),
  correlationId: z.string().min(1).max(200),
});

export type ContactEvent = z.output<typeof contactEvent>;

export type ParsedContactEvent =
  | { readonly ok: true; readonly event: ContactEvent }
  | { readonly ok: false; readonly reason: 'malformed' | 'unknown_version' | 'unknown_type' };

/** Parses the body of a message. Never throws: what cannot be understood is poison with a reason. */
export function parseContactEvent(body: string): ParsedContactEvent {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, reason: 'malformed' };
  }
  const parsed = contactEvent.safeParse(json);
  if (parsed.success) return { ok: true, event: parsed.data };
  const wrong = new Set(parsed.error.issues.map((issue) => issue.path[0]));
  const present = (field: string) => typeof json === 'object' && json !== null && field in json;
  if (wrong.has('version') && present('version')) return { ok: false, reason: 'unknown_version' };
  if (wrong.has('type') && present('type')) return { ok: false, reason: 'unknown_type' };
  return { ok: false, reason: 'malformed' };
}
