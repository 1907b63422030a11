/** A point in time, for people and for programs. */
export interface TimeText {
  /** `12 seconds ago`, `in 52 minutes`. */
  readonly relative: string;
  /** `25 Nov 2026, 20:15:00 UTC`, in the time zone of whoever looks. */
  readonly exact: string;
  /** ISO 8601. */
  readonly iso: string;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Two clocks, and the way from one to the other: what is nearer is now. */
const JUST_NOW_MS = 5 * SECOND_MS;

/** One hour or day is said in the next smaller unit: `90 minutes` tells more than `1 hour`. */
const UNITS = [
  { unit: 'day', ms: DAY_MS, fromMs: 2 * DAY_MS },
  { unit: 'hour', ms: HOUR_MS, fromMs: 2 * HOUR_MS },
  { unit: 'minute', ms: MINUTE_MS, fromMs: MINUTE_MS },
  { unit: 'second', ms: SECOND_MS, fromMs: 0 },
] as const;

/**
 * Pure, but for the time zone of the machine where none is given.
 *
 * @param atMs by the clock of `nowMs`
 */
export function timeText(atMs: number, nowMs: number, timeZone?: string): TimeText {
  const at = new Date(atMs);
  const differenceMs = atMs - nowMs;
  const { amount, unit } = inUnits(Math.abs(differenceMs));
  return {
    relative:
      Math.abs(differenceMs) < JUST_NOW_MS
        ? 'just now'
        : new Intl.RelativeTimeFormat('en').format(differenceMs < 0 ? -amount : amount, unit),
    exact: new Intl.DateTimeFormat('en-GB', {
      dateStyle: 'medium',
      timeStyle: 'long',
      timeZone,
    }).format(at),
    iso: at.toISOString(),
  };
}

/** `4 minutes`. Pure. */
export function durationText(seconds: number): string {
  const { amount, unit } = inUnits(seconds * SECOND_MS);
  return new Intl.NumberFormat('en', { style: 'unit', unit, unitDisplay: 'long' }).format(amount);
}

function inUnits(ms: number) {
  const { unit, ms: unitMs } = UNITS.find(({ fromMs }) => ms >= fromMs) ?? UNITS[3];
  return { amount: Math.floor(ms / unitMs), unit };
}
