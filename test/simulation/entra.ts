import { LOCK_SECONDS } from '../../shared/dataverse/token-lock.ts';
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
  readonly issued: number;
  /** A request leaves a function. @returns to be called when the function has its answer, or gives it up */
  asked(): () => void;
  /** Requests without an answer for as long as the lock of whoever asks lasts. */
  readonly late: number;
}

/** Entra ID, as far as the functions use it: it issues tokens, which expire and can be revoked. */
export function createEntra(world: World): Entra {
  const expiries = new Map<string, number>();
  let issued = 0;
  let late = 0;

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
      expiries.clear();
    },
    asked() {
      const askedMs = world.now();
      // Until it is known to be none: nobody hears of the answer to a process that died.
      late += 1;
      return () => {
        if (world.now() - askedMs < LOCK_SECONDS * 1000) late -= 1;
      };
    },
    get late() {
      return late;
    },
    get issued() {
      return issued;
    },
  };
}
