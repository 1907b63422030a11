import type { Answer } from '../../entra/answer.ts';
import { entityOf } from '../entity.ts';
import { badQuery } from '../errors.ts';
import { allowQuery, jsonAnswer, selectedColumns, type WebApiRequest } from '../operation.ts';
import type { Organization } from '../organization.ts';
import type { Row, TableRows } from '../tables/table.ts';
import { expandRow, readExpand } from './expand.ts';
import { parseFilter } from './filter.ts';
import { parseOrder } from './order.ts';
import {
  cutPage,
  MAX_PAGE_SIZE,
  nextLink,
  preferredPageSize,
  readSkipToken,
  readTop,
} from './page.ts';

const listOptions = ['$select', '$filter', '$orderby', '$top', '$skiptoken', '$expand', '$count'];

/** Rows of a table, filtered, ordered, in pages (query-data-web-api.md). */
export function listRows(
  request: WebApiRequest,
  organization: Organization,
  { table, all }: Pick<TableRows, 'table' | 'all'>,
): Answer {
  if (request.query.has('$skip')) throw badQuery('Skip Clause is not supported in CRM');
  allowQuery(request, ...listOptions);
  const columns = selectedColumns(request, table);
  const expansions = readExpand(request, organization, table);
  const matches = readFilter(request, organization, table);
  const order = parseOrder(request.query.get('$orderby'), table);
  const top = readTop(request);
  const preferredSize = preferredPageSize(request);

  const rows = all().filter(matches);
  const placed = rows.map((row) => ({ item: row, key: order.keyOf(row) }));
  // With $top the preferred page size is ignored, and there is no next page.
  const { items, next } = cutPage(placed, order.compare, {
    from: readSkipToken(request),
    size: top ?? preferredSize ?? MAX_PAGE_SIZE,
  });

  const address = `${organization.webApiUrl}/${table.setName}`;
  const answer = jsonAnswer({
    '@odata.context': `${organization.webApiUrl}/$metadata#${table.setName}(${columns.join(',')})`,
    ...(request.query.get('$count') === 'true' && {
      '@odata.count': Math.min(rows.length, MAX_PAGE_SIZE),
    }),
    value: items.map((row) => ({
      ...entityOf(row, table, columns),
      ...expandRow(row, expansions, organization),
    })),
    ...(next && top === undefined && { '@odata.nextLink': nextLink(request, address, next) }),
  });
  if (preferredSize === undefined || top !== undefined) return answer;
  const applied = { 'preference-applied': `odata.maxpagesize=${preferredSize}` };
  return { ...answer, headers: { ...answer.headers, ...applied } };
}

/** The `$filter` of a request; everything matches without one. */
export function readFilter(
  request: WebApiRequest,
  organization: Organization,
  table: TableRows['table'],
): (row: Row) => boolean {
  const filter = request.query.get('$filter');
  return filter === null ? () => true : parseFilter(filter, table, organization.tables);
}
