import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openHttpApi } from '../../infra/local/gateway/http-api.ts';
import { type RunningFixture, runFixture } from './runner-fixture.ts';

const ECHO = `exports.handler = async (event) => {
  if (event.rawPath === '/fail') throw new Error('a secret detail');
  if (event.rawPath === '/malformed') return { statusCode: 'often' };
  if (event.rawPath === '/large') return { size: event.body.length, much: 'x'.repeat(6.1 * 1024 * 1024) };
  if (event.rawPath === '/unsendable') return { statusCode: 200, headers: { 'x-a': 'a\\nb' } };
  if (event.rawPath === '/plain') return { hello: 'world' };
  if (event.rawPath === '/slow') await new Promise((done) => setTimeout(done, 5000));
  if (event.rawPath === '/full') {
    return { statusCode: 201, headers: { 'X-One': '1' }, cookies: ['a=1', 'b=2'],
      body: Buffer.from([0, 255]).toString('base64'), isBase64Encoded: true };
  }
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(event) };
};`;

const HEADERS = [
  ['Host', 'local.test'],
  ['Content-Type', 'application/json; charset=utf-8'],
  ['X-Twice', 'one'],
  ['X-Twice', 'two'],
  ['Cookie', 'a=1; b=2'],
  ['User-Agent', 'probe/1'],
].flat();

/** Begins, and waits for nobody. */
const HOLD = `exports.handler = async () => {
  console.log('holds');
  await new Promise((done) => setTimeout(done, 500));
};`;

const integration = (timeoutMs?: number, target = 'Echo') => ({
  Type: 'AWS::ApiGatewayV2::Integration',
  Properties: {
    ApiId: { Ref: 'Api' },
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: { 'Fn::GetAtt': [target, 'Arn'] },
    PayloadFormatVersion: '2.0',
    ...(timeoutMs !== undefined && { TimeoutInMillis: timeoutMs }),
  },
});

const route = (RouteKey: string, target = 'Integration') => ({
  Type: 'AWS::ApiGatewayV2::Route',
  Properties: {
    ApiId: { Ref: 'Api' },
    RouteKey,
    Target: { 'Fn::Join': ['', ['integrations/', { Ref: target }]] },
  },
});

let fixture: RunningFixture;

beforeAll(async () => {
  fixture = await runFixture(
    {
      Echo: { code: ECHO },
      Hold: { code: HOLD, properties: { ReservedConcurrentExecutions: 1 } },
    },
    {
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { Name: 'api', ProtocolType: 'HTTP' } },
      Stage: {
        Type: 'AWS::ApiGatewayV2::Stage',
        Properties: { ApiId: { Ref: 'Api' }, StageName: '$default', AutoDeploy: true },
      },
      Integration: integration(),
      Impatient: integration(50),
      Echoes: route('ANY /echo/{name}'),
      Fail: route('GET /fail'),
      Malformed: route('GET /malformed'),
      Plain: route('GET /plain'),
      Large: route('POST /large'),
      Unsendable: route('GET /unsendable'),
      Held: route('GET /held', 'OfHold'),
      OfHold: integration(undefined, 'Hold'),
      Full: route('GET /full'),
      Slow: route('GET /slow', 'Impatient'),
    },
  );
  fixture.cloud.serve();
});

afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
});

test('a request becomes an event of payload format 2.0', async () => {
  const event = await new Promise<any>((resolve, reject) => {
    const sent = request(
      `${fixture.httpApi.url}/echo/a%20b?x=1&x=2&y=%C3%A9`,
      {
        method: 'POST',
        headers: HEADERS,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text)));
      },
    );
    sent.on('error', reject);
    sent.end('{"é":1}');
  });
  expect(event).toMatchObject({
    version: '2.0',
    routeKey: 'ANY /echo/{name}',
    rawPath: '/echo/a%20b',
    rawQueryString: 'x=1&x=2&y=%C3%A9',
    cookies: ['a=1', 'b=2'],
    queryStringParameters: { x: '1,2', y: 'é' },
    pathParameters: { name: 'a b' },
    body: '{"é":1}',
    isBase64Encoded: false,
    requestContext: {
      accountId: '000000000000',
      stage: '$default',
      routeKey: 'ANY /echo/{name}',
      http: { method: 'POST', path: '/echo/a%20b', protocol: 'HTTP/1.1', userAgent: 'probe/1' },
    },
  });
  expect(event.headers).toMatchObject({
    'content-type': 'application/json; charset=utf-8',
    'x-twice': 'one,two',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-port': new URL(fixture.httpApi.url).port,
    'x-forwarded-proto': 'http',
  });
  expect(event.headers).not.toHaveProperty('cookie');
});

