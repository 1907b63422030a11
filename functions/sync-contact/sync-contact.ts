import { type AuditRow, auditValues } from '../../shared/audit/audit-row.ts';
import type { ContactRead } from '../../shared/contacts/decide-contact.ts';
import { applyIsolating } from '../../shared/contacts/apply-isolating.ts';
import { actionOf, decideContact, decideRefused } from '../../shared/contacts/decide-contact.ts';
import {
  type ContactStore,
  type ContactWrite,
  rowKey,
  type StoredRow,
} from '../../shared/contacts/contact-store.ts';
import { findMatches, waitsForMerged } from '../../shared/contacts/find-matches.ts';
import { unreadable } from '../../shared/contacts/read-contacts.ts';
import { auditedDecision, reportDecision } from '../../shared/contacts/report-decision.ts';
import {
  DatabaseConflict,
  DatabaseRejected,
  DatabaseUnavailable,
} from '../../shared/database/database.ts';
import { DataverseError } from '../../shared/dataverse/errors.ts';
import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';
import { withRequestId } from '../../shared/observability/request-id.ts';
import {
  type QueueMessage,
  retryDelaySeconds,
  type Settlement,
} from '../../shared/queue/settlement.ts';
import { groupByContact, keyOf, type Work } from './group-events.ts';

/** A contact that changed between read and write is read again so often before its message waits. */
const MAX_ROUNDS = 3;

/**
 * A round can take so long at the worst: its statements, a token and its reads at their own time
 * limits. None is begun that might not end in time.
 */
const ROUND_MS = 30_000;

/** A contact that cannot be read is tried again within seconds so often; then the row's clock has it. */
const FAST_TRIES = 3;
/** A longer wait than this is the clock's business, not the queue's. */
const MAX_FAST_RETRY_SECONDS = 5;

export interface SyncContactDependencies {
  readonly store: ContactStore;
  /** Contacts as Dynamics shows them now; rejects only on a defect. */
  readonly readContacts: (
    contactIds: readonly string[],
  ) => Promise<ReadonlyMap<string, ContactRead>>;
  /** Id of the Dataverse organisation that the connection leads to. @throws DataverseError */
  readonly connectedOrganizationId: () => Promise<string>;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly log: Log;
  readonly metrics: Measurements;
}

/** A contact whose row exists or can exist, with what Dynamics says of it. */
interface Case extends Work {
  readonly organizationId: string;
  readonly stored: StoredRow['stored'];
  readonly read: ContactRead;
  /** What Dataverse knows the request by in which it was read. */
  readonly dataverseRequestId: string | undefined;
}

/**
 * Answers the doorbells of a batch: reads the rows, then the contacts, decides, and writes with
 * compare-and-set. The order of the reads is a guard (docs/protocol.md): a row that has not changed
 * since before the contact was read cannot hold anything newer than what was read.
 */
