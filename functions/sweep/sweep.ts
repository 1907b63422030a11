import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';
import type { Queue, SentMessage } from '../../shared/queue/queue.ts';
import type { DueContact, SweepStore } from '../../shared/sweep/sweep-store.ts';
import { readRequest, writeRequest } from '../../shared/sweep/sync-request.ts';
import type { SyncStatus, SyncStatusStore } from '../../shared/sync-status/sync-status-store.ts';

/**
 * Dataverse takes 6,000 requests of a user in 300 s, 20 a second. The clock takes twelve of them, the
 * rest belongs to what people do now.
 */
export const RINGS_PER_SECOND = 12;
const PACE_MS = 1_000;

/** It rings only while this few messages wait, so that an interactive event never stands behind many. */
export const MAX_WAITING = 50;

/** Consents and doubts are marked in pieces of this size, so that no transaction gets large. */
const PIECE = 500;

/** What is left of the function's time when the last round may begin. */
const MIN_REMAINING_MS = 10_000;

export interface SweepDependencies {
  readonly store: SweepStore;
  readonly syncStatus: Pick<SyncStatusStore, 'read'>;
  readonly contactQueue: Pick<Queue, 'sendAll' | 'waiting'>;
  readonly consentQueue: Pick<Queue, 'sendAll' | 'waiting'>;
  readonly newId: () => string;
  readonly now: () => Date;
  /** Resolves after so many milliseconds. */
  readonly wait: (ms: number) => Promise<unknown>;
  readonly log: Log;
  readonly metrics: Measurements;
}

export interface Swept {
  readonly expired: number;
  readonly doubtsEnded: number;
  readonly rung: number;
}

/**
 * The clock: marks what has expired, ends doubts, and rings for rows that are due, as fast as the
 * queues are drained and no faster. What it does not get done stays due for the next run.
 */
export function createSweep(dependencies: SweepDependencies) {
  const { store, syncStatus, contactQueue, consentQueue, newId, now, wait, log, metrics } =
    dependencies;

  return async (remainingMs: () => number): Promise<Swept> => {
    await measureDue();
    const timeLeft = () => remainingMs() > MIN_REMAINING_MS;
    let expired = 0;
    let doubtsEnded = 0;
    let rung = 0;
    let marking = true;
    while (timeLeft()) {
      // Marking takes its turns with ringing: fifty thousand expiries must not hold up a due row.
      if (marking) {
        const [marked, ended] = [await store.expireConsents(PIECE), await store.endDoubts(PIECE)];
        expired += marked;
        doubtsEnded += ended;
        marking = marked === PIECE || ended === PIECE;
      }
      const room = Math.min(RINGS_PER_SECOND, MAX_WAITING - (await mostWaiting()));
      const due = room > 0 ? await store.claimDue(room) : [];
      rung += await ring(due);
      const caughtUp = room > 0 && due.length < room;
      if (caughtUp && !marking) break;
      await wait(PACE_MS);
    }
    if (expired > 0) metrics.add('ConsentsExpired', expired);
    metrics.add('DueRung', rung);
    log(messages.dueRung, { count: rung });
    return { expired, doubtsEnded, rung };
  };

  /** What has been due and for how long, before this run does something about it; and what waits for people. */
  async function measureDue(): Promise<void> {
    let status: SyncStatus;
    try {
      status = await syncStatus.read();
    } catch (error) {
      // Whoever only looks must not stop the clock.
      log(messages.dueNotMeasured, describeError(error));
      return;
    }
    for (const [direction, { due, oldestSeconds }] of [
      ['inbound', status.contacts],
      ['outbound', status.consents],
    ] as const) {
      metrics.add('DueRows', due, { direction });
      metrics.seconds('OldestDue', oldestSeconds ?? 0, { direction });
    }
    metrics.add('PatientsToMerge', status.patientsToMerge);
  }

  async function mostWaiting(): Promise<number> {
    return Math.max(...(await Promise.all([contactQueue.waiting(), consentQueue.waiting()])));
  }

  /** A ring that gets lost is no harm: the clocks were only moved on by two minutes. */
  async function ring(due: readonly DueContact[]): Promise<number> {
    const reads = due.flatMap((row) => contactMessage(row) ?? []);
    const writes = due.flatMap((row) => consentMessage(row) ?? []);
    try {
      await Promise.all([contactQueue.sendAll(reads), consentQueue.sendAll(writes)]);
      return reads.length + writes.length;
    } catch (error) {
      log(messages.dueNotRung, { count: due.length, ...describeError(error) });
      return 0;
    }
  }

  function contactMessage({
    readDue,
    dataverseOrganizationId,
    contactId,
  }: DueContact): SentMessage | undefined {
    if (!readDue || dataverseOrganizationId === null) return undefined;
    return readRequest({ dataverseOrganizationId, contactId }, { newId, now });
  }

  function consentMessage({
    writeDue,
    organizationId,
    patientId,
  }: DueContact): SentMessage | undefined {
    if (!writeDue || patientId === null) return undefined;
    return writeRequest({ organizationId, patientId }, { newId, now });
  }
}
