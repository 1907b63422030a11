import { type AuditRow, auditValues } from '../../shared/audit/audit-row.ts';
import type { Claim, FoundSubject, Lease } from '../../shared/consent/consent-store.ts';
import { backoffSeconds } from '../../shared/contacts/backoff.ts';
import { rowKey } from '../../shared/contacts/contact-store.ts';
import {
  DatabaseConflict,
  DatabaseRejected,
  DatabaseUnavailable,
} from '../../shared/database/database.ts';
import { DataverseError, DataverseUnavailable } from '../../shared/dataverse/errors.ts';
import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';
import { withRequestId } from '../../shared/observability/request-id.ts';
import { type ConsentEvent, parseConsentEvent } from '../../shared/queue/consent-event.ts';
import {
  type QueueMessage,
  retryDelaySeconds,
  type Settlement,
} from '../../shared/queue/settlement.ts';
import { type Arrived, consentIdOf, triage, type Work } from './triage.ts';
import { type WriteContactDependencies, type WriteResult, writeContact } from './write-contact.ts';
import { type Seat, seatAlone, writeTogether } from './write-together.ts';

/** A further round of a contact is only begun with so much time left for it and for what follows. */
const ROUND_MS = 20_000;

/** A write that did not succeed is tried again within seconds so often; then the row's clock has it. */
const FAST_TRIES = 3;
/** A longer wait than this is the clock's business, not the queue's. */
const MAX_FAST_RETRY_SECONDS = 5;

export interface SyncConsentDependencies extends WriteContactDependencies {
  /** Id of the Dataverse organisation that the connection leads to. @throws DataverseError */
  readonly connectedOrganizationId: () => Promise<string>;
  readonly log: Log;
  readonly metrics: Measurements;
}

const ACTIONS: Readonly<Record<ConsentEvent['type'], string>> = {
  'consent.granted': 'consent_granted',
  'consent.revoked': 'consent_revoked',
  'consent.expired': 'consent_expired',
  'patient.updated': 'patient_updated',
  'sync.requested': 'sync_requested',
};

/**
 * Answers the doorbells of a batch: makes each contact say what ConsentHub says. Several events of
 * one patient are one write; the contacts of a batch are written in one request, or in parallel.
 */
