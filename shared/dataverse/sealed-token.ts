import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import * as z from 'zod';
import { connectionIdentity } from './cache-keys.ts';
import type { DynamicsConnection } from './connection.ts';

/** A bearer token, and when it was issued and expires (milliseconds, by the clock of whoever asked for it). */
export interface AccessToken {
  readonly value: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Fingerprint of the token whose refusal was on record when this one was asked for (`refused-token.ts`). */
  readonly boughtAfter?: string;
}

/** What can stand in a header: anything else would make `fetch` throw an error that quotes it. */
export const tokenValue = z.string().regex(/^[\x21-\x7e]+$/);

const sealedContent = z.object({
  value: tokenValue,
  issuedAtMs: z.number(),
  expiresAtMs: z.number(),
  boughtAfter: z.string().exactOptional(),
});

const PREFIX = 'v1.';
const KEY_BYTES = 32;
/** Nonce and tag sizes that GCM is specified for (NIST SP 800-38D). */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps a connection's token unreadable in the cache: AES-256-GCM with a key made (HKDF) from the
 * client secret, so only who could ask for a token anyway can read one. The cache key is authenticated
 * with it: a value copied to another connection's key does not open.
 */
interface TokenSealer {
  readonly cacheKey: string;
  seal(token: AccessToken): string;
  /** @returns undefined for whatever is not a token that was sealed with this secret for this key. */
  open(sealed: string): AccessToken | undefined;
}

export function createTokenSealer(
  connection: Pick<DynamicsConnection, 'orgUrl' | 'clientId' | 'clientSecret'>,
): TokenSealer {
  const identity = connectionIdentity(connection);
  const cacheKey = `dynamics-token:${identity}`;
  const key = new Uint8Array(
    hkdfSync(
      'sha256',
      connection.clientSecret,
      identity,
      'consenthub-dynamics token v1',
      KEY_BYTES,
    ),
  );

  return {
    cacheKey,
    seal(token) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(cacheKey));
      const content = Buffer.concat([cipher.update(JSON.stringify(token), 'utf8'), cipher.final()]);
      return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), content]).toString('base64url');
    },
    open(sealed) {
      if (!sealed.startsWith(PREFIX)) return undefined;
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
      if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined;
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES))
          .setAAD(Buffer.from(cacheKey))
          .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const content = Buffer.concat([
          decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
          decipher.final(),
        ]);
        return sealedContent.safeParse(JSON.parse(content.toString('utf8'))).data;
      } catch {
        return undefined;
      }
    },
  };
}
