import { expect, test } from 'vitest';
import { matchRoute } from '../../../infra/local/gateway/match-route.ts';

const KEYS = [
  'GET /pets',
  'ANY /pets',
  'GET /pets/{id}',
  'GET /pets/dog',
  'GET /pets/{proxy+}',
  'ANY /{proxy+}',
  '$default',
];
const routes = KEYS.map((routeKey) => ({
  logicalId: routeKey,
  routeKey,
  functionName: 'f',
  missingPermission: undefined,
  timeoutMs: 1,
  authorization: undefined,
}));

test.each<[string, string, string, Record<string, string>]>([
  ['GET', '/pets', 'GET /pets', {}],
  ['POST', '/pets', 'ANY /pets', {}],
  ['GET', '/pets/dog', 'GET /pets/dog', {}],
  ['GET', '/pets/c%20t', 'GET /pets/{id}', { id: 'c t' }],
  ['GET', '/pets/dog/1', 'GET /pets/{proxy+}', { proxy: 'dog/1' }],
  ['POST', '/pets/dog/1', 'ANY /{proxy+}', { proxy: 'pets/dog/1' }],
])('%s %s → %s', (method, path, routeKey, pathParameters) => {
  expect(matchRoute(routes, method, path)).toMatchObject({ route: { routeKey }, pathParameters });
});

test('nothing matches, $default catches, no route is no match', () => {
  const [only] = routes;
  expect(matchRoute(routes.slice(-1), 'GET', '/x')?.route.routeKey).toBe('$default');
  expect(matchRoute(only === undefined ? [] : [only], 'GET', '/pets/')).toBeUndefined();
  expect(matchRoute([], 'GET', '/')).toBeUndefined();
});
