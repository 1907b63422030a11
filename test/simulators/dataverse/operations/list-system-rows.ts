import type { Operation } from '../operation.ts';
import { listRows } from '../query/list-rows.ts';
import { rowsOf, systemSetPath } from './system-rows.ts';

/** `GET` of publishers, solutions, registrations or system jobs. */
export const listSystemRows: Operation = {
  name: 'ListSystemRows',
  method: 'GET',
  path: systemSetPath,
  handle: (request, organization) => listRows(request, organization, rowsOf(request, organization)),
};
