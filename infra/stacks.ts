import { type App, Tags } from 'aws-cdk-lib';
import { BridgeStack } from './bridge-stack.ts';
import type { DeploymentStage } from './deployment-stage.ts';
import { SecretsStack } from './secrets-stack.ts';

/** Who may see what is in a resource: ids of persons, credentials, or neither (metrics, code, settings). */
const CLASSIFICATION = 'data-classification';
/** Messages and log lines hold ids of contacts and patients. */
const HOLDING_IDENTIFIERS = ['AWS::SQS::Queue', 'AWS::Logs::LogGroup'];

/**
 * Two stacks: the secrets are filled in by a person after the first one exists, and the second one
 * cannot be deployed before, because it migrates the database on the way.
 */
export function createStacks(app: App, stage: DeploymentStage) {
  const secrets = new SecretsStack(app, 'ConsentHubDynamicsSecrets', {
    description: 'Credentials of the bridge between ConsentHub and Dynamics 365',
    stage,
  });
  const bridge = new BridgeStack(app, 'ConsentHubDynamics', {
    description: 'The bridge between ConsentHub and Dynamics 365',
    stage,
    secrets,
  });
  Tags.of(app).add('application', 'consenthub-dynamics');
  Tags.of(app).add('stage', stage.name);
  Tags.of(bridge).add(CLASSIFICATION, 'internal', { excludeResourceTypes: HOLDING_IDENTIFIERS });
  Tags.of(bridge).add(CLASSIFICATION, 'identifiers', { includeResourceTypes: HOLDING_IDENTIFIERS });
  Tags.of(secrets).add(CLASSIFICATION, 'credentials');
  return { secrets, bridge };
}
