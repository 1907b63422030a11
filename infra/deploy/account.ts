import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { readCallerIdentity } from '../command-line/caller-identity.ts';

/** A stack of CloudFormation, as it is now. */
export interface StackState {
  readonly status: string;
  /** Its tag `stage`; undefined if it has none. */
  readonly stage: string | undefined;
  readonly outputs: Readonly<Record<string, string>>;
}

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
    async describeStack(name) {
      try {
        const { Stacks: [stack] = [] } = await cloudFormation.send(
          new DescribeStacksCommand({ StackName: name }),
        );
        if (stack === undefined) return undefined;
        return {
          status: stack.StackStatus ?? '',
          stage: stack.Tags?.find(({ Key: key }) => key === 'stage')?.Value,
          outputs: Object.fromEntries(
            (stack.Outputs ?? []).map(({ OutputKey: key = '', OutputValue: value = '' }) => [
              key,
              value,
            ]),
          ),
        };
      } catch (error) {
        // "If the stack doesn't exist, a ValidationError is returned" (DescribeStacks).
        if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
        throw error;
      }
    },
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
