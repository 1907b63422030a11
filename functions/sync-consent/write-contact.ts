import { type AuditRow, auditValues } from '../../shared/audit/audit-row.ts';
import { type ConsentFields, sameConsentFields } from '../../shared/consent/consent-fields.ts';
import type { Claim, ConsentStore } from '../../shared/consent/consent-store.ts';
import { deriveContactFields } from '../../shared/consent/derive-contact-fields.ts';
import { backoffSeconds } from '../../shared/contacts/backoff.ts';
import type { ContactStore } from '../../shared/contacts/contact-store.ts';
import { decideContact, type StoredContact } from '../../shared/contacts/decide-contact.ts';
import type { DataverseClient } from '../../shared/dataverse/client.ts';
import type { ContactFields } from '../../shared/dataverse/contact.ts';
import {
  DataverseError,
  DataverseForbidden,
  DataverseRejected,
  DataverseUnavailable,
} from '../../shared/dataverse/errors.ts';
import { OWN_WRITE_TAG } from '../../shared/webhook/decide-webhook.ts';
import { type ProfilePush, prepareProfile } from './prepare-profile.ts';
import type { Seat } from './write-together.ts';

/** So often a contact is written again because something changed meanwhile; then the clock has it. */
const MAX_ROUNDS = 3;

/** A contact that somebody keeps editing gets its name, email or phone a little later. */
const BUSY_PROFILE_RETRY_MS = 60_000;
/** A name that Dynamics refuses (too long, say) is tried again this rarely: somebody has to change it. */
const REFUSED_PROFILE_RETRY_MS = 3_600_000;

export interface WriteContactDependencies {
  readonly store: ConsentStore;
  readonly contacts: ContactStore;
  readonly dataverse: Pick<DataverseClient, 'getContact' | 'updateContact' | 'updateContacts'>;
  /** The columns of a write, with the option values of this organisation. @throws DataverseError */
  readonly consentColumns: (fields: ConsentFields, lastSync: Date) => Promise<ContactFields>;
  readonly newId: () => string;
  readonly now: () => Date;
}

export type WriteResult =
  | { readonly kind: 'done'; readonly outcome: 'unchanged' | 'superseded' | 'unlinked' }
  | { readonly kind: 'done'; readonly outcome: 'applied'; readonly acknowledgedAt: Date }
  /** Changed again and again: the row is due at once. */
  | { readonly kind: 'done'; readonly outcome: 'deferred' }
  | {
      readonly kind: 'failed';
      readonly outcome: 'unwritable' | 'refused';
      readonly reason: string;
      readonly retryAfterSeconds: number | undefined;
    };

const isRefusal = (error: unknown): boolean =>
  error instanceof DataverseRejected || error instanceof DataverseForbidden;

/** What a write to Dynamics tells: of the person the columns only, of the consents also what they say. */
interface Attempt {
  readonly columns: ContactFields;
  /** Null if they are not written. */
  readonly consents: ConsentFields | null;
}
const NOTHING: Attempt = { columns: {}, consents: null };

/**
 * Makes one contact say what ConsentHub says, under a lease: derive, write, settle; round again if
 * anything changed meanwhile. The whole state is written every time, so repeating is harmless.
 *
 * @param seat to write the consents with those of other contacts; left before anything they would wait for
 */
