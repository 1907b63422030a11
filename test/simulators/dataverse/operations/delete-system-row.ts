import { DataverseError } from '../errors.ts';
import { allowQuery, doneAnswer, guidKey, type Operation } from '../operation.ts';
import type { Organization } from '../organization.ts';
import { existingRow, requireWritable, rowsOf, systemRowPath } from './system-rows.ts';

/** What goes away with a row; every other row that refers to it forbids to delete it. */
const cascades: ReadonlySet<string> = new Set([
  'sdkmessageprocessingstepimages',
  'asyncoperations',
]);

/** `DELETE` of one row of a system table, in the order in which a registration has to be undone. */
export const deleteSystemRow: Operation = {
  name: 'DeleteSystemRow',
  method: 'DELETE',
  path: systemRowPath,
  handle(request, organization) {
    allowQuery(request);
    const rows = rowsOf(request, organization);
    requireWritable(deleteSystemRow, rows, organization);
    const { id } = existingRow(rows, guidKey(request.groups[1]));
    const referring = referencesTo(id, rows.table.setName, organization);
    const blocking = referring.find(({ set }) => !cascades.has(set));
    if (blocking) {
      throw new DataverseError(
        400,
        '0x8004f01f',
        `The ${rows.table.logicalName}(${id}) component cannot be deleted because it is referenced ` +
          `by 1 or more other components, such as ${blocking.set}(${blocking.id}).`,
      );
    }
    for (const { set, id: dependent } of referring)
      organization.systemRows.of(set).delete(dependent);
    rows.delete(id);
    return doneAnswer;
  },
};

function referencesTo(id: string, setName: string, { systemRows }: Organization) {
  return [...systemRows.sets.values()].flatMap(({ table, all }) => {
    const lookups = [...table.columns.values()].filter((column) =>
      column.lookup?.some(({ set }) => set === setName),
    );
    return all()
      .filter((row) => lookups.some(({ name }) => row.values[name] === id))
      .map((row) => ({ set: table.setName, id: row.id }));
  });
}
