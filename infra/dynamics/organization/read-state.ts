import * as z from 'zod';
import { type ColumnState, readColumnStates } from '../../../shared/dataverse/contact-schema.ts';
import { DataverseForbidden } from '../../../shared/dataverse/errors.ts';
import { guid } from '../../../shared/dataverse/guid.ts';
import { malformed, readBody, type WebApi } from '../../../shared/dataverse/web-api.ts';
import { read } from './connect.ts';
import {
  ASSEMBLY_NAME,
  ENDPOINT_NAME,
  MESSAGES,
  PLUGIN_TYPE,
  PREFIX,
  SECURE_CONFIG_ID,
  SOLUTION,
  type StepMessage,
  stepName,
} from './names.ts';

/** A registered step of ours, found by its name. */
export interface StepState {
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  readonly stage: number;
  readonly mode: number;
  readonly asyncAutoDelete: boolean;
  readonly filteringAttributes: readonly string[];
  /** Id of the plug-in type or the endpoint. */
  readonly handlerId: string | null;
  readonly secureConfigId: string | null;
  readonly filterId: string | null;
}

/** What an organisation has of what the set-up makes. Ids are in lower case. */
export interface OrganizationState {
  readonly publisher: { readonly id: string; readonly name: string } | undefined;
  readonly solution:
    | { readonly id: string; readonly prefix: string | undefined; readonly managed: boolean }
    | undefined;
  readonly columns: readonly ColumnState[];
  readonly changeTracking: boolean;
  /** `content`: base64. */
  readonly assembly: { readonly id: string; readonly content: string } | undefined;
  readonly pluginType: { readonly id: string } | undefined;
  readonly endpoint: { readonly id: string; readonly url: string } | undefined;
  /** It holds the webhook's secret. `text` is undefined where only System Administrators may read it. */
  readonly secureConfig: { readonly text: string | undefined } | undefined;
  /** What steps of the contact can be registered for. */
  readonly messages: ReadonlyMap<string, { readonly id: string; readonly filterId: string }>;
  readonly steps: ReadonlyMap<StepMessage, StepState>;
}

const list = <T extends z.ZodType>(row: T) => z.object({ value: z.array(row) });

const publishers = list(z.object({ publisherid: guid, uniquename: z.string() }));
const solutions = list(
  z.object({
    solutionid: guid,
    ismanaged: z.boolean(),
    publisherid: z.object({ customizationprefix: z.string().nullable() }).nullable(),
  }),
);
const definition = z.object({ ChangeTrackingEnabled: z.boolean() });
const assemblies = list(z.object({ pluginassemblyid: guid, content: z.string().nullable() }));
const pluginTypes = list(z.object({ plugintypeid: guid }));
const endpoints = list(z.object({ serviceendpointid: guid, url: z.string().nullable() }));
const messageFilters = list(
  z.object({
    sdkmessagefilterid: guid,
    sdkmessageid: z.object({ sdkmessageid: guid, name: z.string() }),
  }),
);
const steps = list(
  z.object({
    sdkmessageprocessingstepid: guid,
    name: z.string(),
    statecode: z.int(),
    stage: z.int(),
    mode: z.int(),
    asyncautodelete: z.boolean().nullable(),
    filteringattributes: z.string().nullable(),
    _eventhandler_value: guid.nullable(),
    _sdkmessageprocessingstepsecureconfigid_value: guid.nullable(),
    _sdkmessagefilterid_value: guid.nullable(),
  }),
);
const secureConfig = z.object({ secureconfig: z.string().nullable() });

const filtered = (path: string, filter: string): string =>
  `${path}&$filter=${encodeURIComponent(filter)}`;
const anyOf = (property: string, values: readonly string[]): string =>
  values.map((value) => `${property} eq '${value}'`).join(' or ');

/**
 * Reads all of it (table references of `publisher`, `solution`, `pluginassembly`, `plugintype`,
 * `serviceendpoint`, `sdkmessagefilter`, `sdkmessageprocessingstep` and its secure configuration).
 *
 * @throws DataverseError
 */
