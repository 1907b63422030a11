import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/** As `infra/stacks.ts` names them, in the order in which they are deployed. */
export const SECRETS_STACK = 'ConsentHubDynamicsSecrets';
export const BRIDGE_STACK = 'ConsentHubDynamics';

const parameter = z.object({
  Default: z.string().optional(),
  AllowedPattern: z.string().optional(),
  ConstraintDescription: z.string().optional(),
  Description: z.string().optional(),
});
export type TemplateParameter = z.output<typeof parameter>;

const template = z.object({
  Parameters: z.record(z.string(), parameter).default({}),
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.record(z.string(), z.unknown()).default({}) }),
  ),
});

/** What the templates ask of whoever deploys them. */
export interface Requirements {
  readonly parameters: Readonly<Record<string, TemplateParameter>>;
  /** Names of the secrets that a person has to fill in. */
  readonly secretsToFill: readonly string[];
  /** Executions that functions reserve for themselves. */
  readonly reservedConcurrency: number;
}

/** Reads the templates of a synthesised assembly. */
export function readRequirements(assembly: string): Requirements {
  const read = (stack: string) =>
    template.parse(JSON.parse(readFileSync(join(assembly, `${stack}.template.json`), 'utf8')));
  return requirementsOf(read(SECRETS_STACK), read(BRIDGE_STACK));
}

/** Pure. */
export function requirementsOf(
  secrets: z.input<typeof template>,
  bridge: z.input<typeof template>,
): Requirements {
  const { Parameters: parameters = {} } = bridge;
  const propertiesOf = (from: typeof bridge, type: string) =>
    Object.values(from.Resources)
      .filter(({ Type: one }) => one === type)
      .map(({ Properties: properties = {} }) => properties);
  return {
    // CloudFormation's own, such as the version of the bootstrapping, are found out by it.
    parameters: Object.fromEntries(
      Object.entries(parameters).filter(([name]) => name !== 'BootstrapVersion'),
    ),
    secretsToFill: propertiesOf(secrets, 'AWS::SecretsManager::Secret')
      .filter(({ GenerateSecretString: generated }) => generated === undefined)
      .map(({ Name: name }) => String(name))
      .toSorted(),
    reservedConcurrency: propertiesOf(bridge, 'AWS::Lambda::Function')
      .map(({ ReservedConcurrentExecutions: reserved }) => Number(reserved ?? 0))
      .reduce((sum, reserved) => sum + reserved, 0),
  };
}
