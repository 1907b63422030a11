import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import type { World } from './world.ts';

export const DATAVERSE_ORGANIZATION_ID = '0a000000-0000-4000-8000-00000000d0d0';

/** Beyond what a double can count: a version that passes through a number loses its last digits. */
const FIRST_VERSION = 2n ** 53n;

export const CONSENT_STATUS_VALUES = { Active: 727000000, Partial: 1, Expired: 2, None: 3 };

export const PROFILE_COLUMNS = ['firstname', 'lastname', 'emailaddress1', 'telephone1'] as const;
export type ProfileColumn = (typeof PROFILE_COLUMNS)[number];

export interface Contact {
  readonly id: string;
  /** How the history calls it. */
  readonly name: string;
  readonly columns: Record<string, string | number | boolean | null>;
  version: bigint;
  modifiedAtMs: number;
  /** At which version a user last set each column. */
  readonly setByUser: Map<string, bigint>;
  /** Columns that a user has set since we last wrote them. */
  readonly edited: Set<string>;
  /** A user has set a consent column, ever. */
  consentsEdited: boolean;
  mergedInto: Contact | undefined;
  /** Neon has known of it: one that is deleted before tells nobody what it was merged into. */
  mergeSeen: boolean;
  /** Something was merged into it, ever. */
  isMaster: boolean;
  alive: boolean;
  /** How often it was created or restored, and how often deleted. */
  lives: number;
  deaths: number;
}

/** What Dynamics knows: its contacts and their versions. Everything takes effect at once. */
export interface Organization {
  readonly contacts: ReadonlyMap<string, Contact>;
  /** Where the versions are. */
  currentVersion(): bigint;
  /** The version of each deletion, as change tracking remembers it. */
  readonly deletions: readonly { readonly id: string; readonly version: bigint }[];
  /** Links to changes from before this version are refused. */
  linksFrom(): bigint;
  expireLinks(): void;
  create(id: string, name: string, columns: Contact['columns']): Contact;
  /** A user changes columns, deletes or restores. */
  change(contact: Contact, columns: Contact['columns']): void;
  remove(contact: Contact): void;
  restore(contact: Contact): void;
  /** A write of the application user brings a deleted contact back: an upsert. */
  upsert(contact: Contact): void;
  /** A user merges a contact into another; what that one has no consent for may be taken from the contact. */
  merge(contact: Contact, master: Contact, takesConsents: boolean): void;
  /** The application user changes columns; `readAt`: over the version that it has read, if it says so. */
  write(contact: Contact, columns: Contact['columns'], readAt: bigint | undefined): void;
}

export function createOrganization(
  world: World,
  labels: Map<string, string>,
  onOwnWrite: (contact: Contact) => void,
): Organization {
  const contacts = new Map<string, Contact>();
  const deletions: { id: string; version: bigint }[] = [];
  let version = FIRST_VERSION;
  let linksFrom = 0n;
  const touch = (contact: Contact) => {
    version += 1n;
    contact.version = version;
    contact.modifiedAtMs = world.now();
  };

  function set(contact: Contact, columns: Contact['columns']) {
    Object.assign(contact.columns, columns);
    touch(contact);
  }

  function change(contact: Contact, columns: Contact['columns']) {
    set(contact, columns);
    for (const column of Object.keys(columns)) {
      contact.setByUser.set(column, contact.version);
      contact.edited.add(column);
      contact.consentsEdited ||= CONSENT_COLUMNS.some((one) => one === column);
    }
  }

  return {
    contacts,
    currentVersion: () => version,
    deletions,
    linksFrom: () => linksFrom,
    expireLinks() {
      version += 1n;
      linksFrom = version;
    },
    change,
    create(id, name, columns) {
      const contact: Contact = {
        id,
        name,
        columns: { ...columns },
        version: 0n,
        modifiedAtMs: 0,
        setByUser: new Map(),
        edited: new Set(),
        consentsEdited: false,
        mergedInto: undefined,
        mergeSeen: false,
        isMaster: false,
        alive: true,
        lives: 1,
        deaths: 0,
      };
      touch(contact);
      contacts.set(id, contact);
      labels.set(id, name);
      return contact;
    },
    remove(contact) {
      contact.alive = false;
      contact.deaths += 1;
      version += 1n;
      deletions.push({ id: contact.id, version });
    },
    restore(contact) {
      contact.alive = true;
      contact.lives += 1;
      touch(contact);
    },
    upsert(contact) {
      world.violation('nothing deleted comes back', `${contact.name}, by a write of ours`);
      this.restore(contact);
    },
    merge(contact, master, takesConsents) {
      const taken = CONSENT_COLUMNS.filter(
        (column) => master.columns[column] == null && contact.columns[column] != null,
      ).map((column) => [column, contact.columns[column] ?? null]);
      change(master, takesConsents ? Object.fromEntries(taken) : {});
      contact.mergedInto = master;
      master.isMaster = true;
      touch(contact);
    },
    write(contact, columns, readAt) {
      const unseen =
        readAt === undefined
          ? undefined
          : Object.keys(columns).find((column) => (contact.setByUser.get(column) ?? 0n) > readAt);
      if (unseen !== undefined) {
        world.violation('no edit is overwritten unseen', `${unseen} of ${contact.name}`);
      }
      set(contact, columns);
      for (const column of Object.keys(columns)) contact.edited.delete(column);
      onOwnWrite(contact);
    },
  };
}

/** The columns that only we write, besides the time of the write. */
export const CONSENT_COLUMNS: readonly string[] = Object.entries(CONTACT_FIELDS)
  .filter(([name]) => name !== 'lastSync')
  .map(([, { logicalName }]) => logicalName);

const CHANNEL_COLUMNS = {
  email: CONTACT_FIELDS.marketingEmail.logicalName,
  sms: CONTACT_FIELDS.marketingSms.logicalName,
};

/** What a write or a contact says, without its times. */
export function describeColumns(columns: Contact['columns']): string {
  const status = Object.entries(CONSENT_STATUS_VALUES).find(
    ([, value]) => value === columns[CONTACT_FIELDS.consentStatus.logicalName],
  )?.[0];
  const on = Object.entries(CHANNEL_COLUMNS)
    .filter(([, column]) => columns[column] === true)
    .map(([channel]) => channel);
  const profile = PROFILE_COLUMNS.filter((column) => column in columns).map(
    (column) => `${column}=${columns[column]}`,
  );
  return [status && `${status}[${on.join()}]`, ...profile].filter(Boolean).join(' ');
}
