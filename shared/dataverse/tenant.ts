import type { DynamicsConnection } from './connection.ts';
import { DataverseUnavailable, DataverseUnreadable } from './errors.ts';
import { guid } from './guid.ts';
import { exchange, unavailability, type HttpOptions } from './http.ts';

/** Without the parameter the challenge may come without its header ("Discover the authority URL"). */
const CHALLENGE_PATH = '/api/data/v9.2/?SDKClientVersion=9.1';

const AUTHORIZATION_URI = /authorization_uri="?([^\s",]+)/i;

/**
 * Finds out which Entra tenant an organisation belongs to, from the challenge (401) that it answers to
 * an unauthenticated request. Only the tenant's GUID is taken from it, never the host: the client
 * secret is posted to the authority, and that is configuration.
 *
 * @returns the tenant's GUID, in lower case
 * @throws DataverseUnavailable, DataverseUnreadable
 */
export async function discoverTenantId(
  connection: Pick<DynamicsConnection, 'orgUrl'>,
  options: HttpOptions & { readonly now?: () => number },
): Promise<string> {
  const answer = await exchange(
    {
      method: 'GET',
      url: `${connection.orgUrl}${CHALLENGE_PATH}`,
      headers: { accept: 'application/json' },
      writes: false,
    },
    options,
  );
  const notNow = unavailability(answer, false, (options.now ?? Date.now)());
  if (notNow) throw new DataverseUnavailable(notNow);

  const challenge = answer.status === 401 ? answer.headers.get('www-authenticate') : null;
  const authorizationUri = URL.parse(AUTHORIZATION_URI.exec(challenge ?? '')?.[1] ?? '');
  const tenantId = guid.safeParse(authorizationUri?.pathname.split('/')[1]).data;
  if (tenantId === undefined) throw new DataverseUnreadable('no tenant in the challenge');
  return tenantId;
}
