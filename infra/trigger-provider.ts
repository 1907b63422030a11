import { CfnResource, CustomResourceProviderBase, type Stack } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';

/** As the CDK names the construct that all triggers of a stack share. */
const PROVIDER = 'AWSCDK.TriggerCustomResourceProviderCustomResourceProvider';

/**
 * Has the function that the CDK brings along to run triggers log as ours do: encrypted with our key, for as
 * long, and allowed to write there only. By itself it would have AWS's managed policy, which allows every log
 * group of the account, and make one that is kept for ever.
 *
 * @throws Error if the CDK names or builds it otherwise than this version of it does
 */
export function giveTriggersTheirLogs(stack: Stack, encryptionKey: IKey): void {
  const provider = stack.node.findChild(PROVIDER);
  const handler = provider.node.findChild('Handler');
  const role = provider.node.findChild('Role');
  if (
    !(provider instanceof CustomResourceProviderBase) ||
    !CfnResource.isCfnResource(handler) ||
    !CfnResource.isCfnResource(role)
  ) {
    throw new Error(`${PROVIDER} is not built as it was.`);
  }
  const logs = new LogGroup(stack, 'trigger-logs', {
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey,
  });
  handler.addPropertyOverride('LoggingConfig', { LogGroup: logs.logGroupName });
  role.addPropertyDeletionOverride('ManagedPolicyArns');
  provider.addToRolePolicy({
    Effect: 'Allow',
    Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    Resource: logs.logGroupArn,
  });
}
