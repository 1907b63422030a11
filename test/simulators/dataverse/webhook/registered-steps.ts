import type { ContactEvent } from '../contacts.ts';
import type { Organization } from '../organization.ts';
import type { PluginRun } from '../plugin-host/index.ts';
import { attributeName } from '../tables/seed.ts';
import type { SystemRows } from '../tables/system-rows.ts';
import type { Row } from '../tables/table.ts';

/** After the operation, asynchronously: the only kind of step whose webhooks are simulated. */
const POST_OPERATION = 40;
const ASYNCHRONOUS = 1;
const ENABLED = 0;
const WEBHOOK_CONTRACT = 8;
const authTypes = { code: 4, header: 5, query: 6 } as const;

/** What an update sets by itself does not wake a step. */
const setByEveryUpdate: ReadonlySet<string> = new Set(['contactid', 'modifiedon']);

/**
 * Where a step's event goes: to a plug-in whose assembly is registered, and runs; through a plug-in
 * without one, in whose stead the simulator signs; or to a registered endpoint.
 */
export type Destination =
  | { readonly kind: 'plug-in'; readonly secure: string | null }
  | ({ readonly kind: 'assembly' } & Omit<PluginRun, 'context'>)
  | {
      readonly kind: 'endpoint';
      readonly url: string;
      readonly headers: Readonly<Record<string, string>>;
    };

export interface FiringStep {
  readonly id: string;
  readonly name: string;
  readonly destination: Destination;
  readonly images: readonly StepImage[];
}

/** An image of the row that a step asks for. */
export interface StepImage {
  readonly alias: string;
  readonly before: boolean;
  readonly after: boolean;
  /** Columns by their attribute's name; undefined: all. */
  readonly attributes: readonly string[] | undefined;
}

/** The enabled asynchronous steps that are registered for an event. */
export function firingSteps(
  event: ContactEvent,
  organization: Organization,
): readonly FiringStep[] {
  const { systemRows } = organization;
  return systemRows
    .of('sdkmessageprocessingsteps')
    .all()
    .filter(
      (step) =>
        step.values['statecode'] === ENABLED &&
        step.values['stage'] === POST_OPERATION &&
        step.values['mode'] === ASYNCHRONOUS &&
        listensTo(step, event, organization) &&
        passesFilter(step, event),
    )
    .flatMap((step) => {
      const destination = destinationOf(step, organization);
      if (!destination) return [];
      const name = String(step.values['name'] ?? '');
      return [{ id: step.id, name, destination, images: imagesOf(step, organization) }];
    });
}

function listensTo(step: Row, event: ContactEvent, { systemRows }: Organization): boolean {
  const message = systemRows.of('sdkmessages').find(String(step.values['_sdkmessageid_value']));
  if (message?.values['name'] !== event.message) return false;
  const filterId = step.values['_sdkmessagefilterid_value'];
  // A step without a filter is registered for the message of every table.
  if (typeof filterId !== 'string') return true;
  const filter = systemRows.of('sdkmessagefilters').find(filterId);
  return filter?.values['primaryobjecttypecode'] === 'contact';
}

function passesFilter(step: Row, event: ContactEvent): boolean {
  const listed = step.values['filteringattributes'];
  if (event.message !== 'Update' || typeof listed !== 'string' || listed === '') return true;
  const attributes = new Set(listed.split(',').map((name) => name.trim()));
  return Object.keys(event.changed).some(
    (column) => !setByEveryUpdate.has(column) && attributes.has(attributeName(column)),
  );
}

function destinationOf(step: Row, { systemRows }: Organization): Destination | undefined {
  const handler = String(step.values['_eventhandler_value'] ?? '');
  const plugIn = systemRows.of('plugintypes').find(handler);
  if (plugIn) return plugInOf(plugIn, step, systemRows);
  const endpoint = systemRows.of('serviceendpoints').find(handler);
  if (endpoint?.values['contract'] !== WEBHOOK_CONTRACT) return undefined;
  return endpointOf(endpoint);
}

function plugInOf(plugIn: Row, step: Row, systemRows: SystemRows): Destination {
  const text = (row: Row | undefined, column: string) => {
    const value = row?.values[column];
    return typeof value === 'string' ? value : null;
  };
  const assemblyId = text(plugIn, '_pluginassemblyid_value') ?? '';
  const assembly = text(systemRows.of('pluginassemblies').find(assemblyId), 'content');
  const secureId = text(step, '_sdkmessageprocessingstepsecureconfigid_value') ?? '';
  const secure = systemRows.of('sdkmessageprocessingstepsecureconfigs').find(secureId);
  const secureText = text(secure, 'secureconfig');
  if (assembly === null) return { kind: 'plug-in', secure: secureText };
  return {
    kind: 'assembly',
    assembly,
    typeName: text(plugIn, 'typename') ?? '',
    unsecure: text(step, 'configuration'),
    secure: secureText,
  };
}

/** A registered webhook authenticates with static values only (register-web-hook.md). */
function endpointOf({ values }: Row): Destination {
  const url = new URL(String(values['url']));
  const secret = String(values['authvalue'] ?? '');
  const headers: Record<string, string> = {};
  if (values['authtype'] === authTypes.code) url.searchParams.set('code', secret);
  for (const [name, value] of settingsOf(secret)) {
    if (values['authtype'] === authTypes.header) headers[name.toLowerCase()] = value;
    if (values['authtype'] === authTypes.query) url.searchParams.set(name, value);
  }
  return { kind: 'endpoint', url: url.href, headers };
}

/** `<settings><setting name="…" value="…" /></settings>`, as the registration tool stores them. */
function settingsOf(authValue: string): [string, string][] {
  return [...authValue.matchAll(/<setting name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name = '', value = '']) => [name, value],
  );
}

function imagesOf(step: Row, { systemRows }: Organization): readonly StepImage[] {
  return systemRows
    .of('sdkmessageprocessingstepimages')
    .all()
    .filter(({ values }) => values['_sdkmessageprocessingstepid_value'] === step.id)
    .map(({ values }) => {
      const attributes = values['attributes'];
      // 0 before, 1 after, 2 both.
      const type = values['imagetype'];
      return {
        alias: String(values['entityalias'] ?? values['name'] ?? ''),
        before: type === 0 || type === 2,
        after: type === 1 || type === 2,
        attributes:
          typeof attributes === 'string' && attributes !== '' ? attributes.split(',') : undefined,
      };
    });
}
