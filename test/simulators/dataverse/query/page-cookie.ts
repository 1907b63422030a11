import * as z from 'zod';
import { badQuery } from '../errors.ts';
import type { OrderKey } from './order.ts';

const cookiePattern =
  /^<cookie pagenumber="(\d{1,9})" pagingcookie="([\w-]+)" istracking="(?:True|False)" \/>$/;
const place = z.object({
  after: z.array(
    z.union([z.string(), z.number(), z.boolean(), z.null(), z.object({ bigint: z.string() })]),
  ),
  trackedFrom: z.string().regex(/^\d+$/).exactOptional(),
});

/** Where a page starts: after the row with this key. */
export interface PageCookie {
  readonly pageNumber: number;
  readonly after: OrderKey;
  /** With change tracking, the row version when the first page was read (a decimal string). */
  readonly trackedFrom?: string;
}

/** The `$skiptoken` of the next page, looking like Dataverse's; opaque to clients. */
export function formatPageCookie({ pageNumber, ...rest }: PageCookie): string {
  const opaque = Buffer.from(JSON.stringify(rest)).toString('base64url');
  const tracking = rest.trackedFrom === undefined ? 'False' : 'True';
  return `<cookie pagenumber="${pageNumber}" pagingcookie="${opaque}" istracking="${tracking}" />`;
}

/** Reads a `$skiptoken`; 400 for one that was not given out here. */
export function parsePageCookie(text: string): PageCookie {
  const match = cookiePattern.exec(text);
  try {
    const json = Buffer.from(match?.[2] ?? '', 'base64url').toString();
    return { pageNumber: Number(match?.[1]), ...place.parse(JSON.parse(json)) };
  } catch {
    throw badQuery('Malformed XML passed in the paging cookie.');
  }
}
