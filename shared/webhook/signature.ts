import { createHmac, timingSafeEqual } from 'node:crypto';

/** How far a signed `X-Dynamics-Timestamp` may be from our clock, either way. */
export const TIMESTAMP_TOLERANCE_SECONDS = 300;

const SIGNATURE = /^(?:sha256=)?([0-9a-f]{64})$/i;
const UNIX_SECONDS = /^\d{1,12}$/;

export type SignatureVerdict = 'valid' | 'missing' | 'malformed' | 'stale' | 'mismatch';

export interface SignedRequest {
  /** The bytes as they were posted, before any decoding. */
  readonly rawBody: Uint8Array;
  /** `X-Dynamics-Signature`: 64 hex digits, optionally prefixed `sha256=`. API Gateway joins doubled headers with commas, which makes them malformed. */
  readonly signature: string | undefined;
  /** `X-Dynamics-Timestamp`, Unix seconds. When sent, the signature covers `timestamp + "." + body`. */
  readonly timestamp: string | undefined;
}

/**
 * Says whether a request was signed with one of the secrets (the current one first, then the one
 * before it while a rotation is under way). Without a timestamp a replay is possible and harmless:
 * an event only makes us read the contact again.
 */
export function verifySignature(
  request: SignedRequest,
  secrets: readonly string[],
  nowSeconds: number,
): SignatureVerdict {
  if (request.signature === undefined) return 'missing';
  const hex = SIGNATURE.exec(request.signature.trim())?.[1];
  if (hex === undefined) return 'malformed';
  if (request.timestamp !== undefined && !UNIX_SECONDS.test(request.timestamp)) return 'malformed';

  const sent = Buffer.from(hex, 'hex');
  // Every secret is tried, whatever the others said, so that the time taken tells nothing.
  const matches = secrets.map((secret) => timingSafeEqual(sent, sign(request, secret)));
  if (!matches.includes(true)) return 'mismatch';

  // After the comparison: only who knows the secret may learn that the clock is the problem.
  const age = request.timestamp === undefined ? 0 : nowSeconds - Number(request.timestamp);
  return Math.abs(age) > TIMESTAMP_TOLERANCE_SECONDS ? 'stale' : 'valid';
}

function sign({ rawBody, timestamp }: SignedRequest, secret: string): Buffer {
  const hmac = createHmac('sha256', secret);
  if (timestamp !== undefined) hmac.update(`${timestamp}.`);
  return hmac.update(rawBody).digest();
}
