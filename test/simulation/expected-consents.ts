import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import type { Channel, Decision } from './consenthub.ts';
import { CONSENT_STATUS_VALUES, type Contact } from './organization.ts';

/**
 * What Dynamics has to show of the decisions of a patient, and of those whose contacts were merged into
 * the patient's, said a second time and in other words than in `shared/consent`, from what ConsentHub
 * remembers and not from the database.
 */
export function expectedColumns(
  patients: readonly (readonly Decision[])[],
  nowMs: number,
): Contact['columns'] {
  const states = (['email', 'sms'] satisfies Channel[]).flatMap((channel) => {
    const said = patients.flatMap((decisions) => stateOf(decisions, channel, nowMs));
    if (said.length === 0) return [];
    const times = said.flatMap(({ expiresAtMs }) => expiresAtMs ?? []);
    return [
      {
        channel,
        on: said.every(({ on }) => on),
        expired: said.every(({ revoked }) => !revoked) && said.some(({ expired }) => expired),
        grantedAtMs: Math.max(...said.map(({ grantedAtMs }) => grantedAtMs ?? 0)),
        expiresAtMs: times.length > 0 ? Math.min(...times) : null,
      },
    ];
  });
  const on = states.filter((state) => state.on);
  const status =
    on.length > 0
      ? on.length === states.length
        ? 'Active'
        : 'Partial'
      : states.some(({ expired }) => expired)
        ? 'Expired'
        : 'None';
  const shows = (channel: Channel) => on.some((state) => state.channel === channel);
  const granted = on.map(({ grantedAtMs }) => grantedAtMs);
  const expiries = on.flatMap(({ expiresAtMs }) => expiresAtMs ?? []);
  return {
    [CONTACT_FIELDS.marketingEmail.logicalName]: shows('email'),
    [CONTACT_FIELDS.marketingSms.logicalName]: shows('sms'),
    [CONTACT_FIELDS.marketingPhone.logicalName]: false,
    [CONTACT_FIELDS.marketingMail.logicalName]: false,
    [CONTACT_FIELDS.consentDate.logicalName]:
      granted.length > 0 ? seconds(Math.max(...granted)) : null,
    [CONTACT_FIELDS.consentExpires.logicalName]:
      expiries.length > 0 ? seconds(Math.min(...expiries)) : null,
    [CONTACT_FIELDS.consentStatus.logicalName]: CONSENT_STATUS_VALUES[status],
  };
}

/** What one patient says of a channel; nothing, if nothing was decided. */
function stateOf(decisions: readonly Decision[], channel: Channel, nowMs: number) {
  const rows = decisions
    .filter((one) => one.channel === channel)
    .map((one) => ({ ...one, atMs: Math.max(one.grantedAtMs ?? 0, one.revokedAtMs ?? 0) }));
  const latestMs = Math.max(...rows.map(({ atMs }) => atMs));
  const latest = rows.filter(({ atMs }) => atMs === latestMs);
  const [first] = latest;
  if (first === undefined) return [];
  const revoked = latest.some(({ revokedAtMs }) => revokedAtMs !== null);
  const expired = !revoked && first.expiresAtMs !== null && first.expiresAtMs <= nowMs;
  return [{ ...first, revoked, expired, on: !revoked && !expired }];
}

const seconds = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}Z`;
