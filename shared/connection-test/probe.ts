import * as z from 'zod';
import { createDataverseClient } from '../dataverse/client.ts';
import type { DynamicsConnection } from '../dataverse/connection.ts';
import type { Fetch } from '../dataverse/http.ts';
import { requestToken } from '../dataverse/request-token.ts';
import { discoverTenantId } from '../dataverse/tenant.ts';
import { createWebApi, malformed, readBody } from '../dataverse/web-api.ts';

/**
 * For one request. With five of them one after another, and the audit row, it all ends before the
 * gateway gives up (30 s).
 */
const TIMEOUT_MS = 4_000;

/** Name of our steps in Dynamics, before what each of them is for. */
const STEP_PREFIX = 'ConsentHub';
const STAGE_POST_OPERATION = 40;
const MODE_ASYNCHRONOUS = 1;

/** What a test asks of one organisation. Every method throws the errors of `errors.ts`. */
export interface Probe {
  whoAmI(): Promise<{ readonly organizationId: string; readonly userId: string }>;
  organizationName(organizationId: string): Promise<string>;
  version(): Promise<string>;
  changeTrackingEnabled(): Promise<boolean>;
  /** Reads with change tracking, which needs the privilege for the whole organisation. */
  readTracked(): Promise<void>;
  /** Reads what the user may see, be it nothing. */
  readPlainly(): Promise<void>;
  /** Writes to a contact that does not exist: privileges are checked first, and nothing changes. */
  write(): Promise<void>;
  missingColumns(): Promise<readonly string[]>;
  /** Messages of the contact (`Create` …) that an enabled step of ours is registered for. */
  webhookMessages(): Promise<readonly string[]>;
}

const definition = z.object({ ChangeTrackingEnabled: z.boolean() });
const steps = z.object({
  value: z.array(
    z.object({
      stage: z.int(),
      mode: z.int(),
      sdkmessageid: z.object({ name: z.string() }).nullable(),
      sdkmessagefilterid: z.object({ primaryobjecttypecode: z.string() }).nullable(),
    }),
  ),
});

/**
 * Asks for a token with the connection's credentials and keeps it to itself: nothing is stored, no
 * pause is minded and none begun. Requests go to the connection's organisation and authority only.
 *
 * @throws TokenRefused, TokenUnavailable; if the tenant has to be found out, also DataverseUnavailable
 *   and DataverseUnreadable
 */
export async function openProbe(
  connection: DynamicsConnection,
  options: {
    readonly fetch: Fetch;
    readonly parallelRequests: number;
    readonly newId: () => string;
  },
): Promise<Probe> {
  const { fetch, parallelRequests, newId } = options;
  const timeoutMs = TIMEOUT_MS;
  const tenantId =
    connection.tenantId ?? (await discoverTenantId(connection, { fetch, timeoutMs }));
  const token = await requestToken(connection, tenantId, { fetch, timeoutMs, now: Date.now });
  const webApi = {
    connection,
    tokens: { get: async () => token, drop: async () => false },
    fetch,
    timeoutMs,
    parallelRequests,
  };
  const client = createDataverseClient(webApi);
  const api = createWebApi(webApi);

  async function read<T>(path: string, schema: z.ZodType<T>, prefer?: string): Promise<T> {
    const headers = prefer === undefined ? {} : { prefer };
    const answer = await api.send({ method: 'GET', path, headers });
    if (answer.kind !== 'success') throw malformed(answer.kind === 'missing' ? 404 : 412, false);
    return readBody(answer, schema);
  }
  const readOneContact = async (prefer: string) => {
    await read('contacts?$select=contactid', z.object({ value: z.array(z.unknown()) }), prefer);
  };

  return {
    whoAmI: () => client.whoAmI(),
    organizationName: (organizationId) => client.getOrganizationName(organizationId),
    version: async () =>
      (await read('RetrieveVersion()', z.object({ Version: z.string() }))).Version,
    changeTrackingEnabled: async () => {
      const path = "EntityDefinitions(LogicalName='contact')?$select=ChangeTrackingEnabled";
      return (await read(path, definition)).ChangeTrackingEnabled;
    },
    readTracked: () => readOneContact('odata.track-changes,odata.maxpagesize=1'),
    readPlainly: () => readOneContact('odata.maxpagesize=1'),
    write: async () => {
      await client.updateContact(newId(), { firstname: null }, { ifMatch: '*' });
    },
    missingColumns: () => client.getMissingColumns(),
    webhookMessages: async () => {
      const filter = `statecode eq 0 and startswith(name,'${STEP_PREFIX}')`;
      const { value } = await read(
        'sdkmessageprocessingsteps?$select=stage,mode' +
          '&$expand=sdkmessageid($select=name),sdkmessagefilterid($select=primaryobjecttypecode)' +
          `&$filter=${encodeURIComponent(filter)}`,
        steps,
      );
      return value
        .filter(
          ({ stage, mode, sdkmessagefilterid: filterOf }) =>
            stage === STAGE_POST_OPERATION &&
            mode === MODE_ASYNCHRONOUS &&
            filterOf?.primaryobjecttypecode === 'contact',
        )
        .flatMap(({ sdkmessageid: message }) => (message === null ? [] : [message.name]));
    },
  };
}
