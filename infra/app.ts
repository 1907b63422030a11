import { App, Tags, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks } from 'cdk-nag';
import { BridgeStack } from './bridge-stack.ts';
import { SecretsStack } from './secrets-stack.ts';

const app = new App();

// Two stacks: the secrets are filled in by a person after the first one exists, and the second one
// cannot be deployed before, because it migrates the database on the way.
const secrets = new SecretsStack(app, 'ConsentHubDynamicsSecrets', {
  description: 'Credentials of the bridge between ConsentHub and Dynamics 365',
});
new BridgeStack(app, 'ConsentHubDynamics', {
  description: 'The bridge between ConsentHub and Dynamics 365',
  secrets,
});

Tags.of(app).add('application', 'consenthub-dynamics');

// An unacknowledged finding fails the synthesis.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
