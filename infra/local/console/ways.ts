import * as z from 'zod';
import type { WayView } from './view.ts';

/** The ways that are remembered: more than anybody reads. */
const MAX_WAYS = 40;

/** Lines of the functions' logs that tell of an event (shared/observability/messages.ts). */
const ACCEPTED = 'WH-001';
const CONTACT_SETTLED = 'CO-001';
const CONSENT_SETTLED = 'CS-001';
const PUT_ASIDE = 'QU-001';
const RETRIED = 'QU-002';

/** Outcomes that leave the contact's row due. */
const LEFT_TO_THE_CLOCK: ReadonlySet<string> = new Set(['unreadable', 'unwritable', 'deferred']);

const eventCode = z.enum([ACCEPTED, CONTACT_SETTLED, CONSENT_SETTLED, PUT_ASIDE, RETRIED]);
type EventCode = z.output<typeof eventCode>;

const line = z.object({
  code: eventCode,
  timestamp: z.iso.datetime(),
  eventId: z.string(),
  eventType: z.string(),
  contactId: z.string().nullish(),
  patientId: z.string().nullish(),
  outcome: z.string().default(''),
  reason: z.string().optional(),
  latencyMs: z.number().optional(),
});

/** The ways of events, put together from the lines of all functions' logs. */
export interface Ways {
  /** Takes in a line; one that tells of no event is passed over. */
  read(text: string): void;
  /** The newest first. */
  list(): WayView[];
}

export function createWays(): Ways {
  const ways = new Map<string, WayView>();
  return {
    read(text) {
      const told = parse(text);
      if (told === undefined) return;
      const before = ways.get(told.eventId);
      // Logs are read one after the other: what was taken in may be told after what became of it.
      if (before !== undefined && told.state === 'waiting') return;
      ways.set(told.eventId, { ...told, at: before?.at ?? told.at });
      for (const eventId of ways.keys()) {
        if (ways.size <= MAX_WAYS) break;
        ways.delete(eventId);
      }
    },
    list: () => [...ways.values()].toSorted((left, right) => (left.at < right.at ? 1 : -1)),
  };
}

function parse(text: string): WayView | undefined {
  // Most lines are metrics or Lambda's own: not worth parsing.
  if (!text.includes('"eventId"')) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A function that was killed may have left half a line.
    return undefined;
  }
  const read = line.safeParse(json);
  if (!read.success) return undefined;
  const { code, timestamp, eventId, eventType, outcome, reason } = read.data;
  const { contactId = null, patientId = null, latencyMs = null } = read.data;
  const state = stateOf(code, outcome);
  return {
    eventId,
    eventType,
    contactId,
    patientId,
    direction: code === CONSENT_SETTLED || contactId === null ? 'outbound' : 'inbound',
    at: timestamp,
    state,
    outcome: reason ?? outcome,
    latencyMs: state === 'settled' ? latencyMs : null,
  };
}

function stateOf(code: EventCode, outcome: string): WayView['state'] {
  switch (code) {
    case ACCEPTED:
      return 'waiting';
    case RETRIED:
      return 'retried';
    case PUT_ASIDE:
      return 'dead';
    case CONTACT_SETTLED:
    case CONSENT_SETTLED:
      return LEFT_TO_THE_CLOCK.has(outcome) ? 'due' : 'settled';
  }
}
