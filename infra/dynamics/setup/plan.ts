import {
  ASSEMBLY_NAME,
  ENDPOINT_NAME,
  FILTERING_ATTRIBUTES,
  MESSAGES,
  NEEDED_MESSAGES,
  PLUGIN_TYPE,
  PREFIX,
  PUBLISHER,
  SECURE_CONFIG_ID,
  SOLUTION,
  type StepMessage,
  stepName,
} from '../organization/names.ts';
import type { OrganizationState, StepState } from '../organization/read-state.ts';
import type { Action } from './action.ts';
import type { RowDecision } from './organization-row.ts';

/** One line of the plan. Never holds the secret. */
export type PlanItem = {
  readonly action: Action;
  readonly name: string;
  /** Why, and what happens; what to do about a stop. */
  readonly detail?: string;
} & (
  | { readonly part: Exclude<PlanPart, 'step' | 'column'> }
  | { readonly part: 'column'; readonly index: number }
  | { readonly part: 'step'; readonly message: StepMessage }
);
export type PlanPart =
  | 'publisher'
  | 'solution'
  | 'column'
  | 'change tracking'
  | 'publish'
  | 'assembly'
  | 'plug-in type'
  | 'secure configuration'
  | 'endpoint'
  | 'step'
  | 'organisation row';

/** What the organisation is to have. */
export interface Wanted {
  /** `header`: a webhook registration with a static secret, for who may not install plug-ins. */
  readonly authentication: 'signature' | 'header';
  /** The built assembly, base64; undefined where none was built here. */
  readonly assembly: string | undefined;
  /** What `assembly` is missing for, in words: where it was looked for and how it is built. */
  readonly assemblyRemedy: string;
  readonly webhook: { readonly url: string; readonly secret: string };
  /** Writes the secret of an endpoint anew, which nobody can read. */
  readonly renewSecret: boolean;
}

export const STAGE_POST_OPERATION = 40;
export const MODE_ASYNCHRONOUS = 1;

/** What the plug-in is given: the shape is agreed with `infra/dynamics/plugin`. */
export function secureConfigOf({ url, secret }: Wanted['webhook']): string {
  return JSON.stringify({ url, secret });
}

/**
 * What has to be done, in its order: registrations come last, and an interrupted run is taken up where
 * it stopped. Pure.
 */
export function planSetup(
  state: OrganizationState,
  wanted: Wanted,
  row: RowDecision,
): readonly PlanItem[] {
  const definitions = [
    publisherItem(state),
    solutionItem(state),
    ...columnItems(state),
    trackingItem(state),
  ];
  const registration =
    wanted.authentication === 'signature'
      ? [assemblyItem(state, wanted), typeItem(state), secureConfigItem(state, wanted)]
      : [endpointItem(state, wanted)];
  const stepItems = MESSAGES.flatMap((message) => stepItem(message, state, wanted));
  const rowItem: PlanItem = { part: 'organisation row', ...row };
  const rest = [...registration, ...stepItems, rowItem];
  // The registration comes after it: while some of it is missing, an earlier run may have ended before.
  const unpublished =
    definitions.some(({ action }) => action !== 'keep') ||
    rest.some(({ action }) => action === 'create');
  const publish: PlanItem = {
    part: 'publish',
    name: 'customisations of contact',
    action: unpublished ? 'change' : 'keep',
  };
  return [...definitions, publish, ...rest];
}

function publisherItem({ publisher }: OrganizationState): PlanItem {
  return publisher === undefined
    ? {
        part: 'publisher',
        name: PUBLISHER.uniquename,
        action: 'create',
        detail: `with the prefix ${PREFIX}`,
      }
    : { part: 'publisher', name: publisher.name, action: 'keep' };
}

function solutionItem({ solution }: OrganizationState): PlanItem {
  const item = { part: 'solution', name: SOLUTION.uniquename } as const;
  if (solution === undefined) return { ...item, action: 'create', detail: 'unmanaged' };
  if (solution.prefix !== PREFIX) {
    return {
      ...item,
      action: 'stop',
      detail: `belongs to a publisher with the prefix ${solution.prefix ?? '(none)'}, needs ${PREFIX}: rename or delete it`,
    };
  }
  return { ...item, action: 'keep', ...(solution.managed && { detail: 'managed' }) };
}

function columnItems({ columns, solution }: OrganizationState): PlanItem[] {
  return columns.map(({ field, found, faults }, index): PlanItem => {
    const item = { part: 'column', name: field.logicalName, index } as const;
    if (!found && solution?.managed === true) {
      return {
        ...item,
        action: 'stop',
        detail: 'the solution is managed and lacks it: import a complete one',
      };
    }
    if (!found) return { ...item, action: 'create', detail: field.type };
    if (faults.length === 0) return { ...item, action: 'keep' };
    return {
      ...item,
      action: 'stop',
      detail: `${faults.join('; ')}. Nothing that exists is changed: mend or delete the column in Power Apps`,
    };
  });
}

