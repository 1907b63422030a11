import { randomUUID } from 'node:crypto';
import { createSyncContact } from '../../../functions/sync-contact/sync-contact.ts';
import { deriveContactFields } from '../../../shared/consent/derive-contact-fields.ts';
import { rowKey } from '../../../shared/contacts/contact-store.ts';
import type { ContactRead, StoredContact } from '../../../shared/contacts/decide-contact.ts';
import type { Profile } from '../../../shared/contacts/profile.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { CONTACT_EVENT_VERSION, type ContactEvent } from '../../../shared/queue/contact-event.ts';
import { CONTACT_ID, ORGANIZATION_ID } from '../../support/execution-context.ts';
import { recordLog } from '../../support/observability.ts';

const CONSENTHUB_ORGANIZATION_ID = '88888888-aaaa-4bbb-8ccc-000000000008';
const MASTER_ID = 'aaaaaaaa-aaaa-4bbb-8ccc-00000000000a';
const PATIENT_ID = '99999999-aaaa-4bbb-8ccc-000000000009';
export const ADA: Profile = {
  firstName: 'Ada',
  lastName: 'Fictitious',
  email: 'ada@example.test',
  phone: null,
};
export const LINKED: StoredContact = {
  revision: '1',
  version: '10',
  seen: ADA,
  pushed: [],
  written: null,
  leased: false,
  mergedInto: null,
  deleted: false,
  readDue: false,
  attempts: 0,
  linked: true,
  formerPatientId: null,
  erased: false,
  patient: { id: PATIENT_ID, ...ADA },
};
const FOUND = {
  kind: 'found',
  version: '10',
  profile: ADA,
  mergedInto: null,
  consent: null,
} as const satisfies ContactRead;
/** Of somebody who has agreed to nothing. */
const NO_CONSENT = deriveContactFields([], new Date(0)).fields;
const UNREADABLE: ContactRead = {
  kind: 'unreadable',
  reason: 'DataverseUnavailable',
  retryAfterSeconds: undefined,
};

/** How long an event takes when all is well. */
export const PROMPT_MS = 300;

interface Contact {
  readonly stored?: StoredContact;
  readonly read?: ContactRead;
  /** Milliseconds since its webhook arrived. */
  readonly ageMs?: number;
  readonly receiveCount?: number;
  /** Events of it in one batch. */
  readonly events?: number;
}

/** `sync-contact` over a table and a Dynamics that say what a test wants. */
export function handleContacts({ stored, read = FOUND }: Contact) {
  return createSyncContact({
    store: {
      read: async (keys) =>
        keys.map((key) => ({ ...key, organizationId: CONSENTHUB_ORGANIZATION_ID, stored })),
      findPatientsToLink: async () => [],
      apply: async (writes) => new Map(writes.map((write) => [rowKey(write), '2'])),
    },
    readContacts: async (ids) => new Map(ids.map((id) => [id, read])),
    connectedOrganizationId: async () => ORGANIZATION_ID,
    newId: randomUUID,
    now: () => new Date(),
    log: recordLog().log,
    metrics: createMetrics(),
  });
}

async function sync(contact: Contact): Promise<void> {
  const { ageMs = PROMPT_MS, receiveCount = 1, events = 1 } = contact;
  const batch = Array.from({ length: events }, (_, index) => {
    const event: ContactEvent = {
      version: CONTACT_EVENT_VERSION,
      eventId: randomUUID(),
      type: 'contact.updated',
      dataverseOrganizationId: ORGANIZATION_ID,
      contactId: CONTACT_ID,
      receivedAt: new Date(Date.now() - ageMs + index).toISOString(),
      correlationId: randomUUID(),
    };
    return { id: String(index), body: JSON.stringify(event), receiveCount };
  });
  await handleContacts(contact)(batch, () => 60_000);
}

/** What can become of a contact's event. */
export const contacts = {
  /** Milliseconds after its webhook has arrived. */
  created: (ageMs = PROMPT_MS) => sync({ ageMs }),
  unchanged: () => sync({ stored: LINKED }),
  overtaken: () => sync({ stored: LINKED, events: 2 }),
  deleted: () => sync({ stored: LINKED, read: { kind: 'deleted' } }),
  restored: () => sync({ stored: { ...LINKED, deleted: true, linked: false, patient: null } }),
  erased: () => sync({ stored: { ...LINKED, erased: true, linked: false, patient: null } }),
  unreadable: () => sync({ stored: LINKED, read: UNREADABLE, receiveCount: 3 }),
  merged: () => sync({ stored: LINKED, read: { ...FOUND, version: '11', mergedInto: MASTER_ID } }),
  setBack: () => sync({ stored: LINKED, read: { ...FOUND, version: '9' } }),
  consentsEdited: () =>
    sync({
      stored: { ...LINKED, written: NO_CONSENT },
      read: { ...FOUND, version: '11', consent: { ...NO_CONSENT, marketingEmail: true } },
    }),
  changedOnBothSides: () =>
    sync({
      stored: { ...LINKED, patient: { ...ADA, id: PATIENT_ID, email: 'ada@home.example.test' } },
      read: { ...FOUND, version: '11', profile: { ...ADA, email: 'ada@work.example.test' } },
    }),
};
