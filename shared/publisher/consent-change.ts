import * as z from 'zod';
import { CONSENT_EVENT_VERSION, type ConsentEvent, consentEvent } from '../queue/consent-event.ts';

interface Change {
  /** ConsentHub's id of the organisation (`organizations.id`). */
  readonly organizationId: string;
  /** `patients.id` */
  readonly patientId: string;
  /** When the change was made, by a server's clock: latency is measured from here. Absent: now. */
  readonly occurredAt?: Date | string | undefined;
  /**
   * At most 200 characters, no U+0000; the change's own identity in the audit trail. Absent: made up. Who sends
   * the same change again passes the id of the first time. It never holds personal data.
   */
  readonly eventId?: string | undefined;
}

/** What ConsentHub has committed and tells of. Everything else is read at ConsentHub's database. */
export type ConsentChange =
  | (Change & {
      readonly type: 'consent.granted' | 'consent.revoked' | 'consent.expired';
      /** `consents.id` */
      readonly consentId: string;
    })
  /** Name, email or phone of the patient. */
  | (Change & { readonly type: 'patient.updated' });

/** The change cannot be sent as it stands: a mistake in the calling code. Names fields, never values. */
export class ConsentChangeInvalid extends Error {
  override readonly name = 'ConsentChangeInvalid';
  readonly fields: readonly string[];
  constructor(fields: readonly string[]) {
    super(`The change cannot be published: missing or malformed: ${fields.join(', ')}`);
    this.fields = fields;
  }
}

/** A clock's own kind of event is not for ConsentHub to send. */
const changeTypes = z.enum([
  'consent.granted',
  'consent.revoked',
  'consent.expired',
  'patient.updated',
]);

/**
 * The complete message for a change: ids in lower case, times in UTC, nothing that is not listed.
 *
 * @param defaults what a change gets that does not bring its own.
 * @throws ConsentChangeInvalid
 */
export function toConsentEvent(
  change: ConsentChange,
  defaults: { readonly eventId: string; readonly occurredAt: Date },
): ConsentEvent {
  // Callers without a type checker can pass anything.
  const given: unknown = change;
  if (typeof given !== 'object' || given === null) throw new ConsentChangeInvalid(['change']);
  if (!changeTypes.safeParse(change.type).success) throw new ConsentChangeInvalid(['type']);
  const { eventId = defaults.eventId, occurredAt = defaults.occurredAt } = change;
  const parsed = consentEvent.safeParse({
    ...change,
    version: CONSENT_EVENT_VERSION,
    eventId,
    occurredAt: occurredAt instanceof Date ? isoTime(occurredAt) : occurredAt,
  });
  if (parsed.success) return parsed.data;
  throw new ConsentChangeInvalid([
    ...new Set(parsed.error.issues.map((issue) => issue.path.join('.'))),
  ]);
}

function isoTime(time: Date): string | undefined {
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
