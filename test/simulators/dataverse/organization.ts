import { guidFrom } from '../entra/random.ts';
import type { ContactStore } from './contacts.ts';
import type { Principal, Privileges } from './privileges.ts';
import type { ContactTable } from './tables/contact-table.ts';
import type { RowVersions } from './tables/row-versions.ts';
import type { SystemRows } from './tables/system-rows.ts';
import type { Tables } from './tables/table.ts';

/** The simulated organisation: what operations, webhooks and the control API share. */
export interface Organization extends Principal {
  readonly id: string;
  /** The display name. */
  readonly name: string;
  /** The internal name, which webhooks carry as `OrganizationName`. */
  readonly uniqueName: string;
  readonly businessUnitId: string;
  /** The application user as whom the Web API's client acts. */
  readonly applicationUserId: string;
  readonly privileges: Privileges;
  /** The person as whom the control API acts. */
  readonly humanUserId: string;
  /** Origin, without a trailing slash. */
  readonly url: string;
  /** `<url>/api/data/v9.2` */
  readonly webApiUrl: string;
  readonly versions: RowVersions;
  readonly contactTable: ContactTable;
  readonly contacts: ContactStore;
  /** Solutions and registrations, by entity set. */
  readonly systemRows: SystemRows;
  /** All tables with rows, for filters and expansions. */
  readonly tables: Tables;
  /** Delta tokens from before this row version are refused, however young they are. */
  readonly tokensExpiredAt: bigint;
  /** Milliseconds since the epoch. */
  now(): number;
  /** The table's definition changed: it has to be kept. */
  changed(): void;
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
