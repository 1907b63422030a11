import { DataverseError } from './errors.ts';
import type { Row } from './tables/table.ts';

/** How far a privilege reaches: not at all, to the user's own rows, or to all of the organisation. */
export type Depth = 'none' | 'user' | 'organization';

/** What the application user may do with contacts, and whether it may customise the organisation. */
export interface Privileges {
  readonly create: Depth;
  readonly read: Depth;
  readonly write: Depth;
  readonly delete: Depth;
  /** Change table definitions, publishers, solutions and registrations. */
  readonly customize: boolean;
}

export const allPrivileges: Privileges = {
  create: 'organization',
  read: 'organization',
  write: 'organization',
  delete: 'organization',
  customize: true,
};

export type ContactRight = Exclude<keyof Privileges, 'customize'>;

/** The application user and its privileges. */
export interface Principal {
  readonly applicationUserId: string;
  readonly privileges: Privileges;
}

const privilegeNames: Readonly<Record<ContactRight, string>> = {
  create: 'prvCreateContact',
  read: 'prvReadContact',
  write: 'prvWriteContact',
  delete: 'prvDeleteContact',
};
const accessRights: Readonly<Record<ContactRight, string>> = {
  create: 'CreateAccess',
  read: 'ReadAccess',
  write: 'WriteAccess',
  delete: 'DeleteAccess',
};

/** The privilege check: 403 for who lacks the privilege for the whole table. */
export function requirePrivilege(principal: Principal, right: ContactRight): void {
  if (principal.privileges[right] !== 'none') return;
  throw privilegeMissing(principal, privilegeNames[right]);
}

/** The access check: 403 for a row of somebody else. The codes are those of captured answers. */
export function requireAccess(principal: Principal, right: ContactRight, row: Row): void {
  requirePrivilege(principal, right);
  if (hasAccess(principal, right, row)) return;
  throw new DataverseError(
    403,
    '0x80048306',
    `Principal with id ${principal.applicationUserId} does not have ${accessRights[right]} ` +
      `right(s) for record with id ${row.id} of entity contact`,
  );
}

/** Whether the user may do it to this row. A list leaves out what it may not read, silently. */
export function hasAccess(principal: Principal, right: ContactRight, row: Row): boolean {
  const depth = principal.privileges[right];
  if (depth !== 'user') return depth === 'organization';
  return row.values['_ownerid_value'] === principal.applicationUserId;
}

/** Change tracking wants the whole table, whatever rows there are. */
export function requireOrganizationRead(principal: Principal): void {
  if (principal.privileges.read === 'organization') return;
  throw privilegeMissing(principal, privilegeNames.read);
}

export function requireCustomization(principal: Principal, privilege: string): void {
  if (principal.privileges.customize) return;
  throw privilegeMissing(principal, privilege);
}

function privilegeMissing(principal: Principal, privilege: string): DataverseError {
  const entity = privilege.endsWith('Contact') ? " on OTC=2 for entity 'contact'" : '';
  return new DataverseError(
    403,
    '0x80040220',
    `Principal user (Id=${principal.applicationUserId}, type=8) is missing ${privilege} ` +
      `privilege${entity}.`,
  );
}
