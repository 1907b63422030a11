import { describe, expect, test } from 'vitest';
import { preflightResponse, withCors } from '../../../infra/local/gateway/cors.ts';
import type { CorsDefinition } from '../../../infra/local/template/definitions.ts';

const ORIGIN = 'https://app.example.test';
const cors: CorsDefinition = {
  allowOrigins: [ORIGIN],
  allowMethods: ['GET', 'POST'],
  allowHeaders: ['authorization', 'content-type'],
  exposeHeaders: ['x-request'],
  allowCredentials: true,
  maxAgeSeconds: 300,
};
const bare: CorsDefinition = {
  allowOrigins: ['*'],
  allowMethods: [],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeSeconds: undefined,
};

const preflight = (origin: string) => ({
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': 'POST' },
});

describe('a preflight request', () => {
  test('of an allowed origin is answered with what is allowed', () => {
    expect(preflightResponse(preflight(ORIGIN), cors)).toEqual({
      statusCode: 204,
      headers: {
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET,POST',
        'access-control-allow-headers': 'authorization,content-type',
        'access-control-max-age': '300',
      },
      cookies: [],
      body: Buffer.alloc(0),
    });
  });

  test('of another origin is answered without a word', () => {
    const answer = preflightResponse(preflight('https://other.example.test'), cors);
    expect([answer?.statusCode, answer?.headers]).toEqual([204, {}]);
  });

  test('what is not configured is not said', () => {
    expect(preflightResponse(preflight(ORIGIN), bare)?.headers).toEqual({
      'access-control-allow-origin': '*',
    });
  });

  test.each([
    ['https://*', ORIGIN, ORIGIN],
    ['http://*', ORIGIN, undefined],
    ['*', ORIGIN, '*'],
  ])('origins %s, from %s: %s', (allowed, origin, said) => {
    const answer = preflightResponse(preflight(origin), { ...bare, allowOrigins: [allowed] });
    expect(answer?.headers['access-control-allow-origin']).toBe(said);
  });

  test.each([
    ['without an origin', 'OPTIONS', { 'access-control-request-method': 'POST' }],
    ['without a method', 'OPTIONS', { origin: ORIGIN }],
    ['by another method', 'POST', preflight(ORIGIN).headers],
  ])('is none %s', (_what, method, headers) => {
    expect(preflightResponse({ method, headers }, cors)).toBeUndefined();
  });
});

describe('a response', () => {
  const response = {
    statusCode: 200,
    headers: { 'access-control-allow-origin': '*', 'x-request': '1' },
    cookies: [],
    body: Buffer.from('{}'),
  };

  test('has the CORS headers of the API, not the function’s', () => {
    const request = { method: 'GET', headers: { origin: ORIGIN } };
    expect(withCors(response, request, cors)).toEqual({
      ...response,
      headers: {
        'x-request': '1',
        'access-control-allow-origin': ORIGIN,
        'access-control-allow-credentials': 'true',
        'access-control-expose-headers': 'x-request',
      },
    });
  });

  test.each([
    ['another origin', { origin: 'https://other.example.test' }],
    ['no origin', {}],
  ])('to %s has none', (_what, headers) => {
    const request = { method: 'GET', headers };
    expect(withCors(response, request, cors).headers).toEqual({ 'x-request': '1' });
  });
});
