import {
  ASSEMBLY_NAME,
  ENDPOINT_NAME,
  PLUGIN_TYPE,
  SECURE_CONFIG_ID,
  SOLUTION,
} from '../organization/names.ts';
import type { OrganizationState } from '../organization/read-state.ts';

/** Something that is deleted, by its path in the Web API. */
export interface Removal {
  readonly what: string;
  readonly path: string;
}

/**
 * What there is to be deleted, from the outside in: whatever is referred to comes after what refers to
 * it. Pure.
 */
export function planRemoval(state: OrganizationState): readonly Removal[] {
  const { steps, secureConfig, pluginType, assembly, endpoint, columns, solution } = state;
  const one = (what: string, set: string, row: { readonly id: string } | undefined): Removal[] =>
    row === undefined ? [] : [{ what, path: `${set}(${row.id})` }];
  return [
    ...[...steps.values()].flatMap((step) =>
      one(`step ${step.name}`, 'sdkmessageprocessingsteps', step),
    ),
    ...one(
      'secure configuration of the steps',
      'sdkmessageprocessingstepsecureconfigs',
      secureConfig && { id: SECURE_CONFIG_ID },
    ),
    ...one(`plug-in type ${PLUGIN_TYPE}`, 'plugintypes', pluginType),
    ...one(`assembly ${ASSEMBLY_NAME}`, 'pluginassemblies', assembly),
    ...one(`endpoint ${ENDPOINT_NAME}`, 'serviceendpoints', endpoint),
    // One of another type was somebody else's: the set-up stops at it, and so it stays.
    ...columns
      .filter(({ found, faults }) => found && faults.length === 0)
      .map(({ field: { logicalName } }) => ({
        what: `column ${logicalName}`,
        path: `EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='${logicalName}')`,
      })),
    ...one(`solution ${SOLUTION.uniquename}`, 'solutions', solution),
  ];
}

/** The filter that finds contacts with something in our columns; empty if there are none. */
export function filterOfData(state: OrganizationState): string {
  return state.columns
    .filter(({ found, faults }) => found && faults.length === 0)
    .map(({ field: { logicalName, type } }) =>
      // New contacts get "no" by default, which nobody decided.
      type === 'boolean' ? `${logicalName} eq true` : `${logicalName} ne null`,
    )
    .join(' or ');
}
