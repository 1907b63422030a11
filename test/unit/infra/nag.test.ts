import type { App } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks, HIPAASecurityChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { buildStacks } from './build-stacks.ts';

/** Findings that nobody has acknowledged: `rule at construct`. */
function findings(app: App): string[] {
  return [new AwsSolutionsChecks(), new HIPAASecurityChecks()].flatMap((pack) =>
    pack
      .validateScope(app)
      .violations.flatMap(({ ruleName, violatingResources }) =>
        violatingResources.map(({ constructPath }) => `${ruleName} at ${constructPath}`),
      ),
  );
}

test('AwsSolutions and HIPAA Security find nothing that is not acknowledged', () => {
  expect(findings(buildStacks().app)).toEqual([]);
});

test('a queue without TLS and dead-letter queue is found: no acknowledgement covers a whole stack', () => {
  const { app, bridge } = buildStacks();
  const queue = new Queue(bridge, 'careless');
  expect(findings(app)).toEqual([
    `AwsSolutions-SQS3 at ${queue.node.path}/Resource`,
    `AwsSolutions-SQS4 at ${queue.node.path}/Resource`,
  ]);
});
