import type { Answer } from '../../entra/answer.ts';
import { entityOf } from '../entity.ts';
import { jsonAnswer, selectedColumns, type WebApiRequest, writtenAnswer } from '../operation.ts';
import type { Organization } from '../organization.ts';
import type { Row, Table } from '../tables/table.ts';
import { preferenceOf } from './page.ts';

/**
 * The answer to a row that was written: 204 with its address or, with `Prefer: return=representation`,
 * 201 or 200 with the row (compose-http-requests-handle-errors.md, "Prefer headers").
 */
export function rowAnswer(
  request: WebApiRequest,
  organization: Organization,
  written: { row: Row; table: Table; status: 200 | 201 },
): Answer {
  const { row, table, status } = written;
  const empty = writtenAnswer(organization, `${table.setName}(${row.id})`);
  if (preferenceOf(request, 'return') !== 'representation') return empty;
  const columns = selectedColumns(request, table);
  const context = `${organization.webApiUrl}/$metadata#${table.setName}(${columns.join(',')})/$entity`;
  const answer = jsonAnswer({ '@odata.context': context, ...entityOf(row, table, columns) });
  const applied = { 'preference-applied': 'return=representation' };
  return { ...answer, status, headers: { ...empty.headers, ...answer.headers, ...applied } };
}