export function createSyncConsent(dependencies: SyncConsentDependencies) {
  const { store, dataverse, connectedOrganizationId, newId, now, log, metrics } = dependencies;

  return async (
    batch: readonly QueueMessage[],
    remainingMs: () => number,
  ): Promise<ReadonlyMap<string, Settlement>> => {
    const mayGoOn = () => remainingMs() > ROUND_MS;
    const settlements = new Map<string, Settlement>();
    const parsed = batch.flatMap((message): Arrived[] => {
      const result = parseConsentEvent(message.body);
      if (result.ok) return [{ message, event: result.event }];
      settlements.set(message.id, { kind: 'poison', reason: result.reason });
      return [];
    });
    try {
      const { works, unlinked, settled } = triage(parsed, await lookUp(parsed));
      for (const [id, settlement] of settled) settlements.set(id, settlement);
      await auditEvents(unlinked, 'skipped');
      for (const { message } of unlinked) settlements.set(message.id, { kind: 'done' });
      const claims = await claim(works);
      const takeSeat = writeTogether(dataverse);
      const answers = await Promise.allSettled(
        works.map(async (work) => {
          const claimed = claims.get(rowKey(work.subject));
          // What failed before may be what makes a request fail as a whole, or hang.
          const untried = typeof claimed === 'object' && claimed.stored.attempts === 0;
          const seat = untried ? takeSeat() : seatAlone(dataverse);
          const settlement = await answer(work, claimed, seat, mayGoOn).finally(() => seat.leave());
          for (const { message } of work.arrived) {
            // Several contacts can show one event: none of them may have to wait for nothing.
            if (settlements.get(message.id)?.kind === 'retry') continue;
            settlements.set(message.id, settlement(message));
          }
        }),
      );
      // None may go on behind the function's back, in a container that is frozen and thawed.
      const failed = answers.find((answered) => answered.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      log(messages.databaseUnavailable, describeError(error));
      for (const { message } of parsed) {
        if (!settlements.has(message.id)) settlements.set(message.id, waitForSystem(message));
      }
    }
    return settlements;
  };

  async function lookUp(arrived: readonly Arrived[]): Promise<readonly FoundSubject[]> {
    if (arrived.length === 0) return [];
    return store.find(
      arrived.map(({ event }) => ({
        organizationId: event.organizationId,
        patientId: event.patientId,
        consentId: consentIdOf(event),
      })),
    );
  }

  /** The claims by `rowKey`; 'busy' where ConsentHub holds the row locked, nothing where another writer has it. */
  async function claim(works: readonly Work[]): Promise<ReadonlyMap<string, Claim | 'busy'>> {
    if (works.length === 0) return new Map();
    const leases = works.map(
      ({ subject }): Lease => ({
        organizationId: subject.organizationId,
        contactId: subject.contactId,
        token: newId(),
      }),
    );
    try {
      return new Map((await store.claim(leases)).map((one) => [rowKey(one.lease), one]));
    } catch (error) {
      if (!(error instanceof DatabaseRejected)) throw error;
      // One row that is locked must not be everybody's.
      const alone = await Promise.all(
        leases.map(async (lease): Promise<[string, Claim | 'busy'][]> => {
          try {
            return (await store.claim([lease])).map((one) => [rowKey(lease), one]);
          } catch (again) {
            if (!(again instanceof DatabaseRejected)) throw again;
            return [[rowKey(lease), 'busy']];
          }
        }),
      );
      return new Map(alone.flat());
    }
  }

  /** Writes one contact and says what becomes of its messages. */
  async function answer(
    work: Work,
    claimed: Claim | 'busy' | undefined,
    seat: Seat,
    mayGoOn: () => boolean,
  ): Promise<(message: QueueMessage) => Settlement> {
    if (claimed === 'busy') return waitForRow;
    try {
      // Somebody else is writing this contact, and will see that its revision has moved.
      const result: WriteResult =
        claimed === undefined
          ? { kind: 'done', outcome: 'superseded' }
          : await withRequestId(requestIdOf(work), () => write(work, claimed, seat, mayGoOn));
      if (result.kind === 'failed') {
        log(messages.contactUnwritable, {
          contactId: work.subject.contactId,
          dataverseRequestId: requestIdOf(work),
          reason: result.reason,
          outcome: result.outcome,
          retryAfterSeconds: result.retryAfterSeconds,
        });
        const { retryAfterSeconds = 0, outcome } = result;
        const soon = outcome === 'unwritable' && retryAfterSeconds <= MAX_FAST_RETRY_SECONDS;
        if (soon && work.arrived.every(({ message }) => message.receiveCount < FAST_TRIES)) {
          return ({ receiveCount }) => ({
            kind: 'retry',
            afterSeconds: Math.max(retryAfterSeconds, retryDelaySeconds(receiveCount)),
            cause: 'message',
          });
        }
      }
      await auditEvents(work.arrived, result.outcome);
      report(work, result);
      return () => ({ kind: 'done' });
    } catch (error) {
      if (!isDatabaseError(error)) throw error;
      log(messages.databaseUnavailable, describeError(error));
      // The lease ends by itself, and the doubt that the claim has recorded brings the row back.
      return error instanceof DatabaseRejected ? waitForRow : waitForSystem;
    }
  }

  async function write(
    work: Work,
    claimed: Claim,
    seat: Seat,
    mayGoOn: () => boolean,
  ): Promise<WriteResult> {
    const { dataverseOrganizationId } = work.subject;
    try {
      if ((await connectedOrganizationId()) !== dataverseOrganizationId.toLowerCase()) {
        throw new OtherOrganization();
      }
    } catch (error) {
      seat.leave();
      if (!(error instanceof DataverseError || error instanceof OtherOrganization)) throw error;
      const retryAfterSeconds =
        error instanceof DataverseUnavailable ? error.retryAfterSeconds : undefined;
      await store.release(
        {
          lease: claimed.lease,
          unknown: false,
          forget: false,
          refused: false,
          failed: true,
          dueSeconds: Math.max(retryAfterSeconds ?? 0, backoffSeconds(claimed.stored.attempts)),
        },
        [],
      );
      return {
        kind: 'failed',
        outcome: 'unwritable',
        reason: error.name,
        retryAfterSeconds,
      };
    }
    const eventIds = [...new Set(work.arrived.map(({ event }) => event.eventId))];
    return writeContact(dependencies, claimed, seat, eventIds, mayGoOn);
  }

  async function auditEvents(arrived: readonly Arrived[], outcome: string) {
    const rows = new Map<string, AuditRow[]>();
    for (const { event } of arrived) {
      const row = {
        id: newId(),
        patient_id: event.patientId,
        consent_id: consentIdOf(event),
        event_id: event.eventId,
        action: ACTIONS[event.type],
        source: event.type === 'sync.requested' ? ('sweep' as const) : ('consenthub' as const),
        outcome,
        new_values: auditValues({ eventType: event.type }),
      };
      rows.set(event.organizationId, [...(rows.get(event.organizationId) ?? []), row]);
    }
    await Promise.all(
      [...rows].map(([organizationId, ofOrganization]) =>
        store.audit(organizationId, ofOrganization),
      ),
    );
  }

  function report(work: Work, result: WriteResult) {
    const { subject, arrived } = work;
    const settledAt = result.outcome === 'applied' ? result.acknowledgedAt : now();
    for (const { event, message } of arrived) {
      const latencyMs = settledAt.getTime() - Date.parse(event.occurredAt);
      metrics.count('ConsentEvents', { outcome: result.outcome });
      if (result.outcome === 'applied' && event.type !== 'sync.requested') {
        metrics.duration('SyncLatency', latencyMs, { direction: 'outbound' });
      }
      log(messages.consentSynced, {
        contactId: subject.contactId,
        patientId: subject.patientId,
        eventId: event.eventId,
        eventType: event.type,
        dataverseRequestId: requestIdOf(work),
        outcome: result.outcome,
        latencyMs,
        receiveCount: message.receiveCount,
      });
    }
  }
}

/** Several events of a patient are one write; it has the id of the last of them. */
const requestIdOf = ({ arrived }: Work): string | undefined => arrived.at(-1)?.event.eventId;

/** The connection leads to another organisation than the patient's. */
class OtherOrganization extends Error {
  override readonly name = 'OtherOrganization';
}

const waitForSystem = ({ receiveCount }: QueueMessage): Settlement => ({
  kind: 'retry',
  afterSeconds: retryDelaySeconds(receiveCount),
  cause: 'system',
});

const waitForRow = ({ receiveCount }: QueueMessage): Settlement => ({
  kind: 'retry',
  afterSeconds: retryDelaySeconds(receiveCount),
  cause: 'message',
});

const isDatabaseError = (error: unknown): error is Error =>
  error instanceof DatabaseUnavailable ||
  error instanceof DatabaseConflict ||
  error instanceof DatabaseRejected;