test('a body that is not text arrives base64-encoded, byte for byte', async () => {
  const bytes = Buffer.from([0, 1, 254, 255]);
  const response = await fetch(`${fixture.httpApi.url}/echo/x`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
  });
  expect(await response.json()).toMatchObject({
    body: bytes.toString('base64'),
    isBase64Encoded: true,
  });
});

async function ask(path: string, init: RequestInit = {}): Promise<[number, unknown]> {
  const response = await fetch(`${fixture.httpApi.url}${path}`, init);
  return [response.status, await response.json()];
}

const hash = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

test('what the gateway answers itself', async () => {
  expect(await ask('/nowhere')).toEqual([404, { message: 'Not Found' }]);
  expect(await ask('/plain', { method: 'POST' })).toEqual([404, { message: 'Not Found' }]);
  expect(await ask('/fail')).toEqual([500, { message: 'Internal Server Error' }]);
  expect(await ask('/malformed')).toEqual([500, { message: 'Internal Server Error' }]);
  expect(await ask('/slow')).toEqual([503, { message: 'Service Unavailable' }]);
  expect(await ask('/unsendable')).toEqual([500, { message: 'Internal Server Error' }]);
  const tooMuch = Buffer.alloc(10 * 1024 * 1024 + 1);
  const [status] = await ask('/echo/x', { method: 'POST', body: tooMuch });
  expect(status).toBe(413);
});

test('what Lambda would refuse: too large an event, too large a response, no free concurrency', async () => {
  const post = (megabytes: number) => {
    const headers = { 'content-type': 'text/plain' };
    const body = Buffer.alloc(megabytes * 1024 * 1024, 'a');
    return ask('/large', { method: 'POST', headers, body });
  };
  expect(await post(6)).toEqual([413, { message: 'Request Entity Too Large' }]);
  expect(await post(1)).toEqual([500, { message: 'Internal Server Error' }]);
  const first = fetch(`${fixture.httpApi.url}/held`);
  const log = join(fixture.directory, 'logs', 'hold.log');
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('holds'));
  expect(await ask('/held')).toEqual([503, { message: 'Service Unavailable' }]);
  expect((await first).status).toBe(200);
});

test('request line and headers together have 10,240 bytes', async () => {
  const withHeader = (bytes: number) => ask('/plain', { headers: { 'x-long': 'a'.repeat(bytes) } });
  expect((await withHeader(9000))[0]).toBe(200);
  const refused = [431, { message: 'Request Header Fields Too Large' }];
  expect(await withHeader(10_240)).toEqual(refused);
  expect(await ask(`/plain?${'a'.repeat(10_240)}`)).toEqual(refused);
});

test('a body of several megabytes reaches the function unharmed', async () => {
  const body = Buffer.alloc(4 * 1024 * 1024, 'abc');
  const response = await fetch(`${fixture.httpApi.url}/echo/x`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body,
  });
  const event: any = await response.json();
  expect(hash(event.body)).toBe(hash(body));
});

test('a function’s response, whole and inferred', async () => {
  const full = await fetch(`${fixture.httpApi.url}/full`);
  expect(full.status).toBe(201);
  expect(full.headers.get('x-one')).toBe('1');
  expect(full.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(Buffer.from(await full.arrayBuffer())).toEqual(Buffer.from([0, 255]));

  const plain = await fetch(`${fixture.httpApi.url}/plain`);
  expect(plain.headers.get('content-type')).toBe('application/json');
  expect(await plain.json()).toEqual({ hello: 'world' });
});

test('before the stack is up the answer is 503, and a taken port is said', async () => {
  const early = await openHttpApi(0);
  try {
    expect((await fetch(`${early.url}/plain`)).status).toBe(503);
    const port = Number(new URL(early.url).port);
    await expect(openHttpApi(port)).rejects.toThrow(`port ${port} is taken by another program`);
  } finally {
    await early.close(0);
  }
});
