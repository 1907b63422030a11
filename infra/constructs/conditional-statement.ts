import { Aws, type CfnCondition, Fn } from 'aws-cdk-lib';
import { PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';

/**
 * A statement of a resource's policy that CloudFormation leaves out where the condition does not
 * hold. A queue and a key have one policy each, so that the statement cannot be a resource of its own
 * with a condition. Needs a `sid`: without one the CDK could merge it with another statement.
 */
export class ConditionalStatement extends PolicyStatement {
  private readonly condition: CfnCondition;

  constructor(condition: CfnCondition, props: PolicyStatementProps & { readonly sid: string }) {
    super(props);
    this.condition = condition;
  }

  override toStatementJson(): unknown {
    return Fn.conditionIf(this.condition.logicalId, super.toStatementJson(), Aws.NO_VALUE);
  }
}
