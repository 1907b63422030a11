import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { deploymentStageOf } from '../../../infra/deployment-stage.ts';
import { createStacks } from '../../../infra/stacks.ts';

/** Both stacks, without bundles: those are built by `npm run synth`; here only the wiring matters. */
export function buildStacks(context: Readonly<Record<string, string>> = {}) {
  const outdir = mkdtempSync(join(tmpdir(), 'consenthub-cdk-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [], ...context } });
  return { app, ...createStacks(app, deploymentStageOf(app.node)) };
}
