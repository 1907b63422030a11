import type {
  CorsDefinition,
  FunctionDefinition,
  HttpApiDefinition,
  JwtAuthorizerDefinition,
  RouteAuthorization,
  RouteDefinition,
} from './definitions.ts';
import type { Resource } from './interpret.ts';
import type { MissingPermission } from './invoke-permissions.ts';
import { onlyKnown, optionalNumber, record, text, texts } from './properties.ts';
import { isRecord, TemplateError } from './template.ts';

const API_PROPERTIES = new Set([
  'CorsConfiguration',
  'Description',
  'Name',
  'ProtocolType',
  'Tags',
]);
const CORS_PROPERTIES = new Set([
  'AllowCredentials',
  'AllowHeaders',
  'AllowMethods',
  'AllowOrigins',
  'ExposeHeaders',
  'MaxAge',
]);
/** What the access log would say stays unsaid here, and nobody is throttled. */
const STAGE_PROPERTIES = new Set([
  'AccessLogSettings',
  'ApiId',
  'AutoDeploy',
  'RouteSettings',
  'StageName',
  'Tags',
]);
const INTEGRATION_PROPERTIES = new Set([
  'ApiId',
  'Description',
  'IntegrationType',
  'IntegrationUri',
  'PayloadFormatVersion',
  'TimeoutInMillis',
]);
const ROUTE_PROPERTIES = new Set([
  'ApiId',
  'AuthorizationScopes',
  'AuthorizationType',
  'AuthorizerId',
  'RouteKey',
  'Target',
]);
const AUTHORIZER_PROPERTIES = new Set([
  'ApiId',
  'AuthorizerType',
  'IdentitySource',
  'JwtConfiguration',
  'Name',
]);

/** Quotas of HTTP APIs: the longest that they wait for an integration is also the default. */
const MIN_TIMEOUT_MS = 50;
const MAX_TIMEOUT_MS = 30_000;

const IDENTITY_SOURCE = /^\$request\.(?<from>header|querystring)\.(?<name>[\w-]+)$/;

/**
 * The HTTP API, if the template has one.
 *
 * @param find a function, after making sure that there is one.
 * @throws TemplateError for what the gateway would refuse and for what the runner does not do.
 */
