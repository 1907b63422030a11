import type { Operation } from '../operation.ts';
import { createContact } from './create-contact.ts';
import { deleteContact } from './delete-contact.ts';
import { listContacts } from './list-contacts.ts';
import { retrieveContact } from './retrieve-contact.ts';
import { retrieveOrganization } from './retrieve-organization.ts';
import { retrievePicklistAttribute } from './retrieve-picklist-attribute.ts';
import { updateContact } from './update-contact.ts';
import { whoAmI } from './who-am-i.ts';

/** The part of the Web API that is simulated. */
export const operations: readonly Operation[] = [
  whoAmI,
  retrieveOrganization,
  retrievePicklistAttribute,
  retrieveContact,
  listContacts,
  createContact,
  updateContact,
  deleteContact,
];
