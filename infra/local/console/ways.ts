import * as z from 'zod';
import type { WayView } from './view.ts';

/** The ways that are remembered: more than anybody reads. */
const MAX_WAYS = 40;

/** Lines of the functions' logs that tell of an event, by their code (shared/observability/messages.ts). */
const STATES: Readonly<Record<string, WayView['state']>> = {
  'WH-001': 'waiting',
  'CO-001': 'settled',
  'CS-001': 'settled',
  'QU-001': 'dead',
  'QU-002': 'retried',
};

const line = z.object({
  code: z.enum(Object.keys(STATES)),
  timestamp: z.iso.datetime(),
  eventId: z.string(),
  eventType: z.string(),
  contactId: z.string().nullish(),
  outcome: z.string().optional(),
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
  const { code, timestamp, eventId, eventType, contactId, outcome, reason, latencyMs } = read.data;
  return {
    eventId,
    eventType,
    direction: eventType.startsWith('contact.') ? 'inbound' : 'outbound',
    contactId: contactId ?? null,
    at: timestamp,
    state: STATES[code] ?? 'waiting',
    outcome: outcome ?? reason ?? '',
    latencyMs: latencyMs ?? null,
  };
}
