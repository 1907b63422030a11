import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { GetAccountSettingsCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { DescribeSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { CommandError } from '../command-line/command-error.ts';

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

/**
 * The account of the credentials that AWS's tools use.
 *
 * @throws CommandError without credentials or a region
 */
export async function createAwsAccount(): Promise<Account> {
  const sts = new STSClient();
  const region = await sts.config.region().catch(() => {
    throw new CommandError('No region: say AWS_REGION, or set one in the profile.');
  });
  const identity = await sts.send(new GetCallerIdentityCommand()).catch((error: unknown) => {
    const name = error instanceof Error ? error.name : 'unknown';
    throw new CommandError(
      `AWS does not say who you are (${name}). Sign in, such as with aws sso login, and say AWS_PROFILE.`,
    );
  });
  const cloudFormation = new CloudFormationClient();
  const lambda = new LambdaClient();
  const secrets = new SecretsManagerClient();
  return {
    accountId: identity.Account ?? '',
    region,
    caller: identity.Arn ?? '',
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
      for (const client of [sts, cloudFormation, lambda, secrets]) client.destroy();
    },
  };
}