export function createSyncContact(dependencies: SyncContactDependencies) {
  const { store, readContacts, connectedOrganizationId, newId, now, log, metrics } = dependencies;

  return async (
    batch: readonly QueueMessage[],
    remainingMs: () => number,
  ): Promise<ReadonlyMap<string, Settlement>> => {
    const settlements = new Map<string, Settlement>();
    const settle = (work: Work, settlement: (message: QueueMessage) => Settlement) => {
      for (const { message } of work.events) settlements.set(message.id, settlement(message));
    };

    let pending = groupByContact(batch, (message, reason) => {
      settlements.set(message.id, { kind: 'poison', reason });
    });
    for (let round = 1; pending.length > 0 && round <= MAX_ROUNDS; round += 1) {
      if (round > 1 && remainingMs() < ROUND_MS) break;
      try {
        const cases = await readCases(pending, (work) => {
          settle(work, () => ({ kind: 'poison', reason: 'unknown_organization' }));
        });
        const waiting = cases.filter((one) => mayRetrySoon(one));
        for (const one of waiting) {
          logUnreadable(one);
          settle(one, (message) => ({
            kind: 'retry',
            afterSeconds: retrySeconds(one) ?? retryDelaySeconds(message.receiveCount),
            cause: 'message',
          }));
        }
        const readable = cases.filter((one) => !waiting.includes(one));
        const masters = readable.filter((one) => waitsForMerged(one, readable));
        const writes = await decide(readable.filter((one) => !masters.includes(one)));
        const result = await applyIsolating(
          (part) => store.apply(part),
          writes.map(({ write }) => write),
          (count, error) => log(messages.contactRowsRejected, { count, ...describeError(error) }),
        );
        pending = [...masters];
        const refused: Case[] = [];
        for (const { one, write } of writes) {
          const rejected = result.rejected.get(rowKey(one));
          if (result.applied.has(rowKey(one))) {
            settle(one, () => ({ kind: 'done' }));
            report(one, write);
          } else if (rejected?.temporary) {
            // ConsentHub holds the patient locked; its neighbours have not waited for it.
            settle(one, ({ receiveCount }) => ({
              kind: 'retry',
              afterSeconds: retryDelaySeconds(receiveCount),
              cause: 'message',
            }));
          } else if (rejected !== undefined && round === MAX_ROUNDS) {
            // A unique key that another contact took is free of conflict after fresh reads; what is
            // still refused after them will be refused for ever.
            settle(one, () => ({ kind: 'poison', reason: 'rejected_by_database' }));
            refused.push(one);
          } else {
            if (rejected === undefined) {
              log(messages.contactConflict, { contactId: one.contactId, attempt: round });
            }
            pending.push(one);
          }
        }
        await stopClocks(refused);
      } catch (error) {
        if (error instanceof DatabaseConflict) continue;
        if (!(error instanceof DatabaseUnavailable || error instanceof DatabaseRejected))
          throw error;
        log(messages.databaseUnavailable, describeError(error));
        for (const work of pending) {
          settle(work, ({ receiveCount }) => ({
            kind: 'retry',
            afterSeconds: retryDelaySeconds(receiveCount),
            cause: 'system',
          }));
        }
        return settlements;
      }
    }
    for (const work of pending) {
      settle(work, ({ receiveCount }) => ({
        kind: 'retry',
        afterSeconds: retryDelaySeconds(receiveCount),
        cause: 'message',
      }));
    }
    return settlements;
  };

  /** Else the sweep would ring for the same again and again, and each time it would be put aside once more. */
  async function stopClocks(refused: readonly Case[]): Promise<void> {
    const writes = refused.flatMap(({ organizationId, contactId, stored, events }) => {
      const type = events.at(-1)?.event.type;
      if (stored === undefined || !stored.readDue || type === undefined) return [];
      const decision = decideRefused(stored, type);
      return [{ organizationId, contactId, stored, decision, audit: [] }];
    });
    if (writes.length > 0) await store.apply(writes);
  }

  /** Rows first, then Dynamics. Contacts of organisations that are not ours are refused. */
  async function readCases(works: readonly Work[], refuse: (work: Work) => void): Promise<Case[]> {
    const rows = await store.read(works);
    const known = works.flatMap((work) => {
      // Two organisations with one Dynamics: whose contact it is cannot be known, and is not guessed.
      const [row, ...others] = rows.filter((one) => keyOf(one) === keyOf(work));
      if (others.length > 0) return [];
      return row?.organizationId == null
        ? []
        : [{ ...work, organizationId: row.organizationId, stored: row.stored }];
    });
    for (const work of works) {
      if (!known.some((one) => keyOf(one) === keyOf(work))) refuse(work);
    }
    if (known.length === 0) return [];
    // One request reads them all; it has the id of the webhook that is first among them.
    const dataverseRequestId = known[0]?.events.at(-1)?.event.correlationId;
    return withRequestId(dataverseRequestId, async () => {
      const read = await readKnown(known, refuse);
      return read.map((one) => ({ ...one, dataverseRequestId }));
    });
  }

  async function readKnown<Known extends Work>(
    known: readonly Known[],
    refuse: (work: Work) => void,
  ): Promise<(Known & { readonly read: ContactRead })[]> {
    let connected: string;
    try {
      connected = await connectedOrganizationId();
    } catch (error) {
      if (!(error instanceof DataverseError)) throw error;
      return known.map((work) => ({ ...work, read: unreadable(error) }));
    }
    const ours = known.filter((work) => work.dataverseOrganizationId === connected);
    for (const work of known) if (!ours.includes(work)) refuse(work);

    const reads = await readContacts(ours.map((work) => work.contactId));
    return ours.map((work) => {
      const read = reads.get(work.contactId);
      if (read === undefined) throw new TypeError('a contact of the batch was not read');
      return { ...work, read };
    });
  }

  async function decide(cases: readonly Case[]): Promise<{ one: Case; write: ContactWrite }[]> {
    const matches = await findMatches(store, cases);
    return cases.map((one) => {
      const latest = one.events.at(-1);
      if (latest === undefined) throw new TypeError('a contact without an event');
      const decision = decideContact(
        {
          stored: one.stored,
          read: one.read,
          match: matches.get(rowKey(one)),
          newPatientId: newId(),
        },
        latest.event.type,
      );
      return {
        one,
        write: {
          organizationId: one.organizationId,
          contactId: one.contactId,
          stored: one.stored,
          decision,
          audit: auditRows(one, decision),
        },
      };
    });
  }

  /** One row for each event: the latest one led to the effect, it has overtaken the others. */
  function auditRows(one: Case, decision: ContactWrite['decision']): AuditRow[] {
    // The same event can be in a batch twice: the later of the two stands for it.
    const events = new Map(one.events.map(({ event }) => [event.eventId, event]));
    const latest = one.events.at(-1)?.event;
    return [...events.values()].map((event) => ({
      id: newId(),
      patient_id: decision.patientId,
      event_id: event.eventId,
      action: event === latest ? decision.action : actionOf(event.type),
      source: event.type === 'sync.requested' ? 'sweep' : 'webhook',
      outcome: event === latest ? decision.outcome : 'superseded',
      effect: event === latest && (decision.patient !== null || decision.driftedFields.length > 0),
      new_values: auditValues({
        contactId: one.contactId,
        eventId: event.eventId,
        eventType: event.type,
        correlationId: event.correlationId,
        ...(event === latest && {
          ...auditedDecision(decision),
          ...(one.read.kind === 'unreadable' && { reason: one.read.reason }),
        }),
      }),
    }));
  }

  function report(one: Case, { decision }: ContactWrite) {
    if (one.read.kind === 'unreadable') logUnreadable(one);
    const settledAt = now().getTime();
    for (const { event, message } of one.events) {
      const latencyMs = settledAt - Date.parse(event.receivedAt);
      const outcome = event === one.events.at(-1)?.event ? decision.outcome : 'superseded';
      metrics.count('ContactEvents', { outcome });
      if (event.type !== 'sync.requested' && outcome !== 'unreadable') {
        metrics.duration('SyncLatency', latencyMs, { direction: 'inbound' });
      }
      log(messages.contactSynced, {
        contactId: one.contactId,
        eventId: event.eventId,
        eventType: event.type,
        correlationId: event.correlationId,
        dataverseRequestId: one.dataverseRequestId,
        patientId: decision.patientId ?? undefined,
        action: decision.action,
        outcome,
        latencyMs,
        receiveCount: message.receiveCount,
      });
    }
    reportDecision({ ...one, decision }, { log, metrics });
  }

  function logUnreadable({ contactId, read, dataverseRequestId }: Case) {
    if (read.kind === 'unreadable') {
      log(messages.contactUnreadable, {
        contactId,
        dataverseRequestId,
        reason: read.reason,
        retryAfterSeconds: read.retryAfterSeconds,
      });
    }
  }
}

/** A passing failure gets a few tries within seconds, unless Dataverse has asked for more patience. */
function mayRetrySoon(one: Case): boolean {
  return (
    one.read.kind === 'unreadable' &&
    (one.read.retryAfterSeconds ?? 0) <= MAX_FAST_RETRY_SECONDS &&
    one.events.every(({ message }) => message.receiveCount < FAST_TRIES)
  );
}

const retrySeconds = (one: Case): number | undefined =>
  one.read.kind === 'unreadable' ? one.read.retryAfterSeconds : undefined;
