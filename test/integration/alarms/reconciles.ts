import { randomUUID } from 'node:crypto';
import { rowKey } from '../../../shared/contacts/contact-store.ts';
import { DatabaseRejected, DatabaseUnavailable } from '../../../shared/database/database.ts';
import type { ListedContact } from '../../../shared/dataverse/changes.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnavailable,
} from '../../../shared/dataverse/errors.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { createReconcile } from '../../../shared/reconcile/reconcile.ts';
import type { TrackingProblem } from '../../../shared/reconcile/tracking-problem.ts';
import type { Run } from '../../../shared/reconcile/tracking-store.ts';
import { ORGANIZATION_ID } from '../../support/execution-context.ts';
import { recordLog } from '../../support/observability.ts';
import { ADA } from './contacts.ts';

/** Longer ago than any webhook takes. */
const LONG_AGO_MS = 3_600_000;

interface Reconcile {
  /** Contacts that were made long ago, and that ConsentHub does not know. */
  readonly unknownContacts?: number;
  readonly refused?: boolean;
  /** What Dataverse answers instead of a page. */
  readonly answer?: Error;
  /** Dataverse no longer knows where the last run ended. */
  readonly linkExpired?: boolean;
  readonly problem?: TrackingProblem;
  readonly unknownOrganization?: boolean;
  readonly databaseDown?: boolean;
}

/** One run of `reconcile-contacts`, over a table and a Dynamics that say what a test wants. */
async function reconcile(how: Reconcile): Promise<void> {
  const organizationId = randomUUID();
  const run: Run = {
    organizationId,
    leaseToken: randomUUID(),
    link: how.answer === undefined ? 'changes' : null,
    nextPage: null,
    fullRead: false,
    fullReadSeconds: null,
    imported: true,
    listed: 0,
    linked: 0,
    problem: how.problem ?? null,
    nowMs: Date.now(),
  };
  const contacts = Array.from(
    { length: how.unknownContacts ?? 0 },
    (): ListedContact => ({
      contactId: randomUUID(),
      version: '10',
      etag: 'W/"10"',
      ...ADA,
      stateCode: 0,
      masterId: null,
      modifiedAtMs: Date.now() - LONG_AGO_MS,
      consentFields: null,
    }),
  );
  const runOnce = createReconcile({
    tracking: {
      take: async () => {
        if (how.databaseDown) throw new DatabaseUnavailable('timeout');
        return how.unknownOrganization ? 'unknown' : run;
      },
      save: async (before, { fullRead: _begins, ...change }) => ({ ...before, ...change }),
      release: async () => undefined,
      markListed: async () => undefined,
      countMissing: async () => ({ known: 0, missing: 0 }),
      askMissing: async () => 0,
      forgetVersions: async () => 0,
    },
    contacts: {
      read: async (keys) => keys.map((key) => ({ ...key, organizationId, stored: undefined })),
      findPatientsToLink: async () => [],
      apply: async (writes) => {
        if (how.refused && writes.length > 0) throw new DatabaseRejected('22021');
        return new Map(writes.map((write) => [rowKey(write), '2']));
      },
    },
    dataverse: {
      readChanges: async ({ link }) => {
        if (how.answer !== undefined) throw how.answer;
        if (how.linkExpired && link !== undefined) throw new DataverseRejected(410, undefined);
        return { contacts, deleted: [], next: { kind: 'changes', link: 'later changes' } };
      },
    },
    readContacts: async () => new Map(),
    optionValues: async () => {
      throw new DataverseUnavailable({ reason: 'network', outcomeUnknown: false });
    },
    connectedOrganizationId: async () => ORGANIZATION_ID,
    pageSize: 5_000,
    maxMissingShare: 0.05,
    newId: randomUUID,
    wait: async () => undefined,
    log: recordLog().log,
    metrics: createMetrics(),
  });
  await runOnce({ remainingMs: () => 900_000 });
}

/** What can become of a run. */
export const reconciles = {
  nothingNew: () => reconcile({}),
  webhooksMissed: () => reconcile({ unknownContacts: 5 }),
  contactRefused: () => reconcile({ unknownContacts: 1, refused: true }),
  forbidden: () => reconcile({ answer: new DataverseForbidden(undefined) }),
  trackingRefused: () => reconcile({ answer: new DataverseRejected(400, '0x80040203') }),
  contactsMissing: () => reconcile({ problem: 'contacts_missing' }),
  versionsWentBack: () => reconcile({ problem: 'versions_went_back' }),
  organizationUnknown: () => reconcile({ unknownOrganization: true }),
  linkExpired: () => reconcile({ linkExpired: true }),
  databaseDown: () => reconcile({ databaseDown: true }),
};
