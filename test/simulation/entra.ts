import type { World } from './world.ts';

/** Entra ID's usual lifetime of a token. */
export const LIFETIME_SECONDS = 3_599;

export interface Entra {
  /** Answers a token request. */
  issue(): { status: number; body: string };
  /** Does Dataverse accept the token? By its own clock. */
  accepts(token: string | undefined): boolean;
  /** Every token of now is refused from now on. */
  revoke(): void;
  readonly revocations: number;
  readonly issued: number;
  /** A request was answered after so long. */
  answered(afterMs: number): void;
  readonly slowestMs: number;
}

/** Entra ID, as far as the functions use it: it issues tokens, which expire and can be revoked. */
export function createEntra(world: World): Entra {
  const expiries = new Map<string, number>();
  let issued = 0;
  let revocations = 0;
  let slowestMs = 0;

  return {
    issue() {
      issued += 1;
      const token = `token-${issued}`;
      expiries.set(token, world.now() + LIFETIME_SECONDS * 1000);
      const body = { token_type: 'Bearer', expires_in: LIFETIME_SECONDS, access_token: token };
      return { status: 200, body: JSON.stringify(body) };
    },
    accepts: (token) => token !== undefined && (expiries.get(token) ?? 0) > world.now(),
    revoke() {
      revocations += 1;
      expiries.clear();
    },
    get revocations() {
      return revocations;
    },
    answered(afterMs) {
      slowestMs = Math.max(slowestMs, afterMs);
    },
    get slowestMs() {
      return slowestMs;
    },
    get issued() {
      return issued;
    },
  };
}
