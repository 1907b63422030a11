import canonicalize from 'canonicalize';

/** Where an audited effect came from. */
export type AuditSource = 'webhook' | 'consenthub' | 'sweep' | 'reconcile' | 'import' | 'operator';

/** One row of `audit_logs`, as a statement takes it; the database adds its time and the checksum. */
export interface AuditRow {
  readonly id: string;
  readonly patient_id: string | null;
  readonly consent_id?: string | null;
  /** Unique: a second row for the same event is dropped. */
  readonly event_id: string | null;
  readonly action: string;
  readonly source: AuditSource;
  /**
   * The event has changed something now: if it is on record already, this gets a row all the same,
   * without the `event_id`.
   */
  readonly effect?: boolean;
  readonly outcome: string;
  /**
   * Canonical JSON (RFC 8785). The checksum covers id, action, time and these characters. Says which
   * fields of a person changed, never their values.
   */
  readonly new_values: string;
}

/** Canonical JSON of what an audit row says happened. */
export function auditValues(values: Readonly<Record<string, unknown>>): string {
  const text = canonicalize(values);
  if (text === undefined) throw new TypeError('audit values have no JSON form');
  return text;
}
