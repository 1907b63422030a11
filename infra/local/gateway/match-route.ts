import type { RouteDefinition } from '../template/definitions.ts';

export interface RouteMatch {
  readonly route: RouteDefinition;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/**
 * Picks the route of a request as an HTTP API does ("Create routes for HTTP APIs"): a full match
 * first, then the longest greedy one, a method before `ANY`, and `$default` last.
 */
export function matchRoute(
  routes: readonly RouteDefinition[],
  method: string,
  path: string,
): RouteMatch | undefined {
  const candidates = routes.flatMap((route) => {
    const match = matchKey(route.routeKey, method, path);
    return match === undefined ? [] : [{ route, ...match }];
  });
  const [best] = candidates.toSorted((left, right) => right.rank - left.rank);
  return best;
}

function matchKey(
  routeKey: string,
  method: string,
  path: string,
): { rank: number; pathParameters: Record<string, string> } | undefined {
  if (routeKey === '$default') return { rank: -1, pathParameters: {} };
  const [keyMethod = '', keyPath = ''] = routeKey.split(' ');
  if (keyMethod !== 'ANY' && keyMethod !== method) return undefined;

  const wanted = keyPath.split('/');
  const given = path.split('/');
  const pathParameters: Record<string, string> = {};
  let rank = keyMethod === 'ANY' ? 0 : 1;
  for (const [index, part] of wanted.entries()) {
    const value = given[index];
    if (value === undefined) return undefined;
    const parameter = /^\{(.+)\}$/.exec(part)?.[1];
    if (parameter?.endsWith('+') === true) {
      pathParameters[parameter.slice(0, -1)] = decode(given.slice(index).join('/'));
      return { rank: rank + index * PART, pathParameters };
    }
    if (parameter === undefined && part !== value) return undefined;
    if (parameter !== undefined) pathParameters[parameter] = decode(value);
    rank += parameter === undefined ? LITERAL : 0;
  }
  if (given.length !== wanted.length) return undefined;
  return { rank: rank + FULL, pathParameters };
}

/** Ranks: a full match beats any greedy one, more literal parts beat fewer, a method beats `ANY`. */
const FULL = 1_000_000;
const PART = 1000;
const LITERAL = 10;

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
