import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readCallerIdentity } from '../command-line/caller-identity.ts';
import { describeStack, type StackState } from '../command-line/describe-stack.ts';

/** What is asked of an AWS account, in one region. Nothing is changed here, and no secret is read. */
export interface Account {
  readonly accountId: string;
  readonly region: string;
  /** ARN of who is asking. */
  readonly caller: string;
  /** Undefined if there is none of that name. */
  describeStack(name: string): Promise<StackState | undefined>;
  /** Whether a secret of that name exists and has a value. */
  hasValue(secretName: string): Promise<boolean>;
  /** Most executions of functions at a time, of the whole account. */
  concurrencyLimit(): Promise<number>;
  close(): void;
}

/** The account of the credentials that AWS's tools use. Throws as the clients do, without credentials or a region too. */
export async function createAwsAccount(): Promise<Account> {
  const { accountId, arn, region } = await readCallerIdentity();
  const cloudFormation = new CloudFormationClient();
  const lambda = new LambdaClient();
  const secrets = new SecretsManagerClient();
  return {
    accountId,
    region,
    caller: arn,
    describeStack: (name) => describeStack(cloudFormation, name),
    async hasValue(secretName) {
      try {
        const { VersionIdsToStages: versions = {} } = await secrets.send(
          new DescribeSecretCommand({ SecretId: secretName }),
        );
        return Object.values(versions).some((labels) => labels.includes('AWSCURRENT'));
      } catch (error) {
        if (error instanceof Error && error.name === 'ResourceNotFoundException') return false;
        throw error;
      }
    },
    async concurrencyLimit() {
      const { AccountLimit: limit } = await lambda.send(new GetAccountSettingsCommand());
      return limit?.ConcurrentExecutions ?? 0;
    },
    close() {
      for (const client of [cloudFormation, lambda, secrets]) client.destroy();
    },
  };
}
