import { createHash, timingSafeEqual } from 'node:crypto';

export type StaticSecretVerdict = 'valid' | 'missing' | 'mismatch';

/**
 * Says whether a request carries one of the secrets itself (`X-Dynamics-Webhook-Secret`), which is all
 * that a webhook of Dataverse can do without a plug-in. Weaker than a signature: whoever sees one request
 * can send any other. A doubled header, which API Gateway joins with a comma, fits no secret.
 */
export function verifyStaticSecret(
  sent: string | undefined,
  secrets: readonly string[],
): StaticSecretVerdict {
  if (sent === undefined) return 'missing';
  // Digests are of one length, so neither the secret's length nor its beginning shows in the time taken.
  const digest = sha256(sent);
  const matches = secrets.map((secret) => timingSafeEqual(digest, sha256(secret)));
  return matches.includes(true) ? 'valid' : 'mismatch';
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
