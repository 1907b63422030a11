/** How often to ask, unless the page says otherwise. */
export const DEFAULT_REFRESH_SECONDS = 30;

/** More often would be no news: the API remembers its answer for some seconds. */
const MIN_REFRESH_SECONDS = 5;

const MAX_REFRESH_SECONDS = 3_600;

/** After failures nobody is kept waiting longer than this for good news. */
const MAX_BACKOFF_MS = 300_000;

/** What an attribute or a property says about the pace; what is no number counts as not said. */
export function refreshSecondsOf(said: string | number | null): number {
  const seconds = said === null || said === '' ? Number.NaN : Number(said);
  if (Number.isNaN(seconds)) return DEFAULT_REFRESH_SECONDS;
  return Math.min(MAX_REFRESH_SECONDS, Math.max(MIN_REFRESH_SECONDS, seconds));
}

/**
 * How long to wait from the end of one request to the next one: twice as long with each failure.
 *
 * @param failures in a row
 */
export function pauseMs(refreshSeconds: number, failures: number): number {
  const regularMs = refreshSeconds * 1_000;
  return Math.max(regularMs, Math.min(MAX_BACKOFF_MS, regularMs * 2 ** failures));
}
