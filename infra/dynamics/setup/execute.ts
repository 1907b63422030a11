import * as z from 'zod';
import { guid } from '../../../shared/dataverse/guid.ts';
import { malformed, readBody, type WebApi } from '../../../shared/dataverse/web-api.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { read } from '../organization/connect.ts';
import {
  ASSEMBLY_NAME,
  ENDPOINT_NAME,
  FILTERING_ATTRIBUTES,
  PLUGIN_TYPE,
  PUBLISHER,
  SECRET_HEADER,
  SECURE_CONFIG_ID,
  SOLUTION,
  type StepMessage,
  stepName,
} from '../organization/names.ts';
import type { OrganizationState } from '../organization/read-state.ts';
import { columnDefinition } from './column-definition.ts';
import {
  MODE_ASYNCHRONOUS,
  type PlanItem,
  secureConfigOf,
  STAGE_POST_OPERATION,
  type Wanted,
} from './plan.ts';

const TABLE = "EntityDefinitions(LogicalName='contact')";
const PUBLISH = '<importexportxml><entities><entity>contact</entity></entities></importexportxml>';

/** `isolationmode`, `sourcetype` (pluginassembly.md): the only ones that Dataverse online takes. */
const SANDBOX = 2;
const IN_DATABASE = 0;
/** `contract`, `authtype`, `messageformat`, `connectionmode` (serviceendpoint.md): a webhook with headers. */
const WEBHOOK = 8;
const HTTP_HEADER = 5;
const JSON_FORMAT = 2;
const NORMAL = 1;

const inSolution = { 'mscrm.solutionuniquename': SOLUTION.uniquename };

/**
 * Carries single items of a plan out, in the plan's order: an item finds what those before it made.
 *
 * @param writeRow carries out what was decided on ConsentHub's own row
 */
