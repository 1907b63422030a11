import * as z from 'zod';
import { badQuery } from '../errors.ts';
import type { OrderKey } from './order.ts';

const cookiePattern =
  /^<cookie pagenumber="(\d{1,9})" pagingcookie="([\w-]+)" istracking="False" \/>$/;
const orderKey = z.array(
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.object({ bigint: z.string() })]),
);

/** Where a page starts: after the row with this key. */
export interface PageCookie {
  readonly pageNumber: number;
  readonly after: OrderKey;
}

/** The `$skiptoken` of the next page, looking like Dataverse's; opaque to clients. */
export function formatPageCookie(cookie: PageCookie): string {
  const after = Buffer.from(JSON.stringify(cookie.after)).toString('base64url');
  return `<cookie pagenumber="${cookie.pageNumber}" pagingcookie="${after}" istracking="False" />`;
}

/** Reads a `$skiptoken`; 400 for one that was not given out here. */
export function parsePageCookie(text: string): PageCookie {
  const match = cookiePattern.exec(text);
  try {
    const json = Buffer.from(match?.[2] ?? '', 'base64url').toString();
    return { pageNumber: Number(match?.[1]), after: orderKey.parse(JSON.parse(json)) };
  } catch {
    throw badQuery('Malformed XML passed in the paging cookie.');
  }
}
