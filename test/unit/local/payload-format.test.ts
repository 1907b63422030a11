import { describe, expect, test } from 'vitest';
import {
  type GatewayRequest,
  MalformedResponseError,
  requestEvent,
  responseOf,
} from '../../../infra/local/gateway/payload-format.ts';

const route = {
  routeKey: 'POST /x',
  apiId: 'api',
  accountId: '000000000000',
  stageName: '$default',
  pathParameters: {},
  identity: undefined,
};

function eventOf(request: Partial<GatewayRequest>) {
  const whole: GatewayRequest = {
    method: 'POST',
    target: '/x',
    httpVersion: '1.1',
    rawHeaders: [],
    sourceIp: '127.0.0.1',
    body: Buffer.alloc(0),
    ...request,
  };
  return requestEvent(whole, route, 'request-1', Date.UTC(2026, 10, 22, 10, 0, 5));
}

describe('request', () => {
  test('a bare request has no optional members', () => {
    expect(eventOf({})).toEqual({
      version: '2.0',
      routeKey: 'POST /x',
      rawPath: '/x',
      rawQueryString: '',
      headers: {},
      requestContext: {
        accountId: '000000000000',
        apiId: 'api',
        domainName: '',
        domainPrefix: '',
        http: {
          method: 'POST',
          path: '/x',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: '',
        },
        requestId: 'request-1',
        routeKey: 'POST /x',
        stage: '$default',
        time: '22/Nov/2026:10:00:05 +0000',
        timeEpoch: 1795341605000,
      },
      isBase64Encoded: false,
    });
  });

  test.each([
    ['application/json', false],
    ['Application/JSON; charset=utf-8', false],
    ['application/problem+json', false],
    ['text/csv', false],
    ['application/xml', false],
    ['application/octet-stream', true],
    ['application/x-www-form-urlencoded', true],
    [undefined, true],
  ])('content type %s: base64 %s', (type, base64) => {
    const body = Buffer.from('{"é":1}');
    const rawHeaders = type === undefined ? [] : ['Content-Type', type];
    const event = eventOf({ body, rawHeaders });
    expect(event.isBase64Encoded).toBe(base64);
    expect(event.body).toBe(body.toString(base64 ? 'base64' : 'utf8'));
  });

  test('a header that comes twice is one, joined by a comma', () => {
    const event = eventOf({ rawHeaders: ['X-Sig', 'a', 'x-sig', 'b'] });
    expect(event.headers).toEqual({ 'x-sig': 'a,b' });
  });

  test('a header named __proto__ is a header', () => {
    const event = eventOf({ rawHeaders: ['__proto__', 'a'] });
    expect(Object.keys(event.headers)).toEqual(['__proto__']);
  });
});

describe('response', () => {
  test('without a status code everything is inferred', () => {
    const headers = { 'content-type': 'application/json' };
    const inferred = (body: string) => ({
      statusCode: 200,
      headers,
      cookies: [],
      body: Buffer.from(body),
    });
    expect(responseOf({ a: 1 })).toEqual(inferred('{"a":1}'));
    expect(responseOf('text')).toEqual(inferred('text'));
    expect(responseOf(null)).toEqual(inferred('null'));
  });

  test('with a status code it is taken as it is', () => {
    const result = { statusCode: 204, headers: { 'X-A': 1 }, cookies: ['a=1'] };
    expect(responseOf(result)).toEqual({
      statusCode: 204,
      headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': '1' },
      cookies: ['a=1'],
      body: Buffer.alloc(0),
    });
  });

  test('what belongs to the connection is the gateway’s own', () => {
    const headers = { Connection: 'close', 'Content-Length': 7, 'Transfer-Encoding': 'chunked' };
    expect(responseOf({ statusCode: '200', headers })).toMatchObject({
      statusCode: 200,
      headers: { 'content-type': 'text/plain;charset=UTF-8' },
    });
  });

  test.each([
    { statusCode: 'often' },
    { statusCode: 99 },
    { statusCode: 200, body: { a: 1 } },
    { statusCode: 200, headers: 'none' },
    { statusCode: 200, headers: { 'x-a': 'a\nb' } },
    { statusCode: 200, headers: { 'x a': 'a' } },
    { statusCode: 200, cookies: ['a\rb'] },
  ])('%j is malformed', (result) => {
    expect(() => responseOf(result)).toThrow(MalformedResponseError);
  });
});
