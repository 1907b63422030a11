import type { Cache } from '../cache/redis.ts';
import type { DataverseClient } from './client.ts';

/** An organisation keeps its id for life; a day bounds what a wrong URL could leave behind. */
const CACHED_SECONDS = 86_400;

const GUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/**
 * Which Dataverse organisation the connection leads to, so that a contact is never looked for in
 * another one. Asked once by a container and remembered in the cache; a failed try is not kept.
 */
export function createConnectedOrganization(options: {
  readonly client: Pick<DataverseClient, 'whoAmI'>;
  readonly cache: Pick<Cache, 'get' | 'set'>;
  readonly orgUrl: string;
}): () => Promise<string> {
  const { client, cache, orgUrl } = options;
  const key = `dataverse:organization-id:${orgUrl}`;
  let known: string | undefined;
  return async () => {
    if (known !== undefined) return known;
    const cached = await cache.get(key).catch(() => null);
    if (cached !== null && GUID.test(cached)) {
      known = cached;
      return known;
    }
    known = (await client.whoAmI()).organizationId;
    await cache.set(key, known, CACHED_SECONDS).catch(() => undefined);
    return known;
  };
}
