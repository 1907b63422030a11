import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

export interface CallerIdentity {
  readonly accountId: string;
  /** Whoever asks, as IAM or STS names them. */
  readonly arn: string;
  readonly region: string;
}

/** Whose credentials AWS's tools use here, and in which region. Throws as the client does. */
export async function readCallerIdentity(): Promise<CallerIdentity> {
  const client = new STSClient();
  try {
    const region = await client.config.region();
    const { Account: accountId = '', Arn: arn = '' } = await client.send(
      new GetCallerIdentityCommand(),
    );
    return { accountId, arn, region };
  } finally {
    client.destroy();
  }
}
