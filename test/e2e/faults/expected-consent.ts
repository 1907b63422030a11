import { CHANNELS, type Decision } from './person.ts';

/** The values of `ch_consent_status` in the simulated organisation. */
const STATUS = {
  Active: 727_000_000,
  Partial: 727_000_001,
  Expired: 727_000_002,
  None: 727_000_003,
};

/**
 * What a contact has to show of a person's decisions, from memory and in other words than in
 * `shared/consent`: here the newest decision of a channel is simply the last one that was made.
 */
export function expectedConsent(
  decisions: readonly Decision[],
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const states = CHANNELS.flatMap((channel) => {
    const last = decisions.findLast((one) => one.channel === channel);
    if (last === undefined) return [];
    const over = last.expiresAtMs !== null && last.expiresAtMs <= nowMs;
    const state = last.kind === 'revocation' ? 'revoked' : over ? 'expired' : 'on';
    return [{ ...last, state }];
  });
  const on = states.filter(({ state }) => state === 'on');
  const ends = on.flatMap(({ expiresAtMs }) => expiresAtMs ?? []);
  const shows = Object.fromEntries(
    CHANNELS.map((channel) => [
      `ch_marketing_${channel}`,
      on.some((one) => one.channel === channel),
    ]),
  );
  return {
    ...shows,
    ch_consent_date: on.length > 0 ? inSeconds(Math.max(...on.map(({ atMs }) => atMs))) : null,
    ch_consent_expires: ends.length > 0 ? inSeconds(Math.min(...ends)) : null,
    ch_consent_status: statusOf(states.map(({ state }) => state)),
  };
}

function statusOf(states: readonly string[]): number {
  if (states.includes('on')) {
    return states.every((state) => state === 'on') ? STATUS.Active : STATUS.Partial;
  }
  return states.includes('expired') ? STATUS.Expired : STATUS.None;
}

/** Dataverse keeps whole seconds. */
const inSeconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
