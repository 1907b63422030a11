import type * as z from 'zod';
import type { DynamicsConnection } from '../../../shared/dataverse/connection.ts';
import { requestToken } from '../../../shared/dataverse/request-token.ts';
import { discoverTenantId } from '../../../shared/dataverse/tenant.ts';
import {
  createWebApi,
  malformed,
  readBody,
  type WebApi,
} from '../../../shared/dataverse/web-api.ts';

/** Making a column takes Dataverse several seconds, publishing up to a minute; two minutes is its own limit. */
const TIMEOUT_MS = 120_000;
/** Definitions are changed one after the other: Dataverse locks them. */
const PARALLEL_REQUESTS = 4;

/** The organisation's Web API and the tenant it belongs to. */
export interface OrganizationApi {
  readonly api: WebApi;
  readonly tenantId: string;
}

/**
 * Signs in with a token of its own, which lasts for an hour: no command takes that long.
 *
 * @throws DataverseError
 */
export async function connectOrganization(
  connection: DynamicsConnection,
): Promise<OrganizationApi> {
  const options = { fetch, timeoutMs: TIMEOUT_MS, now: Date.now };
  const tenantId = connection.tenantId ?? (await discoverTenantId(connection, options));
  const token = await requestToken(connection, tenantId, options);
  const api = createWebApi({
    connection,
    tokens: { get: async () => token, drop: async () => false },
    fetch,
    timeoutMs: TIMEOUT_MS,
    parallelRequests: PARALLEL_REQUESTS,
  });
  return { api, tenantId };
}

/** Reads what has to be there. @throws DataverseError */
export async function read<T>(api: WebApi, path: string, schema: z.ZodType<T>): Promise<T> {
  const answer = await api.send({ method: 'GET', path });
  if (answer.kind !== 'success') throw malformed(answer.kind === 'missing' ? 404 : 412, false);
  return readBody(answer, schema);
}
