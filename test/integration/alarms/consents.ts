import { randomUUID } from 'node:crypto';
import { createSyncConsent } from '../../../functions/sync-consent/sync-consent.ts';
import type { Claim, SettledState } from '../../../shared/consent/consent-store.ts';
import { deriveContactFields } from '../../../shared/consent/derive-contact-fields.ts';
import { rowKey } from '../../../shared/contacts/contact-store.ts';
import type { DataverseClient } from '../../../shared/dataverse/client.ts';
import { DataverseForbidden, DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { CONSENT_EVENT_VERSION, type ConsentEvent } from '../../../shared/queue/consent-event.ts';
import { CONTACT_ID, ORGANIZATION_ID } from '../../support/execution-context.ts';
import { recordLog } from '../../support/observability.ts';
import { ADA, LINKED, PROMPT_MS } from './contacts.ts';

const PATIENT_ID = '99999999-aaaa-4bbb-8ccc-000000000009';

interface Consent {
  /** Milliseconds since ConsentHub's commit. */
  readonly ageMs?: number;
  readonly receiveCount?: number;
  /** Somebody else has the lease. */
  readonly held?: boolean;
  /** Dynamics shows it already. */
  readonly shown?: boolean;
  readonly settled?: SettledState;
  readonly update?: DataverseClient['updateContact'];
}

/** `sync-consent` over a table and a Dynamics that say what a test wants. */
export function handleConsents(consent: Consent) {
  const claimOf = (lease: Claim['lease']): Claim => {
    const now = new Date();
    return {
      lease: { ...lease, doubtBefore: null },
      stored: LINKED,
      patient: { id: PATIENT_ID, ...ADA },
      consents: [],
      mergedConsents: [],
      written: consent.shown ? deriveContactFields([], now).fields : null,
      now,
    };
  };
  return createSyncConsent({
    store: {
      find: async (subjects) =>
        subjects.map((subject) => ({
          ...subject,
          patientOrganizationId: subject.organizationId,
          consentOrganizationId: subject.organizationId,
          consentPatientId: subject.patientId,
          contactId: CONTACT_ID,
          dataverseOrganizationId: ORGANIZATION_ID,
        })),
      claim: async (leases) => (consent.held ? [] : leases.map(claimOf)),
      settle: async () => consent.settled ?? 'settled',
      release: async () => undefined,
      audit: async () => undefined,
    },
    contacts: {
      read: async () => [],
      findPatientsToLink: async () => [],
      apply: async (writes) => new Map(writes.map((write) => [rowKey(write), '2'])),
    },
    dataverse: {
      getContact: async () => ({ found: false }),
      updateContact: consent.update ?? (async () => ({ outcome: 'updated' })),
      // Each handles one contact: none is written with others.
      updateContacts: async () => ({ outcome: 'updated' }),
    },
    consentColumns: async () => ({}),
    connectedOrganizationId: async () => ORGANIZATION_ID,
    newId: randomUUID,
    now: () => new Date(),
    log: recordLog().log,
    metrics: createMetrics(),
  });
}

async function sync(consent: Consent): Promise<void> {
  const { ageMs = PROMPT_MS, receiveCount = 1 } = consent;
  const event: ConsentEvent = {
    version: CONSENT_EVENT_VERSION,
    eventId: randomUUID(),
    type: 'patient.updated',
    organizationId: randomUUID(),
    patientId: PATIENT_ID,
    occurredAt: new Date(Date.now() - ageMs).toISOString(),
  };
  const batch = [{ id: '0', body: JSON.stringify(event), receiveCount }];
  await handleConsents(consent)(batch, () => 60_000);
}

const failing = (error: Error) => async () => {
  throw error;
};

/** What can become of a consent's event. */
export const consents = {
  /** Milliseconds after ConsentHub's commit. */
  written: (ageMs = PROMPT_MS) => sync({ ageMs }),
  shown: () => sync({ shown: true }),
  held: () => sync({ held: true }),
  movedAgainAndAgain: () => sync({ settled: 'moved' }),
  deletedInDynamics: () => sync({ update: async () => ({ outcome: 'missing' }) }),
  unwritable: () =>
    sync({
      update: failing(new DataverseUnavailable({ reason: 'server-error', outcomeUnknown: false })),
      receiveCount: 3,
    }),
  refused: () => sync({ update: failing(new DataverseForbidden(undefined)) }),
};
