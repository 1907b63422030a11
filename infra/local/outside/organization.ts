import { Client } from 'pg';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { requestToken } from '../../../shared/dataverse/request-token.ts';
import { OUTSIDE_TIMEOUT_MS, type OutsideSystems } from './outside-systems.ts';

/** Who the Dynamics organisation is: its id and its display name. */
export interface DynamicsOrganization {
  readonly id: string;
  readonly name: string;
}

/** Asks Dataverse (`WhoAmI`) with a token of the connection's application. */
export async function askOrganization(outside: OutsideSystems): Promise<DynamicsOrganization> {
  const connection = {
    orgUrl: outside.dataverseUrl,
    authorityUrl: outside.entraUrl,
    tenantId: outside.tenantId,
    clientId: outside.clientId,
    clientSecret: outside.clientSecret,
  };
  const timeoutMs = OUTSIDE_TIMEOUT_MS;
  const token = await requestToken(connection, outside.tenantId, {
    fetch,
    timeoutMs,
    now: Date.now,
  });
  const client = createDataverseClient({
    connection,
    tokens: { get: async () => token, drop: async () => false },
    fetch,
    timeoutMs,
    parallelRequests: 1,
  });
  const { organizationId } = await client.whoAmI();
  return { id: organizationId, name: await client.getOrganizationName(organizationId) };
}

/**
 * Makes sure that ConsentHub knows the organisation: its row in `organizations`. An existing row
 * stays as it is.
 *
 * @returns ConsentHub's own id of the organisation.
 */
export async function ensureOrganization(
  databaseUrl: string,
  organization: DynamicsOrganization,
  tenantId: string,
): Promise<string> {
  const client = new Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: OUTSIDE_TIMEOUT_MS,
    query_timeout: OUTSIDE_TIMEOUT_MS,
  });
  await client.connect();
  try {
    // The column may be text or uuid in ConsentHub's own schema: comparing as text fits both.
    const find =
      'select id::text from organizations where lower(dynamics_org_id::text) = lower($1)';
    const insert = `
      insert into organizations (name, dynamics_org_id, azure_tenant_id)
      values ($1, $2, $3) on conflict do nothing`;
    const before = await client.query<{ id: string }>(find, [organization.id]);
    if (before.rows[0] !== undefined) return before.rows[0].id;
    await client.query(insert, [organization.name, organization.id, tenantId]);
    const after = await client.query<{ id: string }>(find, [organization.id]);
    if (after.rows[0] === undefined) throw new Error('the organisation cannot be inserted');
    return after.rows[0].id;
  } finally {
    await client.end();
  }
}
