import * as z from 'zod';
import type { AccessPolicies } from './access-policies.ts';

/** A request to one of the services, as it arrives. */
export interface AwsCall {
  /** Header `x-amz-target`: `AmazonSQS.SendMessage`. */
  readonly target: string;
  /** JSON, parsed. */
  readonly body: unknown;
}

/** What a caller has to be allowed. */
export interface Permission {
  /** Action of IAM: `sqs:SendMessage`. */
  readonly action: string;
  readonly resourceArn: string;
  /** Condition keys of the request beside those of every request. */
  readonly context: Readonly<Record<string, string>>;
}

export interface Place {
  readonly region: string;
  readonly accountId: string;
}

const queueRequest = z.object({
  QueueUrl: z.string().optional(),
  QueueName: z.string().optional(),
});
const secretRequest = z.object({ SecretId: z.string().optional() });

/**
 * What the caller of an operation has to be allowed: the operation itself, and the use of the key by
 * the service ("Configure KMS permissions for Amazon SQS", "Secret encryption and decryption in AWS
 * Secrets Manager"). Batches are covered by the action of the single operation. Pure.
 *
 * @returns undefined for a service that the local stack does not have.
 */
export function neededPermissions(
  { target, body }: AwsCall,
  policies: AccessPolicies,
  place: Place,
): readonly Permission[] | undefined {
  const [service, operation = ''] = target.split('.');
  if (service === 'AmazonSQS') return queuePermissions(operation, body, policies, place);
  if (service === 'secretsmanager') return secretPermissions(operation, body, policies, place);
  return undefined;
}

/** What SQS does with the key on behalf of who sends and who receives. */
const QUEUE_KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  SendMessage: ['kms:GenerateDataKey', 'kms:Decrypt'],
  ReceiveMessage: ['kms:Decrypt'],
};

function queuePermissions(
  operation: string,
  body: unknown,
  policies: AccessPolicies,
  place: Place,
): Permission[] {
  const { QueueUrl: url, QueueName: givenName } = queueRequest.parse(body ?? {});
  const name = url?.split('/').at(-1) ?? givenName;
  const resourceArn =
    name === undefined ? '*' : `arn:aws:sqs:${place.region}:${place.accountId}:${name}`;
  const single = operation.replace(/Batch$/, '');
  return [
    { action: `sqs:${single}`, resourceArn, context: {} },
    ...keyPermissions('sqs', QUEUE_KEY_ACTIONS[single] ?? [], resourceArn, policies, place, {
      'kms:EncryptionContext:aws:sqs:arn': resourceArn,
    }),
  ];
}

/** Operations on the value; what else there is to a secret is not encrypted. */
const SECRET_KEY_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  GetSecretValue: ['kms:Decrypt'],
  PutSecretValue: ['kms:GenerateDataKey', 'kms:Decrypt'],
};

function secretPermissions(
  operation: string,
  body: unknown,
  policies: AccessPolicies,
  place: Place,
): Permission[] {
  const { SecretId: id } = secretRequest.parse(body ?? {});
  const resourceArn = id === undefined ? '*' : (policies.secretArns.get(id) ?? id);
  const keyActions = SECRET_KEY_ACTIONS[operation] ?? [];
  return [
    { action: `secretsmanager:${operation}`, resourceArn, context: {} },
    ...keyPermissions('secretsmanager', keyActions, resourceArn, policies, place, {
      'kms:EncryptionContext:SecretARN': resourceArn,
    }),
  ];
}

function keyPermissions(
  service: string,
  actions: readonly string[],
  encryptedArn: string,
  { encryptionKeys }: AccessPolicies,
  { region, accountId }: Place,
  encryptionContext: Readonly<Record<string, string>>,
): Permission[] {
  const resourceArn = encryptionKeys.get(encryptedArn);
  if (resourceArn === undefined) return [];
  const context = {
    'kms:ViaService': `${service}.${region}.amazonaws.com`,
    'kms:CallerAccount': accountId,
    ...encryptionContext,
  };
  return actions.map((action) => ({ action, resourceArn, context }));
}
