import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';

/** A stack of CloudFormation, as it is now. */
export interface StackState {
  readonly status: string;
  /** Its tag `stage`; undefined if it has none. */
  readonly stage: string | undefined;
  readonly outputs: Readonly<Record<string, string>>;
}

/** Undefined if there is none of that name. Throws as the client does. */
export async function describeStack(
  client: CloudFormationClient,
  name: string,
): Promise<StackState | undefined> {
  try {
    const { Stacks: [stack] = [] } = await client.send(
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
}
