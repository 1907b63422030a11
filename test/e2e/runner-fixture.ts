import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, SYSTEM_CLOCK } from '../../infra/local/clock.ts';
import { type LocalCloud, startCloud } from '../../infra/local/cloud.ts';
import { type HttpApi, openHttpApi } from '../../infra/local/gateway/http-api.ts';
import { accessGuard } from '../../infra/local/iam/access-guard.ts';
import { accessPoliciesOf } from '../../infra/local/iam/access-policies.ts';
import { ACCOUNT_ID, startSqs } from '../../infra/local/queues/sqs-server.ts';
import { readAssembly } from '../../infra/local/template/assembly.ts';
import type { Deployment } from '../../infra/local/template/definitions.ts';
import { deploymentOf } from '../../infra/local/template/deployment.ts';
import { interpret } from '../../infra/local/template/interpret.ts';
import type { TemplateResource } from '../../infra/local/template/template.ts';

export const CREDENTIALS = {
  region: 'eu-central-1',
  accessKeyId: 'local',
  secretAccessKey: 'local',
};

/** A function of a fixture: its bundle's only file and what differs from the defaults. */
export interface FixtureFunction {
  readonly file?: string;
  readonly code: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface RunningFixture extends AsyncDisposable {
  readonly directory: string;
  readonly deployment: Deployment;
  readonly cloud: LocalCloud;
  readonly httpApi: HttpApi;
  readonly sqsEndpoint: string;
  readonly warnings: readonly string[];
}

/** Resource of a function whose logical id is its name in `functions`. */
function functionResource(
  name: string,
  properties: Readonly<Record<string, unknown>>,
): TemplateResource {
  return {
    Type: 'AWS::Lambda::Function',
    Metadata: { 'aws:cdk:path': `Fixture/${name}/Resource` },
    Properties: {
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Code: { S3Bucket: { 'Fn::Sub': 'assets-${AWS::Region}' }, S3Key: `${name}.zip` },
      MemorySize: 256,
      Timeout: 10,
      LoggingConfig: { LogFormat: 'JSON' },
      Role: { 'Fn::GetAtt': ['MayDoEverything', 'Arn'] },
      ...properties,
    },
  };
}

/** Role of a function that names no other. */
const MAY_DO_EVERYTHING: TemplateResource = {
  Type: 'AWS::IAM::Role',
  Properties: {
    Policies: [
      {
        PolicyName: 'everything',
        PolicyDocument: {
          Version: '2012-10-17',
          Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
        },
      },
    ],
  },
};

/** Writes a cloud assembly with one stack, as the CDK lays it out. */
export function writeAssembly(
  directory: string,
  functions: Readonly<Record<string, FixtureFunction>>,
  resources: Readonly<Record<string, TemplateResource>>,
): void {
  const files: Record<string, unknown> = {};
  const functionResources: Record<string, TemplateResource> = {};
  for (const [name, { file = 'index.js', code, properties = {} }] of Object.entries(functions)) {
    const asset = `asset.${name}`;
    mkdirSync(join(directory, asset), { recursive: true });
    writeFileSync(join(directory, asset, file), code);
    files[name] = {
      source: { path: asset, packaging: 'zip' },
      destinations: { current: { objectKey: `${name}.zip` } },
    };
    functionResources[name] = functionResource(name, properties);
    for (const service of ['apigateway', 'events']) {
      functionResources[`${name}By${service}`] = {
        Type: 'AWS::Lambda::Permission',
        Properties: {
          Action: 'lambda:InvokeFunction',
          FunctionName: { Ref: name },
          Principal: `${service}.amazonaws.com`,
        },
      };
    }
  }
  const write = (file: string, content: object): void =>
    writeFileSync(join(directory, file), JSON.stringify(content));
  write('Fixture.template.json', {
    Resources: { MayDoEverything: MAY_DO_EVERYTHING, ...functionResources, ...resources },
  });
  write('Fixture.assets.json', { files });
  write('manifest.json', {
    artifacts: {
      'Fixture.assets': { type: 'cdk:asset-manifest', properties: { file: 'Fixture.assets.json' } },
      Fixture: {
        type: 'aws:cloudformation:stack',
        dependencies: ['Fixture.assets'],
        properties: { templateFile: 'Fixture.template.json' },
      },
    },
  });
}

/**
 * Runs a fixture: functions, queues, HTTP API and mappings, without the systems outside. Its schedules
 * run if there is a clock.
 */
export async function runFixture(
  functions: Readonly<Record<string, FixtureFunction>>,
  resources: Readonly<Record<string, TemplateResource>>,
  { clock, freeze = false }: { readonly clock?: Clock; readonly freeze?: boolean } = {},
): Promise<RunningFixture> {
  const directory = mkdtempSync(join(tmpdir(), 'runner-'));
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => rmSync(directory, { recursive: true }));
  writeAssembly(join(directory, 'cdk.out'), functions, resources);
  const httpApi = await openHttpApi(0);
  cleanup.defer(() => httpApi.close(0));
  const warnings: string[] = [];
  const guard = accessGuard({
    place: { region: CREDENTIALS.region, accountId: ACCOUNT_ID },
    rootAccessKeyId: CREDENTIALS.accessKeyId,
    onDenied: (message) => warnings.push(message),
  });
  const sqs = await startSqs(join(directory, 'queues'), guard);
  cleanup.defer(() => sqs.close());
  const interpretation = interpret(
    readAssembly(join(directory, 'cdk.out')),
    {},
    {
      region: CREDENTIALS.region,
      accountId: ACCOUNT_ID,
      apiUrl: httpApi.url,
      sqsEndpoint: sqs.endpoint,
      secretArn: () => undefined,
    },
  );
  const deployment = deploymentOf(interpretation);
  guard.enforce(accessPoliciesOf(interpretation, deployment.functions));
  const cloud = await startCloud({
    onInvocation: () => undefined,
    deployment,
    httpApi,
    sqsEndpoint: sqs.endpoint,
    credentials: CREDENTIALS,
    guard,
    endpoints: { AWS_ENDPOINT_URL_SQS: sqs.endpoint },
    stateDirectory: directory,
    clock: clock ?? SYSTEM_CLOCK,
    schedules: clock !== undefined,
    freeze,
    signal: new AbortController().signal,
    warn: (message) => warnings.push(message),
  });
  cleanup.defer(() => cloud.stop(new AbortController().signal));
  const owned = cleanup.move();
  return {
    directory,
    deployment,
    cloud,
    httpApi,
    sqsEndpoint: sqs.endpoint,
    warnings,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