export function createExecutor(options: {
  readonly api: WebApi;
  readonly state: OrganizationState;
  readonly wanted: Wanted;
  /** The organisation's base language: labels in another one are refused. */
  readonly languageCode: number;
  readonly writeRow: () => Promise<void>;
}): (item: PlanItem) => Promise<void> {
  const { api, state, wanted, languageCode, writeRow } = options;
  let publisherId = state.publisher?.id;
  let assemblyId = state.assembly?.id;
  let typeId = state.pluginType?.id;
  let endpointId = state.endpoint?.id;

  async function saveAssembly(): Promise<void> {
    const { assembly: content } = wanted;
    if (content === undefined) throw new CommandError(wanted.assemblyRemedy);
    if (assemblyId !== undefined) {
      await change(api, `pluginassemblies(${assemblyId})`, { content });
      return;
    }
    // Version, culture and public key token stand in the content, where Dataverse reads them (inferred:
    // tools in wide use register without them).
    assemblyId = await create(
      api,
      'pluginassemblies',
      'pluginassemblyid',
      { name: ASSEMBLY_NAME, content, isolationmode: SANDBOX, sourcetype: IN_DATABASE },
      inSolution,
    );
  }

  async function saveEndpoint(): Promise<void> {
    const { url, secret } = wanted.webhook;
    const values = { url, authtype: HTTP_HEADER, authvalue: headerSettings(secret) };
    if (endpointId !== undefined) {
      await change(api, `serviceendpoints(${endpointId})`, values);
      return;
    }
    endpointId = await create(
      api,
      'serviceendpoints',
      'serviceendpointid',
      {
        name: ENDPOINT_NAME,
        contract: WEBHOOK,
        connectionmode: NORMAL,
        messageformat: JSON_FORMAT,
        ...values,
      },
      inSolution,
    );
  }

  async function saveStep(message: StepMessage): Promise<void> {
    const filter = state.messages.get(message);
    const signs = wanted.authentication === 'signature';
    const handlerId = signs ? typeId : endpointId;
    if (filter === undefined || handlerId === undefined) {
      throw new Error(`nothing to register ${message} for`);
    }
    const before = state.steps.get(message);
    const settings = {
      stage: STAGE_POST_OPERATION,
      mode: MODE_ASYNCHRONOUS,
      asyncautodelete: true,
      filteringattributes: message === 'Update' ? FILTERING_ATTRIBUTES.join(',') : null,
      ...(signs && {
        'sdkmessageprocessingstepsecureconfigid@odata.bind': `/sdkmessageprocessingstepsecureconfigs(${SECURE_CONFIG_ID})`,
      }),
    };
    if (before !== undefined && before.handlerId === handlerId) {
      const enabled = before.enabled ? {} : { statecode: 0, statuscode: 1 };
      await change(api, `sdkmessageprocessingsteps(${before.id})`, { ...settings, ...enabled });
      return;
    }
    // What a step runs is part of what it is: another one takes its place.
    if (before !== undefined) await remove(api, `sdkmessageprocessingsteps(${before.id})`);
    await create(
      api,
      'sdkmessageprocessingsteps',
      'sdkmessageprocessingstepid',
      {
        ...settings,
        name: stepName(message),
        rank: 1,
        supporteddeployment: 0,
        'sdkmessageid@odata.bind': `/sdkmessages(${filter.id})`,
        'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filter.filterId})`,
        ...(signs
          ? { 'eventhandler_plugintype@odata.bind': `/plugintypes(${handlerId})` }
          : { 'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${handlerId})` }),
      },
      inSolution,
    );
  }

  return async (item) => {
    switch (item.part) {
      case 'publisher':
        publisherId = await create(api, 'publishers', 'publisherid', PUBLISHER);
        return;
      case 'solution':
        await create(api, 'solutions', 'solutionid', {
          ...SOLUTION,
          'publisherid@odata.bind': `/publishers(${publisherId})`,
        });
        return;
      case 'column': {
        const field = state.columns[item.index]?.field;
        if (field === undefined) throw new Error(`there is no column ${item.name}`);
        const body = columnDefinition(field, languageCode);
        await send(api, { method: 'POST', path: `${TABLE}/Attributes`, headers: inSolution, body });
        return;
      }
      case 'change tracking':
        await trackChanges(api);
        return;
      case 'publish':
        await send(api, { method: 'POST', path: 'PublishXml', body: { ParameterXml: PUBLISH } });
        return;
      case 'assembly':
        await saveAssembly();
        return;
      case 'plug-in type':
        typeId = await create(
          api,
          'plugintypes',
          'plugintypeid',
          {
            typename: PLUGIN_TYPE,
            name: PLUGIN_TYPE,
            friendlyname: 'ConsentHub: sends signed webhooks',
            'pluginassemblyid@odata.bind': `/pluginassemblies(${assemblyId})`,
          },
          inSolution,
        );
        return;
      case 'secure configuration':
        // Creates it under its id, or changes it: a PATCH without `If-Match` does either.
        await send(api, {
          method: 'PATCH',
          path: `sdkmessageprocessingstepsecureconfigs(${SECURE_CONFIG_ID})`,
          body: { secureconfig: secureConfigOf(wanted.webhook) },
        });
        return;
      case 'endpoint':
        await saveEndpoint();
        return;
      case 'step':
        await saveStep(item.message);
        return;
      case 'organisation row':
        await writeRow();
    }
  };
}

/**
 * A table's definition is replaced as a whole, so that what is there is sent back
 * (create-update-entity-definitions-using-web-api.md); labels in other languages stay.
 */
async function trackChanges(api: WebApi): Promise<void> {
  const definition = await read(api, TABLE, z.record(z.string(), z.unknown()));
  await send(api, {
    method: 'PUT',
    path: TABLE,
    headers: { 'mscrm.mergelabels': 'true' },
    body: { ...definition, ChangeTrackingEnabled: true },
  });
}

/** The headers of a webhook, as `authvalue` holds them (register-web-hook.md). */
function headerSettings(secret: string): string {
  const value = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
  return `<settings><setting name="${SECRET_HEADER}" value="${value}" /></settings>`;
}

/** Creates a row and returns its id. */
async function create(
  api: WebApi,
  set: string,
  key: string,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const answer = await api.send({
    method: 'POST',
    path: `${set}?$select=${key}`,
    headers: { ...headers, prefer: 'return=representation' },
    body,
  });
  if (answer.kind !== 'success') throw malformed(answer.kind === 'missing' ? 404 : 412, true);
  const id = readBody(answer, z.record(z.string(), z.unknown()))[key];
  return readBody({ text: JSON.stringify(id ?? null) }, guid);
}

/** Changes a row that exists. */
async function change(api: WebApi, path: string, body: object): Promise<void> {
  await send(api, { method: 'PATCH', path, headers: { 'if-match': '*' }, body });
}

async function remove(api: WebApi, path: string): Promise<void> {
  await send(api, { method: 'DELETE', path });
}

async function send(api: WebApi, request: Parameters<WebApi['send']>[0]): Promise<void> {
  const { kind } = await api.send(request);
  if (kind === 'success') return;
  throw malformed(kind === 'missing' ? 404 : 412, true);
}