export async function writeContact(
  dependencies: WriteContactDependencies,
  first: Claim,
  seat: Seat,
  eventIds: readonly string[],
  mayGoOn: () => boolean,
): Promise<WriteResult> {
  const { store, dataverse, consentColumns, newId, now } = dependencies;
  const { organizationId, contactId } = first.lease;
  let claim = first;
  /** What Dynamics has: what the row says, until a write of our own is acknowledged. */
  let known = first.written;
  let acknowledgedAt: Date | undefined;
  let audit: AuditRow[] = [];
  /** What is being written, until it is known how that ended. */
  let attempt: Attempt = NOTHING;

  const readingAlone: typeof dependencies = {
    ...dependencies,
    dataverse: {
      ...dataverse,
      getContact: (id) => {
        seat.leave();
        return dataverse.getContact(id);
      },
    },
  };

  const auditWrite = ({ columns, consents }: Attempt, outcome: string): AuditRow => ({
    id: newId(),
    patient_id: claim.patient.id,
    event_id: null,
    action: 'dynamics_sync',
    source: 'consenthub',
    outcome,
    new_values: auditValues({ contactId, fields: Object.keys(columns), consents, eventIds }),
  });

  try {
    for (let round = 1; round <= MAX_ROUNDS; round += 1) {
      const { fields, nextChangeAt } = deriveContactFields(
        claim.consents,
        claim.now,
        claim.mergedConsents,
      );
      const writesConsents = known === null || !sameConsentFields(known, fields);
      const profile = await prepareProfile(readingAlone, claim, round < MAX_ROUNDS);
      if (profile.kind === 'deleted') return await unlink(claim.stored);
      if (profile.kind !== 'moved') {
        let push = profile.kind === 'push' ? profile : undefined;
        let answer: Awaited<ReturnType<typeof write>> | undefined;
        if (writesConsents || push !== undefined) {
          try {
            answer = await write(fields, writesConsents, push);
          } catch (error) {
            if (push === undefined || !isRefusal(error)) throw error;
            // A name that Dynamics will not take, or not from us (column security), must not hold back
            // what the person has consented to.
            audit.push(auditWrite(attempt, 'refused'));
            attempt = NOTHING;
            push = undefined;
            answer = writesConsents ? await write(fields, true, undefined) : undefined;
          }
        }
        seat.leave();
        if (answer === 'missing') return await unlink(profile.stored);
        if (answer === 'updated') acknowledgedAt = now();
        if (answer === 'updated' && writesConsents) known = fields;
        if (answer !== 'conflict') {
          const retryProfileMs =
            profile.kind === 'later'
              ? BUSY_PROFILE_RETRY_MS
              : profile.kind === 'push' && push === undefined
                ? REFUSED_PROFILE_RETRY_MS
                : undefined;
          const state = await store.settle(
            {
              lease: claim.lease,
              revision: profile.stored.revision,
              written: fields,
              seen: push?.seen ?? null,
              forgetsPushed: profile.kind !== 'later',
              nextDueAt: nextDue(nextChangeAt, retryProfileMs),
            },
            audit,
          );
          audit = [];
          if (state === 'overtaken') return { kind: 'done', outcome: 'superseded' };
          if (state === 'settled') {
            return acknowledgedAt === undefined
              ? { kind: 'done', outcome: 'unchanged' }
              : { kind: 'done', outcome: 'applied', acknowledgedAt };
          }
        }
      }
      if (round === MAX_ROUNDS || !mayGoOn()) break;
      const [again] = await store.claim([claim.lease]);
      if (again === undefined) {
        // Somebody else holds it, or the link is gone. What was written may come after theirs.
        await release({ unknown: false, forget: acknowledgedAt !== undefined });
        return { kind: 'done', outcome: 'superseded' };
      }
      claim = again;
    }
    await release({ unknown: false, forget: acknowledgedAt !== undefined });
    return { kind: 'done', outcome: 'deferred' };
  } catch (error) {
    seat.leave();
    if (!(error instanceof DataverseError)) throw error;
    const refused = isRefusal(error);
    const retryAfterSeconds =
      error instanceof DataverseUnavailable ? error.retryAfterSeconds : undefined;
    if (error.outcomeUnknown) audit.push(auditWrite(attempt, 'unknown'));
    if (refused) audit.push(auditWrite(attempt, 'refused'));
    await store.release(
      {
        lease: claim.lease,
        unknown: error.outcomeUnknown,
        forget: acknowledgedAt !== undefined,
        refused,
        failed: true,
        dueSeconds: Math.max(retryAfterSeconds ?? 0, backoffSeconds(claim.stored.attempts)),
      },
      audit,
    );
    const outcome = refused ? 'refused' : 'unwritable';
    return { kind: 'failed', outcome, reason: error.name, retryAfterSeconds };
  }

  /** Everything that has to change, in one request; by itself if there is more than consents. */
  async function write(
    fields: ConsentFields,
    writesConsents: boolean,
    push: ProfilePush | undefined,
  ): Promise<'updated' | 'missing' | 'conflict'> {
    const columns = {
      ...(writesConsents && (await consentColumns(fields, now()))),
      ...push?.columns,
    };
    attempt = { columns, consents: writesConsents ? fields : null };
    const { outcome } = await (push === undefined
      ? seat.write({ contactId, fields: columns })
      : dataverse.updateContact(contactId, columns, { ifMatch: push.etag, tag: OWN_WRITE_TAG }));
    if (outcome === 'updated') audit.push(auditWrite(attempt, 'applied'));
    attempt = NOTHING;
    return outcome;
  }

  async function release(how: { unknown: boolean; forget: boolean }) {
    await store.release(
      { lease: claim.lease, ...how, refused: false, failed: false, dueSeconds: 0 },
      audit,
    );
    audit = [];
  }

  function nextDue(nextChangeAt: Date | null, retryMs: number | undefined): Date | null {
    if (retryMs === undefined) return nextChangeAt;
    const retryAt = new Date(claim.now.getTime() + retryMs);
    return nextChangeAt !== null && nextChangeAt < retryAt ? nextChangeAt : retryAt;
  }

  /**
   * Dynamics has proven that the contact is deleted: the row becomes a tombstone, as inbound, if it is
   * still what it was before the proof.
   */
  async function unlink(stored: StoredContact): Promise<WriteResult> {
    const decision = decideContact(
      { stored, read: { kind: 'deleted' }, match: undefined, newPatientId: newId() },
      'contact.deleted',
    );
    const tombstone: AuditRow = {
      id: newId(),
      patient_id: decision.patientId,
      event_id: null,
      action: decision.action,
      source: 'consenthub',
      outcome: decision.outcome,
      new_values: auditValues({ contactId, eventIds }),
    };
    const applied = await dependencies.contacts.apply([
      { organizationId, contactId, stored, decision, audit: [tombstone] },
    ]);
    // If the row has changed meanwhile it was not touched, and is due at once.
    await release({ unknown: false, forget: true });
    return { kind: 'done', outcome: applied.size > 0 ? 'unlinked' : 'deferred' };
  }
}
