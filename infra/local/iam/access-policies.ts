import type { FunctionDefinition } from '../template/definitions.ts';
import type { Interpretation, Resource } from '../template/interpret.ts';
import { onlyKnown, record, text, texts } from '../template/properties.ts';
import { TemplateError } from '../template/template.ts';

/** A policy document of IAM, resolved. */
export type PolicyDocument = Readonly<Record<string, unknown>>;

export interface NamedPolicy {
  readonly name: string;
  readonly policy: PolicyDocument;
}

/** Who may do what, as the template says it. */
export interface AccessPolicies {
  /** Policies of a role, by its ARN. */
  readonly roles: ReadonlyMap<string, readonly NamedPolicy[]>;
  /** Policy of a queue, secret or key, by its ARN. */
  readonly resources: ReadonlyMap<string, PolicyDocument>;
  /** ARN of the key that encrypts a queue or secret, by its ARN. */
  readonly encryptionKeys: ReadonlyMap<string, string>;
  /** ARN of a secret, by its name. */
  readonly secretArns: ReadonlyMap<string, string>;
}

const ROLE_PROPERTIES = new Set([
  'AssumeRolePolicyDocument',
  'Description',
  'Policies',
  'RoleName',
  'Tags',
]);
const POLICY_PROPERTIES = new Set(['PolicyDocument', 'PolicyName', 'Roles']);

/**
 * Reads the policies of the functions' roles, of queues, secrets and keys.
 *
 * @throws TemplateError for what would be evaluated differently in AWS, such as managed policies.
 */
export function accessPoliciesOf(
  { resources }: Interpretation,
  functions: readonly FunctionDefinition[],
): AccessPolicies {
  const ofType = (type: string): Resource[] => resources.filter((entry) => entry.type === type);
  const [managed] = ofType('AWS::IAM::ManagedPolicy');
  if (managed !== undefined) {
    throw new TemplateError(`${managed.logicalId}: managed policies are not supported`);
  }
  const policies = ofType('AWS::IAM::Policy');
  const roles = ofType('AWS::IAM::Role')
    .map((role) => ({ role, arn: role.identity().attributes['Arn'] ?? '' }))
    .filter(({ arn }) => functions.some((entry) => entry.roleArn === arn))
    .map(({ role, arn }) => [arn, policiesOf(role, policies)] as const);
  const queues = ofType('AWS::SQS::Queue');
  const secrets = ofType('AWS::SecretsManager::Secret');
  return {
    roles: new Map(roles),
    resources: new Map([
      ...ofType('AWS::SQS::QueuePolicy').flatMap((policy) =>
        queues
          .filter((queue) => texts(policy.properties()['Queues']).includes(queue.identity().ref))
          .map((queue) => [arnOf(queue), record(policy.properties()['PolicyDocument'])] as const),
      ),
      ...ofType('AWS::SecretsManager::ResourcePolicy').map(
        (policy) =>
          [text(policy, 'SecretId'), record(policy.properties()['ResourcePolicy'])] as const,
      ),
      ...ofType('AWS::KMS::Key').map(
        (key) => [arnOf(key), record(key.properties()['KeyPolicy'])] as const,
      ),
    ]),
    encryptionKeys: new Map([
      ...queues.flatMap((queue) => keyOf(queue, arnOf(queue), 'KmsMasterKeyId')),
      ...secrets.flatMap((secret) => keyOf(secret, secret.identity().ref, 'KmsKeyId')),
    ]),
    secretArns: new Map(secrets.map((secret) => [text(secret, 'Name'), secret.identity().ref])),
  };
}

function policiesOf(role: Resource, policies: readonly Resource[]): NamedPolicy[] {
  const properties = role.properties();
  onlyKnown(role, properties, ROLE_PROPERTIES, 'role');
  const inline: unknown[] = Array.isArray(properties['Policies']) ? properties['Policies'] : [];
  const attached = policies.filter((policy) => {
    onlyKnown(policy, policy.properties(), POLICY_PROPERTIES, 'policy');
    return texts(policy.properties()['Roles']).includes(role.identity().ref);
  });
  return [...inline.map(record), ...attached.map((policy) => policy.properties())].map(
    ({ PolicyName: name, PolicyDocument: policy }) => ({
      name: String(name),
      policy: record(policy),
    }),
  );
}

const arnOf = (resource: Resource): string => resource.identity().attributes['Arn'] ?? '';

/** Keys of AWS's own (`alias/aws/sqs`) ask nobody for a permission. */
function keyOf(resource: Resource, arn: string, property: string): [string, string][] {
  const key = resource.properties()[property];
  if (typeof key !== 'string' || key.startsWith('alias/aws/')) return [];
  if (key.startsWith('arn:')) return [[arn, key]];
  throw new TemplateError(`${resource.logicalId}: ${property} has to be the ARN of a key`);
}
