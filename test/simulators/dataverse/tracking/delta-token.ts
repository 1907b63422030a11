import { badQuery, DataverseError } from '../errors.ts';
import type { Organization } from '../organization.ts';

/** `ExpireChangeTrackingInDays` of an organisation that did not change it. */
const EXPIRE_CHANGE_TRACKING_DAYS = 7;
const DAY_MS = 86_400_000;

const tokenPattern = /^(\d{1,19})!(\d\d)\/(\d\d)\/(\d{4}) (\d\d:\d\d:\d\d)$/;

/** The `$deltatoken` for what comes after a row version, looking like Dataverse's; opaque to clients. */
export function formatDeltaToken(version: bigint, atMs: number): string {
  const [date = '', time = ''] = new Date(atMs).toISOString().split('T');
  const [year, month, day] = date.split('-');
  return `${version}!${month}/${day}/${year} ${time.slice(0, 8)}`;
}

/**
 * The row version that a token stands for. 400 for one that was not given out here, and (0x80044352)
 * for one that is too old, or older than a change of the table's definition.
 */
export function readDeltaToken(token: string, organization: Organization): bigint {
  const match = tokenPattern.exec(token);
  if (!match) throw badQuery(`Invalid delta token '${token}'.`);
  const [, version = '', month, day, year, time] = match;
  const issuedMs = Date.parse(`${year}-${month}-${day}T${time}Z`);
  const from = BigInt(version);
  if (
    organization.now() - issuedMs > EXPIRE_CHANGE_TRACKING_DAYS * DAY_MS ||
    from < organization.contactTable.changedAt() ||
    from < organization.tokensExpiredAt
  ) {
    throw new DataverseError(
      400,
      '0x80044352',
      'Version stamp associated with the client has expired. Please perform a full sync.',
    );
  }
  return from;
}
