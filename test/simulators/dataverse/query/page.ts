import { badQuery } from '../errors.ts';
import type { WebApiRequest } from '../operation.ts';
import type { OrderKey } from './order.ts';
import { formatPageCookie, type PageCookie, parsePageCookie } from './page-cookie.ts';

/** Dataverse never returns more rows of a standard table in one page. */
export const MAX_PAGE_SIZE = 5000;

/** One row, or entry, of an answer, with its place in the order. */
export interface Placed<T> {
  readonly item: T;
  readonly key: OrderKey;
}

/** What follows `from` in the order, at most `size` of it; `next` if there is more. */
export function cutPage<T>(
  placed: readonly Placed<T>[],
  compare: (left: OrderKey, right: OrderKey) => number,
  options: { from: PageCookie | undefined; size: number; trackedFrom?: string },
): { items: T[]; next?: PageCookie } {
  const { from, size, trackedFrom } = options;
  const rest = placed
    .filter(({ key }) => from === undefined || compare(key, from.after) > 0)
    .toSorted((left, right) => compare(left.key, right.key));
  const page = rest.slice(0, size);
  const items = page.map(({ item }) => item);
  const last = page.at(-1);
  if (last === undefined || rest.length === page.length) return { items };
  const pageNumber = (from?.pageNumber ?? 1) + 1;
  const next = { pageNumber, after: last.key, ...(trackedFrom !== undefined && { trackedFrom }) };
  return { items, next };
}

export function readSkipToken({ query }: WebApiRequest): PageCookie | undefined {
  const token = query.get('$skiptoken');
  return token === null ? undefined : parsePageCookie(token);
}

/** `$top`: at most a page, and no next page. */
export function readTop({ query }: WebApiRequest): number | undefined {
  const top = query.get('$top');
  if (top === null) return undefined;
  if (!/^\d{1,9}$/.test(top) || Number(top) === 0) {
    throw badQuery(`Invalid value '${top}' for $top query option found.`);
  }
  return Math.min(Number(top), MAX_PAGE_SIZE);
}

/** `Prefer: odata.maxpagesize=n`; a size of nought is no preference. */
export function preferredPageSize(request: WebApiRequest): number | undefined {
  const size = Number(preferenceOf(request, 'odata.maxpagesize') ?? 0);
  return Number.isInteger(size) && size > 0 ? Math.min(size, MAX_PAGE_SIZE) : undefined;
}

/** The value of a preference; an empty text for one without a value. */
export function preferenceOf({ headers }: WebApiRequest, name: string): string | undefined {
  for (const preference of (headers['prefer']?.toString() ?? '').split(/[,;]/)) {
    const [key = '', value = ''] = preference.split('=').map((part) => part.trim());
    if (key.toLowerCase() === name) return value.replaceAll('"', '');
  }
  return undefined;
}

/** The request's own address with other query options, as the links in an answer have it. */
export function linkTo(
  request: WebApiRequest,
  address: string,
  changes: Readonly<Record<string, string | undefined>>,
): string {
  const query = [
    ...[...request.query].filter(([name]) => !(name in changes)),
    ...Object.entries(changes),
  ].flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `${address}?${query.join('&')}`;
}

export function nextLink(request: WebApiRequest, address: string, next: PageCookie): string {
  return linkTo(request, address, { $skiptoken: formatPageCookie(next) });
}
