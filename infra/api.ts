import { Aws, Duration, Fn, Validations } from 'aws-cdk-lib';
import {
  type CfnApi,
  type CfnStage,
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  type HttpStage,
  LogGroupLogDestination,
  PayloadFormatVersion,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { LambdaFunction } from './constructs/lambda-function.ts';
import type { ApiAccess } from './parameters.ts';

const WEBHOOK_PATH = '/api/dynamics/webhook';
const TEST_PATH = '/api/dynamics/test';
const STATUS_PATH = '/api/dynamics/status';

/**
 * Requests a second, and at once, of all staff together; 429 beyond. A page that asks in a loop or a
 * stolen token must not use up the concurrency of the account, which webhooks need, and each test costs
 * Dataverse five requests. Nobody at a screen comes near: a page asks for the status every few seconds.
 */
const STATUS_THROTTLE: Throttle = { perSecond: 20, burst: 40 };
const TEST_THROTTLE: Throttle = { perSecond: 2, burst: 5 };

/** Browsers ask again after so long whether a page may call the API. */
const PREFLIGHT_MAX_AGE = Duration.hours(1);

interface ApiProps {
  readonly access: ApiAccess;
  readonly accessLogKey: IKey;
  readonly receiveWebhook: LambdaFunction;
  readonly connectionStatus: LambdaFunction;
  readonly testConnection: LambdaFunction;
}

/** The HTTP API: the webhook for Dynamics, and what ConsentHub's staff asks. */
export function addApi(
  scope: Construct,
  { access, accessLogKey, receiveWebhook, connectionStatus, testConnection }: ApiProps,
): { readonly url: string; readonly webhookUrl: string } {
  const staged = createApi(scope, access, accessLogKey);
  addWebhook(staged.api, receiveWebhook);
  addForStaff(staged, access, [
    {
      method: HttpMethod.GET,
      path: STATUS_PATH,
      handler: connectionStatus,
      throttle: STATUS_THROTTLE,
    },
    {
      method: HttpMethod.POST,
      path: TEST_PATH,
      handler: testConnection,
      throttle: TEST_THROTTLE,
    },
  ]);
  const url = staged.api.apiEndpoint;
  return { url, webhookUrl: `${url}${WEBHOOK_PATH}` };
}

function createApi(scope: Construct, access: ApiAccess, accessLogKey: IKey): StagedApi {
  const api = new HttpApi(scope, 'api', {
    description: 'What Dynamics and ConsentHub call',
    createDefaultStage: false,
  });
  allowOrigins(api, access);
  const accessLogs = new LogGroup(scope, 'access-logs', {
    retention: RetentionDays.THREE_MONTHS,
    encryptionKey: accessLogKey,
  });
  // No throttle for webhooks: HTTP APIs answer 429 beyond it, and Dataverse does not send an event again
  // after a 429. What arrives is bounded by Dataverse itself and costs one queue message each.
  const stage = api.addStage('stage', {
    stageName: '$default',
    autoDeploy: true,
    accessLogSettings: {
      destination: new LogGroupLogDestination(accessLogs),
      // No header and no body: only who called what, and how it ended.
      format: AccessLogFormat.custom(
        JSON.stringify({
          requestId: '$context.requestId',
          time: '$context.requestTime',
          routeKey: '$context.routeKey',
          status: '$context.status',
          latencyMs: '$context.responseLatency',
          integrationError: '$context.integrationErrorMessage',
          responseLength: '$context.responseLength',
          sourceIp: '$context.identity.sourceIp',
        }),
      ),
    },
  });
  return { api, stage };
}

interface StagedApi {
  readonly api: HttpApi;
  readonly stage: HttpStage;
}

/** Open to everybody: guarded by its signature. */
function addWebhook(api: HttpApi, handler: LambdaFunction) {
  const [route] = api.addRoutes({
    path: WEBHOOK_PATH,
    methods: [HttpMethod.POST],
    integration: integration('receive-webhook', handler),
  });
  if (route !== undefined) {
    Validations.of(route).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason:
        'Dataverse cannot fetch a token. The function checks an HMAC-SHA256 signature over the ' +
        'raw body in constant time before it reads anything else.',
    });
  }
}

interface Throttle {
  readonly perSecond: number;
  readonly burst: number;
}

interface StaffRoute {
  readonly method: HttpMethod;
  readonly path: string;
  readonly handler: LambdaFunction;
  readonly throttle: Throttle;
}

/** For who has signed in and has the scope: patients sign in at the same provider. */
function addForStaff({ api, stage }: StagedApi, access: ApiAccess, routes: readonly StaffRoute[]) {
  const authorizer = new HttpJwtAuthorizer('staff', access.issuer, {
    jwtAudience: [access.audience],
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what a stage is made of
  const cfnStage = stage.node.defaultChild as CfnStage;
  cfnStage.routeSettings = Object.fromEntries(
    routes.map(({ method, path, throttle }) => [
      `${method} ${path}`,
      { ThrottlingRateLimit: throttle.perSecond, ThrottlingBurstLimit: throttle.burst },
    ]),
  );
  for (const { method, path, handler } of routes) {
    const added = api.addRoutes({
      path,
      methods: [method],
      integration: integration(handler.node.id, handler),
      authorizer,
      authorizationScopes: [access.requiredScope],
    });
    // API Gateway refuses settings of a route that is not there yet.
    cfnStage.node.addDependency(...added);
  }
}

const integration = (id: string, handler: LambdaFunction) =>
  new HttpLambdaIntegration(id, handler.function, {
    payloadFormatVersion: PayloadFormatVersion.VERSION_2_0,
  });

/** Lets pages of the configured origins call the API; without any there is no CORS at all. */
function allowOrigins(api: HttpApi, { allowedOrigins, hasOrigins }: ApiAccess) {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what an HttpApi is made of
  const resource = api.node.defaultChild as CfnApi;
  resource.addPropertyOverride(
    'CorsConfiguration',
    Fn.conditionIf(
      hasOrigins.logicalId,
      {
        AllowOrigins: Fn.split(',', allowedOrigins),
        AllowMethods: [CorsHttpMethod.GET, CorsHttpMethod.POST],
        AllowHeaders: ['authorization', 'content-type'],
        MaxAge: PREFLIGHT_MAX_AGE.toSeconds(),
      },
      Aws.NO_VALUE,
    ),
  );
}
