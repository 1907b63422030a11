import type { AlarmDefinition, CompositeAlarmDefinition } from './alarms.ts';
import type { DashboardDefinition } from './dashboards.ts';

/** A Lambda function as the template describes it. */
export interface FunctionDefinition {
  readonly logicalId: string;
  /** Physical name: `AWS_LAMBDA_FUNCTION_NAME`. */
  readonly name: string;
  /** Name for people, without stack prefix and hash: `sync-contact`. Names the log file. */
  readonly title: string;
  readonly arn: string;
  /** Directory of the bundle. */
  readonly taskRoot: string;
  /** `file.export`. */
  readonly handler: string;
  readonly roleArn: string;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly logGroupName: string;
  readonly logFormat: 'JSON' | 'Text';
  readonly reservedConcurrency: number | undefined;
  readonly asynchronous: AsynchronousPolicy;
  readonly environment: Readonly<Record<string, string>>;
}

/** What becomes of an event that nobody waits for if it cannot be handled. */
export interface AsynchronousPolicy {
  /** How often a run that failed is repeated, 2 at most. */
  readonly maximumRetryAttempts: number;
  /** For how long an event is tried. */
  readonly maximumEventAgeSeconds: number;
}

export interface QueueDefinition {
  readonly logicalId: string;
  readonly name: string;
  readonly url: string;
  readonly arn: string;
  /** Attributes as `CreateQueue` takes them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly visibilityTimeoutSeconds: number;
  /** ARN of the dead-letter queue, if there is one. */
  readonly deadLetterQueueArn: string | undefined;
}

export interface RouteDefinition {
  readonly logicalId: string;
  /** `POST /path/{parameter}` or `$default`. */
  readonly routeKey: string;
  readonly functionName: string;
  /** What to tell if the gateway may not invoke the function; undefined: it may. */
  readonly missingPermission: string | undefined;
  readonly timeoutMs: number;
  /** Undefined: open to everybody. */
  readonly authorization: RouteAuthorization | undefined;
}

export interface RouteAuthorization {
  readonly authorizer: JwtAuthorizerDefinition;
  readonly scopes: readonly string[];
}

export interface JwtAuthorizerDefinition {
  readonly logicalId: string;
  /** `iss` of the tokens, and where its keys are found. */
  readonly issuer: string;
  readonly audience: readonly string[];
  /** Where in the request the token stands. */
  readonly identitySource: { readonly from: 'header' | 'querystring'; readonly name: string };
}

export interface CorsDefinition {
  readonly allowOrigins: readonly string[];
  readonly allowMethods: readonly string[];
  readonly allowHeaders: readonly string[];
  readonly exposeHeaders: readonly string[];
  readonly allowCredentials: boolean;
  readonly maxAgeSeconds: number | undefined;
}

export interface HttpApiDefinition {
  readonly apiId: string;
  readonly cors: CorsDefinition | undefined;
  readonly stageName: string;
  readonly routes: readonly RouteDefinition[];
}

export interface MappingDefinition {
  readonly logicalId: string;
  /** `UUID` in Lambda's API. */
  readonly id: string;
  readonly functionArn: string;
  readonly functionName: string;
  readonly queueArn: string;
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
  readonly reportBatchItemFailures: boolean;
  readonly maximumConcurrency: number | undefined;
}

/** A function that is invoked again and again. */
export interface ScheduleDefinition {
  /** Of the rule. */
  readonly logicalId: string;
  readonly ruleArn: string;
  /** As the template says it: `rate(1 minute)`. */
  readonly expression: string;
  readonly everySeconds: number;
  readonly functionName: string;
  /** What to tell if EventBridge may not invoke the function; undefined: it may. */
  readonly missingPermission: string | undefined;
  /** JSON that the function gets; undefined: EventBridge's own event. */
  readonly input: string | undefined;
}

export interface TriggerDefinition {
  readonly logicalId: string;
  readonly functionName: string;
}

/** Everything of the template that has to run. */
export interface Deployment {
  readonly functions: readonly FunctionDefinition[];
  readonly queues: readonly QueueDefinition[];
  readonly httpApi: HttpApiDefinition | undefined;
  readonly mappings: readonly MappingDefinition[];
  readonly schedules: readonly ScheduleDefinition[];
  /** In dependency order. */
  readonly triggers: readonly TriggerDefinition[];
  readonly alarms: readonly AlarmDefinition[];
  readonly compositeAlarms: readonly CompositeAlarmDefinition[];
  readonly dashboards: readonly DashboardDefinition[];
}
