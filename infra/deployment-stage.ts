import { RemovalPolicies, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import type { Node } from 'constructs';

const NAMES = ['dev', 'prod'] as const;

/** What a deployment is for, and what may happen to what it keeps. One account holds one stage. */
export interface DeploymentStage {
  readonly name: (typeof NAMES)[number];
  /** Whether everything may be taken away again, with all that is in it. */
  readonly disposable: boolean;
}

/** Of the context: `cdk synth --context stage=dev`. */
const CONTEXT = 'stage';

/** Who forgets to say gets the stage that loses nothing. */
const DEFAULT_STAGE = 'prod';

/** What cannot be made again: events that nobody has read yet, credentials, keys and logs. */
const KEEPING = [
  'AWS::KMS::Key',
  'AWS::Logs::LogGroup',
  'AWS::SecretsManager::Secret',
  'AWS::SQS::Queue',
];

/**
 * The stage that the context names.
 *
 * @throws Error which names the stages there are
 */
export function deploymentStageOf(node: Node): DeploymentStage {
  const said: unknown = node.tryGetContext(CONTEXT) ?? DEFAULT_STAGE;
  const name = NAMES.find((one) => one === said);
  if (name === undefined) {
    throw new Error(
      `There is no stage ${JSON.stringify(said)}: say --context ${CONTEXT}=${NAMES.join(` or --context ${CONTEXT}=`)}.`,
    );
  }
  return { name, disposable: name === 'dev' };
}

/**
 * Keeps what cannot be made again when it leaves the stack, is replaced, or the stack is deleted; in a
 * disposable stage nothing stays behind. Each resource of such a type is covered, also later ones.
 */
export function applyRemovalPolicies(stack: Stack, { disposable }: DeploymentStage) {
  RemovalPolicies.of(stack).apply(
    // What a failed first deploy has made holds nothing yet, and its name would be in the way of the next.
    disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    { applyToResourceTypes: KEEPING },
  );
}
