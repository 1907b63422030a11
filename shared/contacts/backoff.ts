/** At one try a minute this is about the first hour of an outage. */
const FIRST_HOUR_ATTEMPTS = 66;
const FIRST_HOUR_CAP_SECONDS = 60;
const LATER_SECONDS = 300;

/** Seconds until a row is due again after so many failed attempts: 1, 2, 4 … 60, after an hour 300. */
export function backoffSeconds(attempts: number): number {
  return attempts < FIRST_HOUR_ATTEMPTS
    ? Math.min(2 ** attempts, FIRST_HOUR_CAP_SECONDS)
    : LATER_SECONDS;
}
