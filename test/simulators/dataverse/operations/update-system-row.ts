import { allowQuery, bodyColumns, checkIfMatch, guidKey, type Operation } from '../operation.ts';
import { recordNotFound } from '../errors.ts';
import { rowAnswer } from '../query/representation.ts';
import {
  checkValues,
  requireWritable,
  rowsOf,
  systemRowPath,
  withEventHandler,
} from './system-rows.ts';

/** `PATCH` of one row of a system table: an upsert unless `If-Match` is sent, as with contacts. */
export const updateSystemRow: Operation = {
  name: 'UpdateSystemRow',
  method: 'PATCH',
  path: systemRowPath,
  handle(request, organization) {
    allowQuery(request, '$select');
    const rows = rowsOf(request, organization);
    const { table } = rows;
    requireWritable(updateSystemRow, rows, organization);
    const id = guidKey(request.groups[1]);
    const values = withEventHandler(bodyColumns(request, table));
    const existing = rows.find(id);
    checkValues(values, rows, organization, id);
    if (!existing) {
      if (request.headers['if-match'] !== undefined) throw recordNotFound(table.logicalName, id);
      const row = rows.create({ ...values, [table.primaryKey]: id });
      return rowAnswer(request, organization, { row, table, status: 201 });
    }
    checkIfMatch(request, existing);
    return rowAnswer(request, organization, { row: rows.update(id, values), table, status: 200 });
  },
};
