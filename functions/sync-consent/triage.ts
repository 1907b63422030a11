import type { FoundSubject } from '../../shared/consent/consent-store.ts';
import { rowKey } from '../../shared/contacts/contact-store.ts';
import type { ConsentEvent } from '../../shared/queue/consent-event.ts';
import {
  type PoisonReason,
  type QueueMessage,
  retryDelaySeconds,
  type Settlement,
} from '../../shared/queue/settlement.ts';

/**
 * An event can arrive before the commit of what it tells of. With waits of 1, 2, 4 … 32 s this is
 * about a minute; then the patient or the consent does not exist.
 */
const UNKNOWN_RECEIVES = 6;

export interface Arrived {
  readonly message: QueueMessage;
  readonly event: ConsentEvent;
}

/** The events of a batch that one contact shows. */
export interface Work {
  readonly subject: FoundSubject & { contactId: string; dataverseOrganizationId: string };
  readonly arrived: readonly Arrived[];
}

export interface Triage {
  /** By contact: an event is in several where several contacts show its patient. */
  readonly works: readonly Work[];
  /** Events of patients that no contact shows. */
  readonly unlinked: readonly Arrived[];
  /** What is no work, by the id of its message: it is early, or can never be done. */
  readonly settled: ReadonlyMap<string, Settlement>;
}

/**
 * Sorts the events of a batch by what they name. Pure.
 *
 * @param subjects what the database knows of each event's patient and consent, one for each contact
 */
export function triage(arrived: readonly Arrived[], subjects: readonly FoundSubject[]): Triage {
  const works = new Map<string, { subject: Work['subject']; arrived: Arrived[] }>();
  const unlinked: Arrived[] = [];
  const settled = new Map<string, Settlement>();
  for (const one of arrived) {
    const found = subjects.filter((subject) => isAbout(subject, one.event));
    const [subject] = found;
    if (subject === undefined) throw new TypeError('an event of the batch was not looked up');
    const problem = problemOf(subject);
    if (problem !== undefined) {
      settled.set(one.message.id, settlementOf(problem, one.message));
      continue;
    }
    const shown = found.flatMap(({ contactId, dataverseOrganizationId, ...about }) =>
      contactId === null || dataverseOrganizationId === null
        ? []
        : [{ ...about, contactId, dataverseOrganizationId }],
    );
    if (shown.length === 0) unlinked.push(one);
    for (const contact of shown) {
      const work = works.get(rowKey(contact)) ?? { subject: contact, arrived: [] };
      work.arrived.push(one);
      works.set(rowKey(contact), work);
    }
  }
  return { works: [...works.values()], unlinked, settled };
}

/** Null where the event is about the patient as a whole. */
export const consentIdOf = (event: ConsentEvent): string | null =>
  'consentId' in event ? event.consentId : null;

const isAbout = (subject: FoundSubject, event: ConsentEvent): boolean =>
  subject.organizationId === event.organizationId &&
  subject.patientId === event.patientId &&
  subject.consentId === consentIdOf(event);

interface Problem {
  readonly reason: PoisonReason;
  /** It may only be early. */
  readonly wait: boolean;
}

function settlementOf({ reason, wait }: Problem, { receiveCount }: QueueMessage): Settlement {
  return wait && receiveCount <= UNKNOWN_RECEIVES
    ? { kind: 'retry', afterSeconds: retryDelaySeconds(receiveCount), cause: 'message' }
    : { kind: 'poison', reason };
}

/** What is wrong with an event, if anything. */
function problemOf(subject: FoundSubject): Problem | undefined {
  if (subject.patientOrganizationId === null) return { reason: 'unknown_patient', wait: true };
  if (subject.patientOrganizationId !== subject.organizationId) {
    return { reason: 'foreign_patient', wait: false };
  }
  if (subject.consentId === null) return undefined;
  if (subject.consentOrganizationId === null) return { reason: 'unknown_consent', wait: true };
  const foreign =
    subject.consentOrganizationId !== subject.organizationId ||
    subject.consentPatientId !== subject.patientId;
  return foreign ? { reason: 'foreign_consent', wait: false } : undefined;
}
