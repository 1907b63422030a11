import type { ConsentFields } from '../../shared/consent/consent-fields.ts';
import type { ConsentRow } from '../../shared/consent/derive-contact-fields.ts';

/** The consents that Dynamics shows, by `consent_type`. */
export const CHANNELS = [
  'marketing_email',
  'marketing_sms',
  'marketing_phone',
  'marketing_mail',
] as const;

export type Channel = (typeof CHANNELS)[number];

/** What a channel comes to at one moment. */
type State =
  | { readonly kind: 'undecided' | 'revoked' | 'expired' }
  | { readonly kind: 'on'; readonly rows: readonly ConsentRow[] };

/**
 * The fields of a contact, said a second time: not row against row as `shared/consent` does, but set
 * by set. Of all that was ever decided of a channel the latest moment counts; if anything there is a
 * revocation the channel is off, if anything there is over it has expired, else it is on.
 */
export function expectedFields(rows: readonly ConsentRow[], nowMs: number): ConsentFields {
  const states = CHANNELS.map((channel) => stateOf(rows, channel, nowMs));
  const [marketingEmail, marketingSms, marketingPhone, marketingMail] = states.map(
    ({ kind }) => kind === 'on',
  ) as [boolean, boolean, boolean, boolean];
  const kinds = new Set(states.map(({ kind }) => kind));
  const dates = states.flatMap((state) => (state.kind === 'on' ? [datesOf(state.rows)] : []));
  return {
    marketingEmail,
    marketingSms,
    marketingPhone,
    marketingMail,
    consentDate: shown(dates.flatMap(({ grantedMs }) => grantedMs ?? []).toSorted(latest)[0]),
    consentExpires: shown(dates.flatMap(({ expiresMs }) => expiresMs ?? []).toSorted(earliest)[0]),
    consentStatus: kinds.has('on')
      ? kinds.has('revoked') || kinds.has('expired')
        ? 'Partial'
        : 'Active'
      : kinds.has('expired')
        ? 'Expired'
        : 'None',
  };
}

/** The first moment after now, of all at which anything ends, at which the fields are others. */
export function expectedNextChange(rows: readonly ConsentRow[], nowMs: number): number | undefined {
  const fieldsNow = JSON.stringify(expectedFields(rows, nowMs));
  return rows
    .flatMap(({ expiresAt }) => expiresAt?.getTime() ?? [])
    .filter((ms) => ms > nowMs)
    .toSorted(earliest)
    .find((ms) => JSON.stringify(expectedFields(rows, ms)) !== fieldsNow);
}

function stateOf(rows: readonly ConsentRow[], channel: Channel, nowMs: number): State {
  const decided = rows.filter(
    (row) =>
      row.consentType === channel &&
      (isRevoked(row) || row.status === 'active' || row.status === 'expired'),
  );
  if (decided.length === 0) return { kind: 'undecided' };
  const atSomeTime = decided.filter((row) => momentOf(row) !== undefined);
  const atNoTime = decided.filter((row) => momentOf(row) === undefined);
  // Nothing is provably later than a revocation of which nobody knows when it was.
  if (atNoTime.some((row) => isRevoked(row))) return { kind: 'revoked' };
  const last = atSomeTime.filter((row) =>
    atSomeTime.every((other) => Number(momentOf(other)) <= Number(momentOf(row))),
  );
  const counting = last.length > 0 ? last : atNoTime;
  if (counting.some((row) => isRevoked(row))) return { kind: 'revoked' };
  const over = counting.some(
    ({ status, expiresAt }) =>
      status === 'expired' || (expiresAt !== null && expiresAt.getTime() <= nowMs),
  );
  return over ? { kind: 'expired' } : { kind: 'on', rows: counting };
}

/** Of several grants at the same moment the one that ends first counts, and of those the later grant. */
function datesOf(rows: readonly ConsentRow[]) {
  const expiresMs = rows
    .flatMap(({ expiresAt }) => expiresAt?.getTime() ?? [])
    .toSorted(earliest)[0];
  const grantedMs = rows
    .filter(({ expiresAt }) => expiresAt?.getTime() === expiresMs)
    .flatMap(({ grantedAt }) => grantedAt?.getTime() ?? [])
    .toSorted(latest)[0];
  return { expiresMs, grantedMs };
}

function isRevoked({ status, revokedAt }: ConsentRow): boolean {
  return status === 'revoked' || revokedAt !== null;
}

/** When a row was last decided. A grant was made with its row, if it does not say when; a revocation was not. */
function momentOf(row: ConsentRow): number | undefined {
  const { grantedAt, revokedAt, createdAt } = row;
  if (!isRevoked(row)) return (grantedAt ?? createdAt)?.getTime();
  if (revokedAt === null) return undefined;
  return [grantedAt, revokedAt].flatMap((time) => time?.getTime() ?? []).toSorted(latest)[0];
}

/** Whole seconds, from Dataverse's first moment to the day before its last year ends. */
function shown(ms: number | undefined): string | null {
  if (ms === undefined) return null;
  if (ms < Date.parse('1753-01-01T00:00:00Z')) return '1753-01-01T00:00:00Z';
  if (ms >= Date.parse('9999-12-31T00:00:00Z')) return '9999-12-30T23:59:59Z';
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

const earliest = (a: number, b: number): number => a - b;
const latest = (a: number, b: number): number => b - a;
