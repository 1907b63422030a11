import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningFixture, runFixture } from './runner-fixture.ts';

const ECHO = `exports.handler = async (event) => ({
  statusCode: 200,
  headers: { 'content-type': 'application/json', 'access-control-allow-origin': 'https://function.test' },
  body: JSON.stringify(event.requestContext.authorizer ?? null),
});`;

const ORIGIN = 'https://app.example.test';
const AUDIENCE = 'api://bridge';
const KEY_ID = 'one';

let fixture: RunningFixture;
let issuer: Server;
let issuerUrl: string;
let signingKey: CryptoKey;
let strangersKey: CryptoKey;
let discoveries = 0;
/** A second issuer, which is down at first. */
let lateIsUp = false;

const route = (routeKey: string, scopes?: readonly string[], authorizer = 'Authorizer') => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    ApiId: { Ref: 'Api' },
    RouteKey: routeKey,
    Target: { 'Fn::Join': ['', ['integrations/', { Ref: 'Integration' }]] },
    ...(scopes && {
      AuthorizationType: 'JWT',
      AuthorizerId: { Ref: authorizer },
      AuthorizationScopes: scopes,
    }),
  },
});

beforeAll(async () => {
  const pair = await generateKeyPair('RS256');
  signingKey = pair.privateKey;
  strangersKey = (await generateKeyPair('RS256')).privateKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' };
  issuer = createServer((request, response) => {
    const discovery = request.url?.endsWith('/.well-known/openid-configuration') === true;
    const late = request.url?.startsWith('/late/') === true;
    if (discovery && !late) discoveries += 1;
    if (late && !lateIsUp) response.statusCode = 503;
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(
        discovery && response.statusCode === 200
          ? { issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }
          : { keys: [jwk] },
      ),
    );
  });
  issuer.listen(0, '127.0.0.1');
  await once(issuer, 'listening');
  issuerUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/tenant`;

  fixture = await runFixture(
    { Echo: { code: ECHO } },
    {
      Api: {
        Type: 'AWS::ApiGatewayV2::Api',
        Properties: {
          Name: 'api',
          ProtocolType: 'HTTP',
          CorsConfiguration: {
            AllowOrigins: [ORIGIN],
            AllowMethods: ['GET'],
            AllowHeaders: ['authorization'],
          },
        },
      },
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
      },
      Integration: {
        Type: 'AWS::ApiGatewayV2::Integration',
        Properties: {
          ApiId: { Ref: 'Api' },
          IntegrationType: 'AWS_PROXY',
          IntegrationUri: { 'Fn::GetAtt': ['Echo', 'Arn'] },
          PayloadFormatVersion: '2.0',
        },
      },
      Authorizer: {
        Type: 'AWS::ApiGatewayV2::Authorizer',
        Properties: {
          ApiId: { Ref: 'Api' },
          AuthorizerType: 'JWT',
          IdentitySource: ['$request.header.Authorization'],
          JwtConfiguration: { Issuer: issuerUrl, Audience: [AUDIENCE] },
          Name: 'tokens',
        },
      },
      LateAuthorizer: {
        Type: 'AWS::ApiGatewayV2::Authorizer',
        Properties: {
          ApiId: { Ref: 'Api' },
          AuthorizerType: 'JWT',
          IdentitySource: ['$request.querystring.token'],
          JwtConfiguration: { Issuer: lateUrl(), Audience: [AUDIENCE] },
          Name: 'late',
        },
      },
      Late: route('GET /late', [], 'LateAuthorizer'),
      Open: route('GET /open'),
      Closed: route('GET /closed', []),
      Scoped: route('GET /scoped', ['status.read', 'status.write']),
    },
  );
  fixture.cloud.serve();
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  issuer.closeAllConnections();
  issuer.close();
});

const lateUrl = (): string => issuerUrl.replace('/tenant', '/late');

const nowSeconds = (): number => Math.floor(Date.now() / 1000);

function token(
  changes: Readonly<Record<string, unknown>> = {},
  { key = signingKey, kid }: { key?: CryptoKey; kid?: string } = { kid: KEY_ID },
): Promise<string> {
  const claims = {
    iss: issuerUrl,
    aud: AUDIENCE,
    sub: 'somebody',
    iat: nowSeconds() - 10,
    exp: nowSeconds() + 600,
    ...changes,
  };
  const header = { alg: 'RS256', ...(kid !== undefined && { kid }) };
  return new SignJWT(JSON.parse(JSON.stringify(claims))).setProtectedHeader(header).sign(key);
}

async function ask(path: string, authorization?: string) {
  const response = await fetch(`${fixture.httpApi.url}${path}`, {
    headers: { ...(authorization !== undefined && { authorization }) },
  });
  const challenge = response.headers.get('www-authenticate');
  return { status: response.status, challenge, body: await response.json() };
}

const unauthorized = (challenge: string) => ({
  status: 401,
  challenge,
  body: { message: 'Unauthorized' },
});
const INVALID = 'Bearer scope="" error="invalid_token"';

test('a route without authorizer is open', async () => {
  expect(await ask('/open')).toEqual({ status: 200, challenge: null, body: null });
});

test('a token that fits reaches the function as its claims, as text', async () => {
  const groups = ['one', 'two'];
  const given = await token({ groups, admin: true });
  for (const authorization of [`Bearer ${given}`, given]) {
    expect(await ask('/closed', authorization)).toMatchObject({
      status: 200,
      body: {
        jwt: {
          claims: {
            iss: issuerUrl,
            aud: AUDIENCE,
            sub: 'somebody',
            exp: expect.stringMatching(/^\d+$/),
            groups: '[one two]',
            admin: 'true',
          },
          scopes: null,
        },
      },
    });
  }
  expect(discoveries).toBe(1);
});

test('no token', async () => {
  expect(await ask('/closed')).toEqual(unauthorized('Bearer'));
});

test('a token that does not fit', async () => {
  const given = [
    'nonsense',
    await token({ iss: 'https://other.example.test' }),
    await token({ exp: nowSeconds() - 1 }),
    await token({ exp: undefined }),
    await token({ nbf: nowSeconds() + 60 }),
    await token({ iat: nowSeconds() + 60 }),
    await token({}, { key: strangersKey, kid: KEY_ID }),
    await token({}, { kid: 'two' }),
    await token({}, {}),
    await new SignJWT({ iss: issuerUrl, aud: AUDIENCE, exp: nowSeconds() + 600 })
      .setProtectedHeader({ alg: 'HS256', kid: KEY_ID })
      .sign(new TextEncoder().encode('a secret that is long enough for HS256')),
  ];
  for (const one of given) {
    expect(await ask('/closed', `Bearer ${one}`)).toEqual(unauthorized(INVALID));
  }
});

test('the audience: aud, or client_id where there is none', async () => {
  const refused = unauthorized(
    `${INVALID} error_description="the token does not have a valid audience"`,
  );
  const other = await token({ aud: 'other', client_id: AUDIENCE });
  expect(await ask('/closed', other)).toEqual(refused);
  expect(await ask('/closed', await token({ aud: undefined }))).toEqual(refused);
  const one = await token({ aud: ['other', AUDIENCE] });
  const client = await token({ aud: undefined, client_id: AUDIENCE });
  expect([(await ask('/closed', one)).status, (await ask('/closed', client)).status]).toEqual([
    200, 200,
  ]);
});

test('an issuer that does not answer vouches for nobody, and is asked again', async () => {
  const given = await token({ iss: lateUrl() });
  expect(await ask(`/late?token=${given}`)).toEqual(unauthorized(INVALID));
  lateIsUp = true;
  expect((await ask(`/late?token=${given}`)).status).toBe(200);
});

test('one of the route’s scopes is enough, none is not', async () => {
  const scoped = await token({ scope: 'profile status.read' });
  expect(await ask('/scoped', scoped)).toMatchObject({
    status: 200,
    body: { jwt: { scopes: ['profile', 'status.read'] } },
  });
  const listed = await token({ scp: ['status.write'] });
  expect((await ask('/scoped', listed)).status).toBe(200);
  expect(await ask('/scoped', await token({ scope: 'profile' }))).toEqual({
    status: 403,
    challenge: 'Bearer scope="status.read status.write" error="insufficient_scope"',
    body: { message: 'Forbidden' },
  });
});

test('a preflight request is answered by the gateway, without token and without route', async () => {
  const response = await fetch(`${fixture.httpApi.url}/closed`, {
    method: 'OPTIONS',
    headers: { origin: ORIGIN, 'access-control-request-method': 'GET' },
  });
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN);
  expect(response.headers.get('access-control-allow-methods')).toBe('GET');
});

test('a response has the CORS headers of the API', async () => {
  const allowed = async (origin: string) => {
    const response = await fetch(`${fixture.httpApi.url}/open`, { headers: { origin } });
    return response.headers.get('access-control-allow-origin');
  };
  expect(await allowed(ORIGIN)).toBe(ORIGIN);
  expect(await allowed('https://other.example.test')).toBeNull();
});
