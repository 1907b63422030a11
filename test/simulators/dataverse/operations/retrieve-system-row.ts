import { entityOf } from '../entity.ts';
import { allowQuery, guidKey, jsonAnswer, type Operation, selectedColumns } from '../operation.ts';
import { expandRow, readExpand } from '../query/expand.ts';
import { existingRow, rowsOf, systemRowPath } from './system-rows.ts';

/** `GET` of one row of a system table. */
export const retrieveSystemRow: Operation = {
  name: 'RetrieveSystemRow',
  method: 'GET',
  path: systemRowPath,
  handle(request, organization) {
    allowQuery(request, '$select', '$expand');
    const rows = rowsOf(request, organization);
    const { table } = rows;
    const columns = selectedColumns(request, table);
    const expansions = readExpand(request, organization, table);
    const row = existingRow(rows, guidKey(request.groups[1]));
    const context = `$metadata#${table.setName}(${columns.join(',')})/$entity`;
    return jsonAnswer({
      '@odata.context': `${organization.webApiUrl}/${context}`,
      ...entityOf(row, table, columns),
      ...expandRow(row, expansions, organization),
    });
  },
};
