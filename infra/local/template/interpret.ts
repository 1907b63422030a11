import { NO_VALUE, referencesOf, resolve } from './intrinsics.ts';
import type { Scope } from './intrinsics.ts';
import { type Cloud, identify, type Identity } from './resource-types.ts';
import { isRecord, type StackTemplate, TemplateError, type TemplateResource } from './template.ts';

/** A resource of a stack, ready to be looked at. */
export interface Resource {
  readonly stack: StackTemplate;
  readonly logicalId: string;
  readonly type: string;
  /** All properties, resolved. */
  properties(): Readonly<Record<string, unknown>>;
  identity(): Identity;
  /** Logical ids that have to exist before this one. */
  readonly dependsOn: readonly string[];
  /** The construct's path in the CDK app, such as `Stack/SyncContact/Resource`; '' if unknown. */
  readonly path: string;
}

export interface Interpretation {
  /** Every resource whose condition holds, in the order of the templates. */
  readonly resources: readonly Resource[];
  /** Resolved outputs of all stacks. */
  outputs(): ReadonlyMap<string, unknown>;
}

/** A parameter of this type is read from Parameter Store at deploy time, which does not exist here. */
const DEPLOY_TIME_PARAMETER = 'AWS::SSM::Parameter::Value';

/**
 * Reads the stacks of a cloud assembly, producers of exports before their consumers. Values are
 * resolved when they are asked for, because secrets get their ARNs only when they are created.
 *
 * @param parameters values of the stacks' parameters; the templates' own defaults serve otherwise.
 * @throws TemplateError naming a parameter without value. Whatever is asked for later throws it too,
 * naming the logical id.
 */
export function interpret(
  stacks: readonly StackTemplate[],
  parameters: Readonly<Record<string, string>>,
  cloud: Cloud,
): Interpretation {
  const resources: Resource[] = [];
  const outputs: { stack: StackTemplate; scope: Scope }[] = [];

  const importValue = (exportName: string): unknown => {
    for (const { stack, scope } of outputs) {
      for (const output of Object.values(stack.template.Outputs ?? {})) {
        if (output.Export === undefined) continue;
        if (resolve(output.Export.Name, scope) === exportName) return resolve(output.Value, scope);
      }
    }
    throw new TemplateError(`no stack exports ${exportName}`);
  };

  for (const stack of stacks) {
    checkParameters(stack, parameters);
    const scope = scopeOf(stack, parameters, cloud, importValue);
    outputs.push({ stack, scope });
    for (const [logicalId, resource] of Object.entries(stack.template.Resources ?? {})) {
      if (resource.Condition !== undefined && !scope.condition(resource.Condition)) continue;
      resources.push(resourceOf(stack, logicalId, resource, scope, cloud));
    }
  }
  return {
    resources,
    outputs: () =>
      new Map(
        outputs.flatMap(({ stack, scope }) =>
          Object.entries(stack.template.Outputs ?? {}).map(
            ([name, output]) => [name, resolve(output.Value, scope)] as const,
          ),
        ),
      ),
  };
}

/** Adds the logical id to what went wrong inside a resource. */
export function within<T>(logicalId: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof TemplateError) || error.message.startsWith(`${logicalId}: `))
      throw error;
    throw new TemplateError(`${logicalId}: ${error.message}`);
  }
}

function resourceOf(
  stack: StackTemplate,
  logicalId: string,
  resource: TemplateResource,
  scope: Scope,
  cloud: Cloud,
): Resource {
  const explicit = resource.DependsOn ?? [];
  const dependsOn = [
    ...(typeof explicit === 'string' ? [explicit] : explicit),
    ...referencesOf(resource.Properties),
  ].filter((name) => !name.startsWith('AWS::') && stack.template.Parameters?.[name] === undefined);
  for (const name of dependsOn) {
    if (stack.template.Resources?.[name] === undefined) {
      throw new TemplateError(`${logicalId}: refers to ${name}, which the template does not have`);
    }
  }
  const path = resource.Metadata?.['aws:cdk:path'];
  return {
    stack,
    logicalId,
    type: resource.Type,
    properties: () =>
      within(logicalId, () => {
        const resolved = resolve(resource.Properties ?? {}, scope);
        if (isRecord(resolved)) return resolved;
        throw new TemplateError('its properties are not an object');
      }),
    identity: () => within(logicalId, () => identityOf(stack, logicalId, resource, scope, cloud)),
    dependsOn: [...new Set(dependsOn)],
    path: typeof path === 'string' ? path : '',
  };
}

function identityOf(
  stack: StackTemplate,
  logicalId: string,
  resource: TemplateResource,
  scope: Scope,
  cloud: Cloud,
): Identity {
  return identify(resource.Type, {
    stackName: stack.stackName,
    logicalId,
    cloud,
    property: (name) => {
      const value = resolve(resource.Properties?.[name], scope);
      return value === NO_VALUE ? undefined : value;
    },
  });
}

function checkParameters(stack: StackTemplate, values: Readonly<Record<string, string>>): void {
  for (const [name, parameter] of Object.entries(stack.template.Parameters ?? {})) {
    if (parameter.Type.startsWith(DEPLOY_TIME_PARAMETER)) continue;
    if (values[name] === undefined && parameter.Default === undefined) {
      throw new TemplateError(`${name}: the parameter has no value and no default`);
    }
  }
}

function scopeOf(
  stack: StackTemplate,
  parameters: Readonly<Record<string, string>>,
  cloud: Cloud,
  importValue: (exportName: string) => unknown,
): Scope {
  const { template, stackName } = stack;
  const pseudo: Readonly<Record<string, unknown>> = {
    'AWS::Region': cloud.region,
    'AWS::AccountId': cloud.accountId,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stackName,
    'AWS::StackId': `arn:aws:cloudformation:${cloud.region}:${cloud.accountId}:stack/${stackName}/local`,
    'AWS::NoValue': NO_VALUE,
  };
  const identityById = (logicalId: string): Identity => {
    const resource = template.Resources?.[logicalId];
    if (resource === undefined) throw new TemplateError(`${logicalId} does not exist`);
    return within(logicalId, () => identityOf(stack, logicalId, resource, scope, cloud));
  };
  const scope: Scope = {
    ref(name) {
      if (Object.hasOwn(pseudo, name)) return pseudo[name];
      const parameter = template.Parameters?.[name];
      if (parameter === undefined) return identityById(name).ref;
      if (parameter.Type.startsWith(DEPLOY_TIME_PARAMETER)) {
        throw new TemplateError(`parameter ${name} is read from Parameter Store at deploy time`);
      }
      return parameters[name] ?? parameter.Default;
    },
    getAtt(logicalId, attribute) {
      const value = identityById(logicalId).attributes[attribute];
      if (value === undefined) {
        throw new TemplateError(`the local runner does not know ${logicalId}.${attribute}`);
      }
      return value;
    },
    importValue,
    condition(name) {
      const condition = template.Conditions?.[name];
      if (condition === undefined) throw new TemplateError(`condition ${name} does not exist`);
      return resolve(condition, scope) === true;
    },
    findInMap(map, first, second) {
      const value = template.Mappings?.[map]?.[first]?.[second];
      if (value === undefined) {
        throw new TemplateError(`mapping ${map} has no entry ${first}/${second}`);
      }
      return value;
    },
  };
  return scope;
}