export function httpApiOf(
  ofType: (type: string) => Resource[],
  find: (owner: Resource, nameOrArn: string) => FunctionDefinition,
  missingPermission: MissingPermission,
): HttpApiDefinition | undefined {
  const [api, second] = ofType('AWS::ApiGatewayV2::Api');
  if (second !== undefined) {
    throw new TemplateError(`${second.logicalId}: the local runner serves one HTTP API only`);
  }
  if (api === undefined) return undefined;
  onlyKnown(api, api.properties(), API_PROPERTIES, 'API');
  if (text(api, 'ProtocolType') !== 'HTTP') {
    throw new TemplateError(`${api.logicalId}: only HTTP APIs are supported`);
  }
  const [stage, secondStage] = ofType('AWS::ApiGatewayV2::Stage');
  if (stage === undefined) throw new TemplateError(`${api.logicalId}: the API has no stage`);
  if (secondStage !== undefined) {
    throw new TemplateError(`${secondStage.logicalId}: the local runner serves one stage only`);
  }
  onlyKnown(stage, stage.properties(), STAGE_PROPERTIES, 'stage');

  const byId = <T>(type: string, of: (resource: Resource) => T): Map<string, T> =>
    new Map(ofType(type).map((entry) => [entry.identity().ref, of(entry)]));
  const integrations = byId('AWS::ApiGatewayV2::Integration', (entry) =>
    integrationOf(entry, find),
  );
  const authorizers = byId('AWS::ApiGatewayV2::Authorizer', authorizerOf);
  const apiId = api.identity().ref;
  const stageName = text(stage, 'StageName');
  const routes = ofType('AWS::ApiGatewayV2::Route').map((route): RouteDefinition => {
    onlyKnown(route, route.properties(), ROUTE_PROPERTIES, 'route');
    const reference = text(route, 'Target');
    const integration = integrations.get(reference.replace(/^integrations\//, ''));
    if (integration === undefined) {
      throw new TemplateError(`${route.logicalId}: its integration ${reference} does not exist`);
    }
    const { target, timeoutMs } = integration;
    const routeKey = text(route, 'RouteKey');
    const [, , , region, accountId] = target.arn.split(':');
    const sourceArn = `arn:aws:execute-api:${region}:${accountId}:${apiId}/${stageName}/${routeKey.replace(' ', '')}`;
    const caller = { owner: route, service: 'apigateway.amazonaws.com', sourceArn };
    return {
      logicalId: route.logicalId,
      routeKey,
      functionName: target.name,
      missingPermission: missingPermission(caller, target.name),
      timeoutMs,
      authorization: authorizationOf(route, authorizers),
    };
  });
  return { apiId, cors: corsOf(api), stageName, routes };
}

function integrationOf(
  resource: Resource,
  find: (owner: Resource, nameOrArn: string) => FunctionDefinition,
): { readonly target: FunctionDefinition; readonly timeoutMs: number } {
  const properties = resource.properties();
  onlyKnown(resource, properties, INTEGRATION_PROPERTIES, 'integration');
  const { IntegrationType: type, PayloadFormatVersion: version } = properties;
  if (type !== 'AWS_PROXY' || version !== '2.0') {
    throw new TemplateError(
      `${resource.logicalId}: only Lambda integrations of payload format 2.0 are supported`,
    );
  }
  const timeoutMs = optionalNumber(properties['TimeoutInMillis']) ?? MAX_TIMEOUT_MS;
  if (!(timeoutMs >= MIN_TIMEOUT_MS && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw new TemplateError(
      `${resource.logicalId}: TimeoutInMillis has to be between ${MIN_TIMEOUT_MS} and ${MAX_TIMEOUT_MS}`,
    );
  }
  return { target: find(resource, text(resource, 'IntegrationUri')), timeoutMs };
}

function authorizationOf(
  route: Resource,
  authorizers: ReadonlyMap<string, JwtAuthorizerDefinition>,
): RouteAuthorization | undefined {
  const { AuthorizationType: type = 'NONE', AuthorizationScopes: scopes } = route.properties();
  if (type === 'NONE') return undefined;
  if (type !== 'JWT') {
    throw new TemplateError(`${route.logicalId}: of the authorizers only JWT is supported`);
  }
  const id = text(route, 'AuthorizerId');
  const authorizer = authorizers.get(id);
  if (authorizer === undefined) {
    throw new TemplateError(`${route.logicalId}: its authorizer ${id} does not exist`);
  }
  return { authorizer, scopes: texts(scopes) };
}

function authorizerOf(resource: Resource): JwtAuthorizerDefinition {
  const properties = resource.properties();
  onlyKnown(resource, properties, AUTHORIZER_PROPERTIES, 'authorizer');
  if (properties['AuthorizerType'] !== 'JWT') {
    throw new TemplateError(`${resource.logicalId}: of the authorizers only JWT is supported`);
  }
  const { Issuer: issuer, Audience: audience } = record(properties['JwtConfiguration']);
  if (typeof issuer !== 'string' || texts(audience).length === 0) {
    throw new TemplateError(`${resource.logicalId}: a JWT authorizer needs issuer and audience`);
  }
  const [source = ''] = texts(properties['IdentitySource']);
  const { from, name } = IDENTITY_SOURCE.exec(source)?.groups ?? {};
  if (name === undefined) {
    throw new TemplateError(
      `${resource.logicalId}: its identity source ${source} is not supported`,
    );
  }
  return {
    logicalId: resource.logicalId,
    issuer,
    audience: texts(audience),
    identitySource: { from: from === 'header' ? 'header' : 'querystring', name },
  };
}

function corsOf(api: Resource): CorsDefinition | undefined {
  const configuration = api.properties()['CorsConfiguration'];
  if (!isRecord(configuration)) return undefined;
  onlyKnown(api, configuration, CORS_PROPERTIES, 'CORS');
  const allowOrigins = texts(configuration['AllowOrigins']);
  const allowCredentials = configuration['AllowCredentials'] === true;
  if (allowCredentials && allowOrigins.includes('*')) {
    throw new TemplateError(`${api.logicalId}: AllowCredentials is not possible with the origin *`);
  }
  return {
    allowOrigins,
    allowMethods: texts(configuration['AllowMethods']),
    allowHeaders: texts(configuration['AllowHeaders']),
    exposeHeaders: texts(configuration['ExposeHeaders']),
    allowCredentials,
    maxAgeSeconds: optionalNumber(configuration['MaxAge']),
  };
}