export async function readState(api: WebApi): Promise<OrganizationState> {
  const [
    publisher,
    solution,
    columns,
    { ChangeTrackingEnabled: changeTracking },
    assembly,
    pluginType,
    endpoint,
    filters,
    stepRows,
    secure,
  ] = await Promise.all([
    first(
      api,
      filtered('publishers?$select=uniquename', `customizationprefix eq '${PREFIX}'`),
      publishers,
    ),
    first(
      api,
      filtered(
        'solutions?$select=ismanaged&$expand=publisherid($select=customizationprefix)',
        `uniquename eq '${SOLUTION.uniquename}'`,
      ),
      solutions,
    ),
    readColumnStates(api),
    read(api, "EntityDefinitions(LogicalName='contact')?$select=ChangeTrackingEnabled", definition),
    first(
      api,
      filtered('pluginassemblies?$select=content', `name eq '${ASSEMBLY_NAME}'`),
      assemblies,
    ),
    first(
      api,
      filtered('plugintypes?$select=typename', `typename eq '${PLUGIN_TYPE}'`),
      pluginTypes,
    ),
    first(api, filtered('serviceendpoints?$select=url', `name eq '${ENDPOINT_NAME}'`), endpoints),
    read(
      api,
      filtered(
        'sdkmessagefilters?$select=primaryobjecttypecode&$expand=sdkmessageid($select=name)',
        `primaryobjecttypecode eq 'contact' and (${anyOf('sdkmessageid/name', MESSAGES)})`,
      ),
      messageFilters,
    ),
    read(
      api,
      filtered(
        'sdkmessageprocessingsteps?$select=name,statecode,stage,mode,asyncautodelete,' +
          'filteringattributes,_eventhandler_value,_sdkmessagefilterid_value,' +
          '_sdkmessageprocessingstepsecureconfigid_value',
        anyOf('name', MESSAGES.map(stepName)),
      ),
      steps,
    ),
    readSecureConfig(api),
  ]);
  return {
    publisher: publisher && { id: publisher.publisherid, name: publisher.uniquename },
    solution: solution && {
      id: solution.solutionid,
      prefix: solution.publisherid?.customizationprefix ?? undefined,
      managed: solution.ismanaged,
    },
    columns,
    changeTracking,
    assembly: assembly && { id: assembly.pluginassemblyid, content: assembly.content ?? '' },
    pluginType: pluginType && { id: pluginType.plugintypeid },
    endpoint: endpoint && { id: endpoint.serviceendpointid, url: endpoint.url ?? '' },
    secureConfig: secure,
    messages: new Map(
      filters.value.map(({ sdkmessagefilterid: filterId, sdkmessageid: message }) => [
        message.name,
        { id: message.sdkmessageid, filterId },
      ]),
    ),
    steps: new Map(
      MESSAGES.flatMap((message) => {
        const row = stepRows.value.find(({ name }) => name === stepName(message));
        return row === undefined ? [] : [[message, stepOf(row)] as const];
      }),
    ),
  };
}

function stepOf(row: z.output<typeof steps>['value'][number]): StepState {
  return {
    id: row.sdkmessageprocessingstepid,
    name: row.name,
    enabled: row.statecode === 0,
    stage: row.stage,
    mode: row.mode,
    asyncAutoDelete: row.asyncautodelete ?? false,
    filteringAttributes: (row.filteringattributes ?? '').split(',').filter((name) => name !== ''),
    handlerId: row._eventhandler_value,
    secureConfigId: row._sdkmessageprocessingstepsecureconfigid_value,
    filterId: row._sdkmessagefilterid_value,
  };
}

async function first<T>(
  api: WebApi,
  path: string,
  schema: z.ZodType<{ value: T[] }>,
): Promise<T | undefined> {
  return (await read(api, path, schema)).value[0];
}

async function readSecureConfig(api: WebApi): Promise<OrganizationState['secureConfig']> {
  const path = `sdkmessageprocessingstepsecureconfigs(${SECURE_CONFIG_ID})?$select=secureconfig`;
  try {
    const answer = await api.send({ method: 'GET', path });
    if (answer.kind === 'missing') return undefined;
    if (answer.kind === 'conflict') throw malformed(412, false);
    return { text: readBody(answer, secureConfig).secureconfig ?? '' };
  } catch (error) {
    if (error instanceof DataverseForbidden) return { text: undefined };
    throw error;
  }
}
