/** A secret of the application. It is there until it is taken away, also when it has expired. */
export interface ClientSecret {
  readonly value: string;
  /** Milliseconds since the epoch; absent: it does not expire. */
  readonly expiresAtMs?: number;
}

/** What Entra ID thinks of a secret: an application may have several at a time. */
export function verifySecret(
  value: string,
  secrets: readonly ClientSecret[],
  nowMs: number,
): 'ok' | 'expired' | 'unknown' {
  const known = secrets.filter((secret) => secret.value === value);
  if (known.length === 0) return 'unknown';
  return known.some(({ expiresAtMs = Infinity }) => nowMs < expiresAtMs) ? 'ok' : 'expired';
}
