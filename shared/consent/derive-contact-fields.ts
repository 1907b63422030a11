import { type ConsentFields, type ConsentStatus, consentFieldTime } from './consent-fields.ts';

/** A row of ConsentHub's `consents`. Of any type: those that are no channel decide nothing here. */
export interface ConsentRow {
  readonly id: string;
  readonly consentType: string;
  /** `pending`, `active`, `revoked` or `expired`. */
  readonly status: string;
  readonly grantedAt: Date | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date | null;
}

/** The consents that Dynamics shows, by `consent_type`. */
const CHANNELS: ReadonlySet<string> = new Set([
  'marketing_email',
  'marketing_sms',
  'marketing_phone',
  'marketing_mail',
]);

/** What one row says about its channel. Times in milliseconds since 1970, infinite where unknown. */
interface Decision {
  readonly kind: 'revoked' | 'granted';
  readonly decidedAtMs: number;
  /** `-Infinity`: it has expired, whenever that was. */
  readonly expiresAtMs: number;
  readonly grantedAtMs: number;
}

/**
 * What the contact in Dynamics has to show, from all consents of its patient, in any order, at the
 * database's `now`.
 *
 * - `pending`, and a status that nobody knows, decides nothing; revoked is final within a row.
 * - Between the rows of a channel the newest decision wins, and the more restrictive one of two at the
 *   same time. A revocation without its time is taken for the newest: no grant is provably after it.
 * - A channel is off from the moment of its expiry on, whatever the status of its row.
 *
 * `nextChangeAt` is when time alone will change the fields: the earliest expiry of a channel that is
 * on. Null if time changes nothing.
 *
 * @param mergedConsents those of the other patients whose contacts were merged into this one. Whether they
 *   are one person is not known before ConsentHub merges them, so a channel is on only if it is on for
 *   at least one of them and off for none that ever decided it.
 */
export function deriveContactFields(
  consents: readonly ConsentRow[],
  now: Date,
  mergedConsents: readonly (readonly ConsentRow[])[] = [],
): { fields: ConsentFields; nextChangeAt: Date | null } {
  const decisions = mostRestrictive([consents, ...mergedConsents].map(newestDecisions), now);
  const decided = [...decisions.values()];
  const on = (decision: Decision | undefined): boolean =>
    decision?.kind === 'granted' && now.getTime() < decision.expiresAtMs;
  const active = decided.filter(on);

  const grantedAt = knownTime(Math.max(...active.map(({ grantedAtMs }) => grantedAtMs)));
  const expiresAt = knownTime(Math.min(...active.map(({ expiresAtMs }) => expiresAtMs)));
  return {
    fields: {
      marketingEmail: on(decisions.get('marketing_email')),
      marketingSms: on(decisions.get('marketing_sms')),
      marketingPhone: on(decisions.get('marketing_phone')),
      marketingMail: on(decisions.get('marketing_mail')),
      consentDate: grantedAt && consentFieldTime(grantedAt),
      consentExpires: expiresAt && consentFieldTime(expiresAt),
      consentStatus: statusOf(decided, active.length),
    },
    nextChangeAt: expiresAt,
  };
}

function statusOf(decided: readonly Decision[], activeCount: number): ConsentStatus {
  if (activeCount > 0) return activeCount === decided.length ? 'Active' : 'Partial';
  // A grant that is not on has expired.
  return decided.some(({ kind }) => kind === 'granted') ? 'Expired' : 'None';
}

/** Of each channel what the most restrictive patient says; where all say yes, the latest of their grants. */
function mostRestrictive(
  patients: readonly ReadonlyMap<string, Decision>[],
  now: Date,
): Map<string, Decision> {
  const strictest = new Map<string, Decision>();
  for (const [channel, decision] of patients.flatMap((decisions) => [...decisions])) {
    const other = strictest.get(channel);
    strictest.set(channel, other === undefined ? decision : stricter(decision, other, now));
  }
  return strictest;
}

/** A revocation counts before an expiry, an expiry before a grant that is on. */
function stricter(a: Decision, b: Decision, now: Date): Decision {
  if (a.kind === 'revoked' || b.kind === 'revoked') return a.kind === 'revoked' ? a : b;
  const [first, second] = a.expiresAtMs <= b.expiresAtMs ? [a, b] : [b, a];
  return first.expiresAtMs <= now.getTime()
    ? first
    : { ...first, grantedAtMs: Math.max(first.grantedAtMs, second.grantedAtMs) };
}

function newestDecisions(consents: readonly ConsentRow[]): Map<string, Decision> {
  const newest = new Map<string, Decision>();
  for (const row of consents) {
    if (!CHANNELS.has(row.consentType)) continue;
    const decision = decisionOf(row);
    if (decision === undefined) continue;
    const other = newest.get(row.consentType);
    if (other === undefined || precedence(decision, other) > 0) {
      newest.set(row.consentType, decision);
    }
  }
  return newest;
}

function decisionOf(row: ConsentRow): Decision | undefined {
  const revoked = row.revokedAt !== null || row.status === 'revoked';
  if (!revoked && row.status !== 'active' && row.status !== 'expired') return undefined;
  const grantedAtMs = row.grantedAt?.getTime() ?? -Infinity;
  return {
    kind: revoked ? 'revoked' : 'granted',
    decidedAtMs: revoked
      ? Math.max(row.revokedAt?.getTime() ?? Infinity, grantedAtMs)
      : ((row.grantedAt ?? row.createdAt)?.getTime() ?? -Infinity),
    expiresAtMs: row.status === 'expired' ? -Infinity : (row.expiresAt?.getTime() ?? Infinity),
    grantedAtMs,
  };
}

/**
 * Positive if `a` counts instead of `b`. At the same time the revocation counts, then the earlier
 * expiry; after that only the grant's own time can differ, and the order of the rows never matters.
 */
function precedence(a: Decision, b: Decision): number {
  return (
    compare(a.decidedAtMs, b.decidedAtMs) ||
    compare(Number(a.kind === 'revoked'), Number(b.kind === 'revoked')) ||
    compare(b.expiresAtMs, a.expiresAtMs) ||
    compare(a.grantedAtMs, b.grantedAtMs)
  );
}

/** A difference would be NaN between two infinities. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function knownTime(ms: number): Date | null {
  return Number.isFinite(ms) ? new Date(ms) : null;
}
