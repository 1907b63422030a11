import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks } from 'cdk-nag';
import { deploymentStageOf } from './deployment-stage.ts';
import { createStacks } from './stacks.ts';

const app = new App();
createStacks(app, deploymentStageOf(app.node));

// An unacknowledged finding fails the synthesis.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new HIPAASecurityChecks(app));
