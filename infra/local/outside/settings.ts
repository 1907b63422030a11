import {
  InvalidUrl,
  isLoopbackUrl,
  parseAuthorityUrl,
  parseOrganizationUrl,
} from '../../../shared/dataverse/organization-url.ts';

/** Something in the environment of `npm start` that cannot be used. Names the variable, never its value. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** What the environment says about the systems outside AWS; absent: simulated, or made up. */
export interface OutsideSettings {
  readonly orgUrl?: string;
  readonly authorityUrl?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly clientSecret?: string;
  readonly webhookSecret?: string;
  readonly databaseUrl?: string;
  readonly redisRestUrl?: string;
  readonly redisRestToken?: string;
}

/** The worldwide authority of Entra ID. */
const MICROSOFT_AUTHORITY_URL = 'https://login.microsoftonline.com';

/**
 * Reads and checks the variables that replace a simulated system by another one. Pure.
 *
 * @param allowRemote whether another machine may be talked to at all.
 * @throws SettingsError
 */
export function outsideSettings(
  environment: Readonly<Record<string, string | undefined>>,
  allowRemote: boolean,
): OutsideSettings {
  // An empty variable counts as one that is not set.
  const read = (name: string): string | undefined => environment[name] || undefined;
  const endpoint = (name: string): string | undefined => {
    const value = read(name);
    if (value !== undefined) checkEndpoint(name, value, allowRemote);
    return value;
  };
  // The client secret and the token are sent there: only Microsoft's own hosts, as in AWS, or loopback.
  const microsoft = (name: string, parse: typeof parseOrganizationUrl): string | undefined => {
    const value = endpoint(name);
    if (value === undefined) return undefined;
    try {
      return parse(value, { allowLoopback: true });
    } catch (error) {
      if (!(error instanceof InvalidUrl)) throw error;
      throw new SettingsError(`${name}: ${error.message}`);
    }
  };
  const together = (name: string, others: readonly string[]): void => {
    const missing = others.find((other) => read(name) !== undefined && read(other) === undefined);
    if (missing !== undefined) throw new SettingsError(`${name} needs ${missing} as well`);
  };
  const orgUrl = microsoft('DYNAMICS_ORG_URL', parseOrganizationUrl);
  const authorityUrl = microsoft('DYNAMICS_AUTHORITY_URL', parseAuthorityUrl);
  together('DYNAMICS_ORG_URL', ['DYNAMICS_CLIENT_ID', 'DYNAMICS_CLIENT_SECRET']);
  together('DYNAMICS_AUTHORITY_URL', ['DYNAMICS_ORG_URL']);
  together('UPSTASH_REDIS_REST_URL', ['UPSTASH_REDIS_REST_TOKEN']);
  if (orgUrl !== undefined && authorityUrl === undefined) {
    checkEndpoint('DYNAMICS_AUTHORITY_URL (by default)', MICROSOFT_AUTHORITY_URL, allowRemote);
  }
  const settings = {
    orgUrl,
    authorityUrl: orgUrl === undefined ? undefined : (authorityUrl ?? MICROSOFT_AUTHORITY_URL),
    tenantId: read('DYNAMICS_TENANT_ID'),
    clientId: read('DYNAMICS_CLIENT_ID'),
    clientSecret: read('DYNAMICS_CLIENT_SECRET'),
    webhookSecret: read('DYNAMICS_WEBHOOK_SECRET'),
    databaseUrl: endpoint('DATABASE_URL'),
    redisRestUrl: endpoint('UPSTASH_REDIS_REST_URL'),
    redisRestToken: read('UPSTASH_REDIS_REST_TOKEN'),
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

function checkEndpoint(name: string, value: string, allowRemote: boolean): void {
  if (!URL.canParse(value)) throw new SettingsError(`${name} is not a URL`);
  if (allowRemote || isLoopbackUrl(value)) return;
  throw new SettingsError(
    `${name} is not on this machine. Start with --allow-remote if that is what you want: ` +
      'real systems are then read and written',
  );
}
