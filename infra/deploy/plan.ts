import type { StackState } from '../command-line/describe-stack.ts';
import { BRIDGE_STACK, type Requirements, SECRETS_STACK } from './assembly.ts';

/** What was found in the account before anything is changed. */
export interface Found {
  /** Whether `cdk bootstrap` was run in the account and region. */
  readonly bootstrapped: boolean;
  readonly concurrencyLimit: number;
  readonly stacks: Readonly<Record<string, StackState | undefined>>;
}

/**
 * "You can allocate … up to the value of Unreserved account concurrency minus 100" (Lambda documentation,
 * configuring reserved concurrency).
 */
const UNRESERVED = 100;

/**
 * What is in the way of a deploy, a sentence each with what to do about it; empty if nothing is. Pure.
 *
 * @param stage the one that is to be deployed
 * @param given the stack's parameters as their file says them
 */
export function obstaclesOf(
  stage: string,
  requirements: Requirements,
  given: Readonly<Record<string, unknown>>,
  found: Found,
): string[] {
  const needed = UNRESERVED + requirements.reservedConcurrency;
  return [
    ...(found.bootstrapped
      ? []
      : ['The CDK has no place for its files in this account and region. Run: npx cdk bootstrap']),
    ...(found.concurrencyLimit >= needed
      ? []
      : [
          `Lambda runs ${found.concurrencyLimit} executions at a time here, and ${needed} are needed. Ask for more: ` +
            'Service Quotas, AWS Lambda, Concurrent executions.',
        ]),
    ...[SECRETS_STACK, BRIDGE_STACK].flatMap((name) => {
      const state = found.stacks[name];
      return state === undefined ? [] : obstaclesOfStack(stage, name, state);
    }),
    ...parameterProblems(requirements, given),
  ];
}

function obstaclesOfStack(stage: string, name: string, state: StackState): string[] {
  if (state.stage !== undefined && state.stage !== stage) {
    return [
      `This account holds the stage ${state.stage} (${name}), and one account holds one stage: use the ` +
        `credentials of the account of ${stage}.`,
    ];
  }
  const { status } = state;
  // Only a change set was ever made for it, and the CDK replaces that.
  if (
    status === 'REVIEW_IN_PROGRESS' ||
    /^(CREATE|UPDATE|IMPORT)(_ROLLBACK)?_COMPLETE$/.test(status)
  ) {
    return [];
  }
  if (status.endsWith('_IN_PROGRESS')) {
    return [`${name} is being changed (${status}): wait until that is over.`];
  }
  if (status === 'UPDATE_ROLLBACK_FAILED') {
    return [
      `${name} could not go back to what it was: look in its events why, mend it, then run ` +
        `aws cloudformation continue-update-rollback --stack-name ${name}`,
    ];
  }
  return [
    `${name} is ${status}, from which CloudFormation does not go on. Look in its events why. If its first deploy ` +
      'failed, nothing is in it: take the protection off with ' +
      `aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name ${name}, ` +
      `and delete it with aws cloudformation delete-stack --stack-name ${name}`,
  ];
}

/** What CloudFormation would refuse, said before it begins. Pure. */
function parameterProblems(
  { parameters }: Requirements,
  given: Readonly<Record<string, unknown>>,
): string[] {
  const unknown = Object.keys(given)
    .filter((name) => !(name in parameters))
    .map((name) => `The parameter ${name} does not exist: take it out of the file.`);
  const wrong = Object.entries(parameters).flatMap(([name, parameter]) => {
    const value = given[name] ?? parameter.Default;
    const wanted = parameter.ConstraintDescription ?? 'text';
    if (value === undefined) {
      return [`The parameter ${name} is missing (${parameter.Description}): ${wanted}.`];
    }
    // CloudFormation matches the whole value.
    const pattern = new RegExp(`^(?:${parameter.AllowedPattern ?? '[^]*'})$`);
    if (typeof value === 'string' && pattern.test(value)) return [];
    return [`The parameter ${name} has to be: ${wanted}.`];
  });
  return [...unknown, ...wrong];
}

/**
 * Every parameter by its value: who takes a line out of the file means the default, not the value of the
 * deploy before. Pure.
 *
 * @param given after `obstaclesOf` has found nothing against it
 */
export function parameterValues(
  { parameters }: Requirements,
  given: Readonly<Record<string, unknown>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { Default: standard = '' }]) => {
      const value = given[name];
      return [name, typeof value === 'string' ? value : standard];
    }),
  );
}
