import { guidFrom } from '../entra/random.ts';
import type { ContactColumns } from './columns.ts';
import type { ContactStore } from './contacts.ts';

/** The simulated organisation: what operations, webhooks and the control API share. */
export interface Organization {
  readonly id: string;
  /** The display name. */
  readonly name: string;
  /** The internal name, which webhooks carry as `OrganizationName`. */
  readonly uniqueName: string;
  readonly businessUnitId: string;
  /** The application user as whom the Web API's client acts. */
  readonly applicationUserId: string;
  /** The person as whom the control API acts. */
  readonly humanUserId: string;
  /** Origin, without a trailing slash. */
  readonly url: string;
  /** `<url>/api/data/v9.2` */
  readonly webApiUrl: string;
  readonly columns: ContactColumns;
  readonly contacts: ContactStore;
}

/** Everything about an organisation that follows from its id: the same after every restart. */
export function organizationIdentity(id: string) {
  return {
    id,
    uniqueName: `unq${id.replaceAll('-', '').slice(0, 25)}`,
    businessUnitId: guidFrom(`${id} business unit`),
    applicationUserId: guidFrom(`${id} application user`),
    humanUserId: guidFrom(`${id} user`),
  };
}
