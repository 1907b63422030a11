import { describe, expect, test } from 'vitest';
import {
  createSweep,
  MAX_WAITING,
  RINGS_PER_SECOND,
  type SweepDependencies,
} from '../../../functions/sweep/sweep.ts';
import { DatabaseUnavailable } from '../../../shared/database/database.ts';
import { consentEvent } from '../../../shared/queue/consent-event.ts';
import { contactEvent } from '../../../shared/queue/contact-event.ts';
import { QueueUnavailable, type SentMessage } from '../../../shared/queue/queue.ts';
import type { DueContact } from '../../../shared/sweep/sweep-store.ts';
import { recordLog, recordMetrics } from '../../support/observability.ts';

const id = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const due = (n: number, overrides: Partial<DueContact> = {}): DueContact => ({
  organizationId: id(1),
  dataverseOrganizationId: id(2),
  contactId: id(n),
  patientId: id(n),
  readDue: false,
  writeDue: true,
  ...overrides,
});

/** A world with a clock of its own: a wait lets the time pass and the queue drain. */
function setUp(options: {
  rows: DueContact[];
  expired?: number;
  drainedPerSecond?: number;
  waiting?: number;
  seconds?: number;
  queueDown?: boolean;
  statusDown?: boolean;
}) {
  const rows = [...options.rows];
  const sent: SentMessage[] = [];
  let expired = options.expired ?? 0;
  let waiting = options.waiting ?? 0;
  let mostWaiting = 0;
  let nowMs = 0;
  const { log, lines } = recordLog();
  const { metrics, recorded } = recordMetrics();
  const queue = {
    sendAll: async (messages: readonly SentMessage[]) => {
      if (options.queueDown) throw new QueueUnavailable('down');
      sent.push(...messages);
      waiting += messages.length;
      mostWaiting = Math.max(mostWaiting, waiting);
    },
    waiting: async () => waiting,
  };
  const dependencies: SweepDependencies = {
    store: {
      expireConsents: async (limit) => {
        const marked = Math.min(limit, expired);
        expired -= marked;
        return marked;
      },
      endDoubts: async () => 0,
      claimDue: async (limit) => rows.splice(0, limit),
    },
    syncStatus: {
      read: async () => {
        if (options.statusDown) throw new DatabaseUnavailable('timeout');
        return {
          contacts: { lastSuccessAt: null, due: 3, oldestSeconds: 71 },
          consents: { lastSuccessAt: null, due: 0, oldestSeconds: null },
          trackingProblems: [],
          patientsToMerge: 2,
        };
      },
    },
    contactQueue: queue,
    consentQueue: queue,
    newId: () => id(9),
    now: () => new Date(Date.UTC(2026, 10, 22)),
    wait: async (ms) => {
      nowMs += ms;
      waiting = Math.max(0, waiting - ((options.drainedPerSecond ?? 1_000) * ms) / 1_000);
    },
    log,
    metrics,
  };
  const run = () => createSweep(dependencies)(() => (options.seconds ?? 55) * 1_000 - nowMs);
  return {
    run,
    sent,
    lines,
    recorded,
    left: () => rows.length,
    elapsed: () => nowMs,
    most: () => mostWaiting,
  };
}

describe('the sweep', () => {
  test('rings for what has to be read and what has to be written, in messages that their consumers take', async () => {
    const { run, sent } = setUp({
      rows: [
        due(10),
        due(11, { readDue: true, writeDue: false }),
        due(12, { readDue: true }),
        due(13, { readDue: true, writeDue: false, dataverseOrganizationId: null }),
      ],
    });
    expect(await run()).toEqual({ expired: 0, doubtsEnded: 0, rung: 4 });
    const bodies = sent.map(({ body }): unknown => JSON.parse(body));
    expect(bodies.filter((body) => contactEvent.safeParse(body).success)).toHaveLength(2);
    expect(bodies.filter((body) => consentEvent.safeParse(body).success)).toHaveLength(2);
  });

  test('ends at once when nothing is due', async () => {
    const { run, elapsed } = setUp({ rows: [] });
    await run();
    expect(elapsed()).toBe(0);
  });

  test('rings no faster than its share of what Dataverse takes', {
    tags: ['fault-27'],
  }, async () => {
    const rows = Array.from({ length: 100 }, (_, n) => due(n));
    const { run, sent, elapsed } = setUp({ rows });
    await run();
    expect(sent).toHaveLength(100);
    expect(elapsed()).toBe(Math.floor(100 / RINGS_PER_SECOND) * 1_000);
  });

  test('never lets more than a few messages wait, however slowly they are taken', {
    tags: ['fault-27'],
  }, async () => {
    const rows = Array.from({ length: 1_000 }, (_, n) => due(n));
    const { run, most, left } = setUp({ rows, drainedPerSecond: 2 });
    await run();
    expect(most()).toBeLessThanOrEqual(MAX_WAITING);
    // What could not be rung for stays due for the next run.
    expect(left()).toBeGreaterThan(800);
  });

  test('leaves the queue to others while they fill it', async () => {
    const { run, sent } = setUp({ rows: [due(1)], waiting: MAX_WAITING, drainedPerSecond: 0 });
    await run();
    expect(sent).toEqual([]);
  });

  test('takes turns: many expiries do not hold up a row that is due', {
    tags: ['fault-27'],
  }, async () => {
    const { run, sent, recorded } = setUp({ rows: [due(1)], expired: 20_000, seconds: 14 });
    const swept = await run();
    expect(sent).toHaveLength(1);
    expect(swept.expired).toBe(2_000);
    expect(recorded).toContain('ConsentsExpired 2000');
  });

  test('stops in time and leaves the rest due', async () => {
    const rows = Array.from({ length: 10_000 }, (_, n) => due(n));
    const { run, elapsed } = setUp({ rows });
    await run();
    expect(elapsed()).toBeLessThanOrEqual(55_000);
  });

  test('measures what was due before it began, also if that is nothing', async () => {
    const { run, recorded } = setUp({ rows: [] });
    await run();
    expect(recorded).toEqual([
      'DueRows{direction=inbound} 3',
      'OldestDue{direction=inbound} 71',
      'DueRows{direction=outbound} 0',
      'OldestDue{direction=outbound} 0',
      'PatientsToMerge 2',
      'DueRung 0',
    ]);
  });

  test('rings also if it cannot measure', async () => {
    const { run, sent, lines } = setUp({ rows: [due(1)], statusDown: true });
    await run();
    expect(sent).toHaveLength(1);
    expect(lines.map(({ code }) => code)).toContain('SW-003');
  });

  test('says so when the queue does not answer; the rows are due again by themselves', async () => {
    const { run, lines } = setUp({ rows: [due(1)], queueDown: true });
    expect((await run()).rung).toBe(0);
    expect(lines.map(({ code }) => code)).toContain('SW-002');
  });
});
