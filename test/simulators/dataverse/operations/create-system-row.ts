import { allowQuery, bodyColumns, type Operation } from '../operation.ts';
import { rowAnswer } from '../query/representation.ts';
import {
  checkValues,
  requireWritable,
  rowsOf,
  systemSetPath,
  withEventHandler,
} from './system-rows.ts';

/** `POST` of a publisher, a solution or a part of a registration. */
export const createSystemRow: Operation = {
  name: 'CreateSystemRow',
  method: 'POST',
  path: systemSetPath,
  handle(request, organization) {
    allowQuery(request, '$select');
    const rows = rowsOf(request, organization);
    requireWritable(createSystemRow, rows, organization);
    const values = withEventHandler(bodyColumns(request, rows.table));
    checkValues(values, rows, organization);
    const row = rows.create(values);
    return rowAnswer(request, organization, { row, table: rows.table, status: 201 });
  },
};
