import { fileURLToPath } from 'node:url';
import { Duration, Stack, Tags, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  Architecture,
  type Function as LambdaFunctionBase,
  LoggingFormat,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import {
  type ICommandHooks,
  LogLevel,
  NodejsFunction,
  OutputFormat,
  SourceMapMode,
} from 'aws-cdk-lib/aws-lambda-nodejs';
import { type ILogGroup, LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Below 512 MB a cold start gets slow; a full processor core comes with 1,769 MB and is not needed. */
const MEMORY_MB = 512;

export interface LambdaFunctionProps {
  readonly description: string;
  readonly timeout: Duration;
  readonly key: IKey;
  readonly environment: Readonly<Record<string, string>>;
  /** Secrets that it reads: variable of the environment that gets the ARN → secret. */
  readonly secrets: Readonly<Record<string, Pick<ISecret, 'secretArn'>>>;
  readonly memoryMb?: number;
  /** Most invocations at a time; what comes on top is refused. Only for who can live with that. */
  readonly reservedConcurrency?: number;
  readonly commandHooks?: ICommandHooks;
}

/**
 * One Lambda function, named after its folder under `functions/`: bundled from there, with a role and
 * a log group of its own, and nothing allowed but what its caller grants.
 */
export class LambdaFunction extends Construct {
  readonly function: LambdaFunctionBase;
  readonly logs: ILogGroup;
  readonly timeout: Duration;
  readonly memoryMb: number;

  constructor(scope: Construct, folder: string, props: LambdaFunctionProps) {
    super(scope, folder);
    this.timeout = props.timeout;
    this.memoryMb = props.memoryMb ?? MEMORY_MB;
    this.logs = new LogGroup(this, 'logs', {
      retention: RetentionDays.THREE_MONTHS,
      encryptionKey: props.key,
    });
    // Not AWS's managed policy, which allows every log group of the account.
    const role = new Role(this, 'role', {
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      description: `What ${folder} may do`,
    });
    this.logs.grantWrite(role);

    this.function = new NodejsFunction(this, 'function', {
      entry: `${PROJECT}functions/${folder}/handler.ts`,
      projectRoot: PROJECT,
      depsLockFilePath: `${PROJECT}package-lock.json`,
      description: props.description,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: this.memoryMb,
      timeout: props.timeout,
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: props.reservedConcurrency,
      }),
      role,
      logGroup: this.logs,
      // Also what escapes a handler is a line of JSON.
      loggingFormat: LoggingFormat.JSON,
      environment: {
        ...props.environment,
        ...Object.fromEntries(
          Object.entries(props.secrets).map(([variable, secret]) => [variable, secret.secretArn]),
        ),
        POWERTOOLS_SERVICE_NAME: folder,
      },
      // The bundle holds its own AWS SDK: faster to load than the runtime's, and the tested version.
      bundling: {
        externalModules: [],
        // CommonJS starts faster than ESM for bundles of this size.
        format: OutputFormat.CJS,
        target: 'node24',
        mainFields: ['module', 'main'],
        minify: true,
        keepNames: true,
        // For reading a stack trace afterwards: a function that loads its map starts a fifth slower.
        sourceMap: true,
        sourceMapMode: SourceMapMode.EXTERNAL,
        sourcesContent: false,
        loader: { '.sql': 'text' },
        logLevel: LogLevel.WARNING,
        ...(props.commandHooks && { commandHooks: props.commandHooks }),
      },
      // Connections are kept by default since version 3 of the SDK.
      awsSdkConnectionReuse: false,
    });
    Tags.of(this.function).add('function', folder);
    for (const { secretArn } of Object.values(props.secrets)) {
      this.allow(['secretsmanager:GetSecretValue'], secretArn, props.key, ['kms:Decrypt']);
    }
    this.acknowledge(role, props.reservedConcurrency);
  }

  /** Allows actions on one resource, and the key's use by the service that keeps it. */
  allow(actions: string[], resourceArn: string, key: IKey, keyActions: string[]) {
    const service = actions[0]?.split(':')[0];
    this.function.addToRolePolicy(new PolicyStatement({ actions, resources: [resourceArn] }));
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: keyActions,
        resources: [key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `${service}.${Stack.of(this).region}.amazonaws.com` },
        },
      }),
    );
  }

  private acknowledge(role: Role, reservedConcurrency: number | undefined) {
    Validations.of(this.function).acknowledge(
      {
        id: 'HIPAA.Security-LambdaInsideVPC',
        reason:
          'Neon, Upstash, Entra ID and Dynamics are reached over the internet with TLS; there is ' +
          'nothing in a VPC to reach, and a NAT gateway would only add a hop that can fail.',
      },
      {
        id: 'HIPAA.Security-LambdaDLQ',
        reason:
          'No event can be lost with an invocation: called by API Gateway, by an event source ' +
          'mapping whose queue has a dead-letter queue, by the deploy, or by a schedule, whose next ' +
          'event does what a failed one left undone.',
      },
    );
    if (reservedConcurrency === undefined) {
      Validations.of(this.function).acknowledge({
        id: 'HIPAA.Security-LambdaConcurrency',
        reason:
          'A reserved concurrency would refuse webhooks, which Dataverse does not send again after ' +
          'a 429. Consumers are limited by the maximum concurrency of their event source mapping.',
      });
    }
    Validations.of(role).acknowledge({
      id: 'HIPAA.Security-IAMNoInlinePolicy',
      reason:
        'The policy belongs to this one role and is made and removed with it; a managed policy ' +
        'could be attached elsewhere.',
    });
  }
}
