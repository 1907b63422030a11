import * as z from 'zod';
import { opaqueId } from './opaque-id.ts';
import { type ParsedEvent, parseEvent } from './parse-event.ts';

export const CONSENT_EVENT_VERSION = 1;

const base = {
  version: z.literal(CONSENT_EVENT_VERSION),
  /** Made up by the sender, once for each change: the same event sent twice has the same id. */
  eventId: opaqueId,
  /** ConsentHub's organisation. */
  organizationId: z.guid().toLowerCase(),
  patientId: z.guid().toLowerCase(),
  /** When the change was made (ISO 8601, UTC): latency is measured from here. */
  occurredAt: z.iso.datetime(),
};

/**
 * A message of the `consent-events` queue: a doorbell, sent after the commit of what it tells of. It
 * holds ids and kinds only; whoever takes it reads the patient's consents again. The type is for the
 * audit trail and the metrics, the work is the same. Unknown fields are dropped, an unknown `version`
 * or `type` is poison.
 */
export const consentEvent = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.enum(['consent.granted', 'consent.revoked', 'consent.expired']),
    consentId: z.guid().toLowerCase(),
  }),
  z.object({
    ...base,
    /** `sync.requested`: a clock of the row rang. */
    type: z.enum(['patient.updated', 'sync.requested']),
  }),
]);

export type ConsentEvent = z.output<typeof consentEvent>;

/** Parses the body of a message. Never throws: what cannot be understood is poison with a reason. */
export const parseConsentEvent = (body: string): ParsedEvent<ConsentEvent> =>
  parseEvent(consentEvent, body);
