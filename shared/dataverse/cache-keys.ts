import { createHash, hkdfSync } from 'node:crypto';
import type { DynamicsConnection } from './connection.ts';

type Credentials = Pick<DynamicsConnection, 'orgUrl' | 'clientId' | 'clientSecret'>;

const FINGERPRINT_BYTES = 16;

/** Stands for a connection in the cache, whatever its secret is. */
export function connectionIdentity({
  orgUrl,
  clientId,
}: Omit<Credentials, 'clientSecret'>): string {
  return createHash('sha256')
    .update(JSON.stringify([orgUrl, clientId]))
    .digest('hex');
}

/**
 * Where the pauses of a connection stand in the cache. They belong to its credentials: a new secret is
 * tried at once, and containers that still have the old one do not pause those that have the new one.
 */
export function pauseKeys(connection: Credentials): {
  /** Nothing is asked of Dataverse. */
  readonly dataverse: string;
  /** Nothing is asked of Entra ID. Who has a token goes on with it. */
  readonly entra: string;
} {
  const fingerprint = Buffer.from(
    hkdfSync(
      'sha256',
      connection.clientSecret,
      connectionIdentity(connection),
      'consenthub-dynamics pause v1',
      FINGERPRINT_BYTES,
    ),
  ).toString('hex');
  return {
    dataverse: `dynamics-pause:${fingerprint}`,
    entra: `dynamics-token-pause:${fingerprint}`,
  };
}
