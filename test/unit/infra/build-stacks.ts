import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { BridgeStack } from '../../../infra/bridge-stack.ts';
import { SecretsStack } from '../../../infra/secrets-stack.ts';

/** Both stacks, without bundles: those are built by `npm run synth`; here only the wiring matters. */
export function buildStacks() {
  const outdir = mkdtempSync(join(tmpdir(), 'consenthub-cdk-'));
  process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
  const app = new App({ outdir, context: { 'aws:cdk:bundling-stacks': [] } });
  const secrets = new SecretsStack(app, 'Secrets', {});
  const bridge = new BridgeStack(app, 'Bridge', { secrets });
  return { app, secrets, bridge };
}
