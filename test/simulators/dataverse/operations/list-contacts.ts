import { contactEntity } from '../entity.ts';
import { badQuery } from '../errors.ts';
import {
  allowQuery,
  contactSetPath,
  jsonAnswer,
  type Operation,
  selectedColumns,
  type WebApiRequest,
} from '../operation.ts';
import type { Organization } from '../organization.ts';
import { parseFilter } from '../query/filter.ts';
import { parseOrder } from '../query/order.ts';
import { formatPageCookie, parsePageCookie } from '../query/page-cookie.ts';

/** Dataverse never returns more rows of a standard table in one page. */
const MAX_PAGE_SIZE = 5000;

/** `GET contacts`: filtered, ordered, in pages (query-data-web-api.md). */
export const listContacts: Operation = {
  name: 'ListContacts',
  method: 'GET',
  path: contactSetPath,
  handle(request, organization) {
    if (request.query.has('$skip')) throw badQuery('Skip Clause is not supported in CRM');
    allowQuery(request, '$select', '$filter', '$orderby', '$top', '$skiptoken');
    const columns = selectedColumns(request, organization);
    const filter = request.query.get('$filter');
    const matches = filter === null ? () => true : parseFilter(filter, organization.columns);
    const order = parseOrder(request.query.get('$orderby'), organization.columns);
    const skipToken = request.query.get('$skiptoken');
    const cookie = skipToken === null ? undefined : parsePageCookie(skipToken);
    const top = readTop(request);
    const preferredSize = preferredPageSize(request);

    const rows = organization.contacts
      .all()
      .filter(matches)
      .map((contact) => ({ contact, key: order.keyOf(contact) }))
      .filter(({ key }) => cookie === undefined || order.compare(key, cookie.after) > 0)
      .toSorted((left, right) => order.compare(left.key, right.key));
    // With $top the preferred page size is ignored, and there is no next page.
    const page = rows.slice(0, top ?? preferredSize ?? MAX_PAGE_SIZE);
    const last = page.at(-1);
    const hasMore = top === undefined && rows.length > page.length && last !== undefined;

    const answer = jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/$metadata#contacts(${columns.join(',')})`,
      value: page.map(({ contact }) => contactEntity(contact, columns)),
      ...(hasMore && {
        '@odata.nextLink': nextLink(
          request,
          organization,
          formatPageCookie({ pageNumber: (cookie?.pageNumber ?? 1) + 1, after: last.key }),
        ),
      }),
    });
    if (preferredSize === undefined || top !== undefined) return answer;
    const applied = { 'preference-applied': `odata.maxpagesize=${preferredSize}` };
    return { ...answer, headers: { ...answer.headers, ...applied } };
  },
};

function readTop(request: WebApiRequest): number | undefined {
  const top = request.query.get('$top');
  if (top === null) return undefined;
  if (!/^\d{1,9}$/.test(top) || Number(top) === 0) {
    throw badQuery(`Invalid value '${top}' for $top query option found.`);
  }
  return Math.min(Number(top), MAX_PAGE_SIZE);
}

function preferredPageSize(request: WebApiRequest): number | undefined {
  const prefer = request.headers['prefer']?.toString() ?? '';
  const match = /(?:^|[,;\s])odata\.maxpagesize\s*=\s*"?(\d{1,9})"?/i.exec(prefer);
  const size = Number(match?.[1] ?? 0);
  // A size of nought is no preference.
  return size === 0 ? undefined : Math.min(size, MAX_PAGE_SIZE);
}

function nextLink(request: WebApiRequest, organization: Organization, skipToken: string): string {
  const query = [...request.query]
    .filter(([name]) => name !== '$skiptoken')
    .concat([['$skiptoken', skipToken]])
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  return `${organization.webApiUrl}/contacts?${query}`;
}
