import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { type FunctionHost, localFunction } from '../../../infra/local/lambda/function.ts';
import { ThrottledError } from '../../../infra/local/lambda/lambda-error.ts';
import { prepareBootstrap } from '../../../infra/local/lambda/prepare-bootstrap.ts';

const CODE = `exports.handler = async ({ fails }) => {
  if (fails) throw new Error('as told');
};`;

/**
 * Processes of the local runner under the names of the template's functions. They do what their event
 * says; what they are in truth does not matter to Lambda's metrics.
 */
export function startFunctions(
  names: ReadonlyMap<string, string>,
  onInvocation: NonNullable<FunctionHost['onInvocation']>,
) {
  const directory = mkdtempSync(join(tmpdir(), 'consenthub-alarms-'));
  mkdirSync(join(directory, 'logs'));
  writeFileSync(join(directory, 'index.js'), CODE);
  const host: FunctionHost = {
    bootstrap: prepareBootstrap(directory),
    logDirectory: join(directory, 'logs'),
    region: 'eu-central-1',
    variables: {},
    credentials: () => ({}),
    maxEnvironments: 2,
    onInvocation,
  };
  const started = new Map<string, ReturnType<typeof localFunction>>();
  const find = (folder: string) => {
    const known = started.get(folder);
    if (known !== undefined) return known;
    const name = names.get(folder);
    if (name === undefined) throw new Error(`the template has no function ${folder}`);
    const created = localFunction(
      {
        logicalId: folder,
        name,
        title: folder,
        arn: `arn:aws:lambda:eu-central-1:000000000000:function:${name}`,
        taskRoot: directory,
        handler: 'index.handler',
        roleArn: '',
        memoryMb: 512,
        timeoutSeconds: 30,
        logGroupName: folder,
        logFormat: 'JSON',
        reservedConcurrency: 1,
        asynchronous: { maximumRetryAttempts: 0, maximumEventAgeSeconds: 60 },
        environment: {},
      },
      host,
    );
    started.set(folder, created);
    return created;
  };
  const succeeds = (folder: string) => find(folder).invoke({});

  return {
    succeeds,
    fails: (folder: string) => find(folder).invoke({ fails: true }),
    /** Called a second time while it is at work, which its reserved concurrency forbids. */
    async refuses(folder: string) {
      const first = succeeds(folder);
      await find(folder)
        .invoke({})
        .catch((error: unknown) => {
          if (!(error instanceof ThrottledError)) throw error;
        });
      await first;
    },
    /** The time passes while it is at work. */
    async takes(folder: string, ms: number) {
      await succeeds(folder);
      const running = succeeds(folder);
      vi.advanceTimersByTime(ms);
      await running;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...started.values()].map((one) => one.stop()));
      rmSync(directory, { recursive: true });
    },
  };
}

export type Functions = ReturnType<typeof startFunctions>;
