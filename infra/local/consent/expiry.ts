import * as z from 'zod';
import { CommandError } from '../../command-line/command-error.ts';

/** When a consent ends: at a time, or so long after it is granted by the database's clock. */
export type Expiry = { readonly at: Date } | { readonly afterSeconds: number };

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const dateTime = z.iso.datetime({ offset: true });
const day = z.iso.date();

/**
 * Reads `30s`, `10m`, `12h`, `2d`, an ISO 8601 time with its zone, or a day (its beginning in UTC).
 *
 * @throws CommandError
 */
export function parseExpiry(text: string): Expiry {
  const duration = /^(\d{1,6})([smhd])$/.exec(text);
  if (duration !== null) {
    const [, amount, unit = ''] = duration;
    const afterSeconds = Number(amount) * (SECONDS_OF[unit] ?? 0);
    if (afterSeconds > 0) return { afterSeconds };
  } else if (dateTime.safeParse(text).success || day.safeParse(text).success) {
    return { at: new Date(text) };
  }
  throw new CommandError(
    `--expires ${text} is neither a duration (30s, 10m, 12h, 2d) nor an ISO 8601 time (2027-01-31T12:00:00Z)`,
  );
}
