import type { Operation } from '../operation.ts';
import { countContacts } from './count-contacts.ts';
import { createAttribute } from './create-attribute.ts';
import { createContact } from './create-contact.ts';
import { createSystemRow } from './create-system-row.ts';
import { deleteAttribute } from './delete-attribute.ts';
import { deleteContact } from './delete-contact.ts';
import { deleteSystemRow } from './delete-system-row.ts';
import { listAttributes } from './list-attributes.ts';
import { listContacts } from './list-contacts.ts';
import { listEntityDefinitions } from './list-entity-definitions.ts';
import { listSystemRows } from './list-system-rows.ts';
import { merge } from './merge.ts';
import { publishCustomizations } from './publish-customizations.ts';
import { restore } from './restore.ts';
import { retrieveAttribute } from './retrieve-attribute.ts';
import { retrieveContact } from './retrieve-contact.ts';
import { retrieveEntityDefinition } from './retrieve-entity-definition.ts';
import { retrieveOrganization } from './retrieve-organization.ts';
import { retrieveSystemRow } from './retrieve-system-row.ts';
import { retrieveTotalRecordCount } from './retrieve-total-record-count.ts';
import { retrieveVersion } from './retrieve-version.ts';
import { updateContact } from './update-contact.ts';
import { updateEntityDefinition } from './update-entity-definition.ts';
import { updateMultipleContacts } from './update-multiple-contacts.ts';
import { updateSystemRow } from './update-system-row.ts';
import { whoAmI } from './who-am-i.ts';

/** The part of the Web API that is simulated. */
export const operations: readonly Operation[] = [
  whoAmI,
  retrieveVersion,
  retrieveTotalRecordCount,
  retrieveOrganization,
  retrieveContact,
  listContacts,
  countContacts,
  createContact,
  updateContact,
  updateMultipleContacts,
  deleteContact,
  merge,
  restore,
  listEntityDefinitions,
  retrieveEntityDefinition,
  updateEntityDefinition,
  listAttributes,
  retrieveAttribute,
  createAttribute,
  deleteAttribute,
  publishCustomizations,
  listSystemRows,
  retrieveSystemRow,
  createSystemRow,
  updateSystemRow,
  deleteSystemRow,
];