function trackingItem({ changeTracking }: OrganizationState): PlanItem {
  return changeTracking
    ? { part: 'change tracking', name: 'contact', action: 'keep' }
    : {
        part: 'change tracking',
        name: 'contact',
        action: 'change',
        detail: 'on; Dataverse does not let it be turned off again',
      };
}

function assemblyItem({ assembly }: OrganizationState, wanted: Wanted): PlanItem {
  const item = { part: 'assembly', name: ASSEMBLY_NAME } as const;
  if (wanted.assembly === undefined) {
    return assembly === undefined
      ? { ...item, action: 'stop', detail: wanted.assemblyRemedy }
      : { ...item, action: 'keep', detail: 'not compared: none was built here' };
  }
  if (assembly === undefined)
    return { ...item, action: 'create', detail: 'sandbox, in the database' };
  return assembly.content === wanted.assembly
    ? { ...item, action: 'keep' }
    : { ...item, action: 'change', detail: 'other content is registered' };
}

function typeItem({ pluginType }: OrganizationState): PlanItem {
  return {
    part: 'plug-in type',
    name: PLUGIN_TYPE,
    action: pluginType === undefined ? 'create' : 'keep',
  };
}

function secureConfigItem({ secureConfig }: OrganizationState, wanted: Wanted): PlanItem {
  const item = { part: 'secure configuration', name: 'of the steps' } as const;
  const detail = `${wanted.webhook.url}, secret: from the environment`;
  if (secureConfig === undefined) return { ...item, action: 'create', detail };
  if (secureConfig.text === undefined) {
    return { ...item, action: 'change', detail: `${detail} (what is there cannot be read)` };
  }
  return secureConfig.text === secureConfigOf(wanted.webhook)
    ? { ...item, action: 'keep' }
    : { ...item, action: 'change', detail };
}

function endpointItem({ endpoint }: OrganizationState, wanted: Wanted): PlanItem {
  const item = { part: 'endpoint', name: ENDPOINT_NAME } as const;
  const detail = `${wanted.webhook.url}, secret: from the environment`;
  if (endpoint === undefined) return { ...item, action: 'create', detail };
  if (endpoint.url !== wanted.webhook.url || wanted.renewSecret) {
    return { ...item, action: 'change', detail };
  }
  return {
    ...item,
    action: 'keep',
    detail: 'whether its secret is the current one cannot be read; --renew-secret writes it',
  };
}

function stepItem(
  message: StepMessage,
  state: OrganizationState,
  { authentication }: Wanted,
): readonly PlanItem[] {
  const item = { part: 'step', name: stepName(message), message } as const;
  const step = state.steps.get(message);
  const filter = state.messages.get(message);
  if (filter === undefined) {
    // Without a recycle bin there is nothing to be restored.
    if (!NEEDED_MESSAGES.some((needed) => needed === message)) return [];
    return [{ ...item, action: 'stop', detail: `the organisation offers no message ${message}` }];
  }
  if (step === undefined) return [{ ...item, action: 'create' }];
  if (step.filterId !== filter.filterId) {
    return [
      {
        ...item,
        action: 'stop',
        detail: `is registered for something else than ${message} of contact: rename or delete it`,
      },
    ];
  }
  const handlerId = (authentication === 'signature' ? state.pluginType : state.endpoint)?.id;
  const differs = [
    ...(step.handlerId === handlerId ? [] : ['sends by another way']),
    ...settingsDiffering(message, step, authentication),
  ];
  return [
    differs.length === 0
      ? { ...item, action: 'keep' }
      : { ...item, action: 'change', detail: differs.join(', ') },
  ];
}

function settingsDiffering(
  message: StepMessage,
  step: StepState,
  authentication: Wanted['authentication'],
): readonly string[] {
  const listens = new Set(step.filteringAttributes);
  const wanted: readonly string[] = message === 'Update' ? FILTERING_ATTRIBUTES : [];
  const filterFits = listens.size === wanted.length && wanted.every((name) => listens.has(name));
  // An endpoint has no use for one.
  const secured = authentication === 'header' || step.secureConfigId === SECURE_CONFIG_ID;
  return [
    ...(step.enabled ? [] : ['is disabled']),
    ...(step.stage === STAGE_POST_OPERATION ? [] : ['runs at another stage']),
    ...(step.mode === MODE_ASYNCHRONOUS ? [] : ['is not asynchronous']),
    ...(step.asyncAutoDelete ? [] : ['keeps its finished system jobs']),
    ...(filterFits ? [] : ['listens to other columns']),
    ...(secured ? [] : ['has another secure configuration']),
  ];
}
