import { randomGuid, type Random } from '../entra/random.ts';
import { type ColumnValues, type ContactColumns, statusOfState, toDateTime } from './columns.ts';
import { DataverseError, errorCodes, recordNotFound } from './errors.ts';

export interface Contact {
  readonly id: string;
  /** `versionnumber`: grows with every change, over all rows of the organisation. */
  readonly version: bigint;
  /** All columns but `versionnumber`. */
  readonly values: ColumnValues;
}

/** Something that happened to a contact; what webhook steps are told. */
export interface ContactEvent {
  readonly message: 'Create' | 'Update' | 'Delete' | 'Restore';
  /** The contact after the change; for `Delete` as it was. */
  readonly contact: Contact;
  /** The columns that this change sets: all of them on create and restore, none on delete. */
  readonly changed: ColumnValues;
  readonly userId: string;
  /** The `tag` query parameter of the request that caused it. */
  readonly tag?: string;
  readonly atMs: number;
}

/** Who changes a contact. */
export interface Actor {
  readonly userId: string;
  readonly tag?: string;
}

/** What is kept between starts. Versions are decimal strings. */
export interface ContactsSnapshot {
  readonly version: string;
  readonly contacts: readonly StoredContact[];
  readonly recycleBin: readonly StoredContact[];
}

interface StoredContact {
  readonly id: string;
  readonly version: string;
  readonly values: ColumnValues;
}

/**
 * The first version lies above 2^53 (real organisations are below it today): whoever reads
 * `versionnumber` into a double gets equal numbers for different versions and is found out.
 */
const FIRST_VERSION = 2n ** 53n;

/** Left out at a restart, so that a number given out just before a crash is never given out again. */
const VERSIONS_SKIPPED_AT_RESTART = 1000n;

export type ContactStore = ReturnType<typeof createContactStore>;

/**
 * The contact table with its recycle bin. Ids are lower-case GUIDs. `onEvent` is called after each
 * change, in the order of the changes.
 */
export function createContactStore(options: {
  columns: ContactColumns;
  now: () => number;
  random: Random;
  snapshot: ContactsSnapshot | undefined;
  onEvent: (event: ContactEvent) => void;
}) {
  const { now, random, snapshot, onEvent } = options;
  const defaults = defaultValues(options.columns);
  const contacts = load(snapshot?.contacts);
  const recycleBin = load(snapshot?.recycleBin);
  let version = snapshot ? BigInt(snapshot.version) + VERSIONS_SKIPPED_AT_RESTART : FIRST_VERSION;

  function put(id: string, values: ColumnValues): Contact {
    version += 1n;
    const contact = { id, version, values: { ...values, ...fullName(values) } };
    contacts.set(id, contact);
    return contact;
  }

  function existing(id: string): Contact {
    const contact = contacts.get(id);
    if (!contact) throw recordNotFound('contact', id);
    return contact;
  }

  return {
    find: (id: string): Contact | undefined => contacts.get(id),
    all: (): Contact[] => [...contacts.values()],
    deleted: (): Contact[] => [...recycleBin.values()],

    /** Creates a contact, with the id given as `contactid` or a new one. 412 if the id is taken. */
    create(values: ColumnValues, actor: Actor): Contact {
      const id = typeof values['contactid'] === 'string' ? values['contactid'] : randomGuid(random);
      if (contacts.has(id)) {
        throw new DataverseError(
          412,
          errorCodes.duplicateRecord,
          'A record with matching key values already exists.',
        );
      }
      const atMs = now();
      const contact = put(id, {
        ...defaults,
        ...withStatus(values, defaults),
        contactid: id,
        createdon: toDateTime(atMs),
        modifiedon: toDateTime(atMs),
      });
      onEvent({ message: 'Create', contact, changed: contact.values, ...actor, atMs });
      return contact;
    },

    /** Changes columns of a contact; a change that changes nothing still raises the version. */
    update(id: string, values: ColumnValues, actor: Actor): Contact {
      const before = existing(id);
      if (values['contactid'] !== undefined && values['contactid'] !== id) {
        throw new DataverseError(
          400,
          errorCodes.badPayload,
          'The primary key of a record can not be changed.',
        );
      }
      const atMs = now();
      const changes = withStatus(values, before.values);
      const contact = put(id, { ...before.values, ...changes, modifiedon: toDateTime(atMs) });
      const names = [...Object.keys(changes), 'contactid', 'modifiedon'];
      if ('firstname' in changes || 'lastname' in changes) names.push('fullname');
      const changed = Object.fromEntries(names.map((name) => [name, contact.values[name] ?? null]));
      onEvent({ message: 'Update', contact, changed, ...actor, atMs });
      return contact;
    },

    delete(id: string, actor: Actor): void {
      const contact = existing(id);
      contacts.delete(id);
      // The change has a number too, as the deletion has in change tracking.
      version += 1n;
      recycleBin.set(id, contact);
      onEvent({ message: 'Delete', contact, changed: {}, ...actor, atMs: now() });
    },

    /** Brings a deleted contact back under its id, with a new version (restore-deleted-records.md). */
    restore(id: string, actor: Actor): Contact {
      const deleted = recycleBin.get(id);
      if (!deleted) throw recordNotFound('contact', id);
      if (contacts.has(id)) {
        throw new DataverseError(
          412,
          '0x80044a02',
          "Please delete the existing conflicting record 'contact' with primary key 'contactid' " +
            `and primary key value '${id}' before attempting restore.`,
        );
      }
      recycleBin.delete(id);
      const atMs = now();
      const contact = put(id, { ...deleted.values, modifiedon: toDateTime(atMs) });
      onEvent({ message: 'Restore', contact, changed: contact.values, ...actor, atMs });
      return contact;
    },

    snapshot: (): ContactsSnapshot => ({
      version: version.toString(),
      contacts: [...contacts.values()].map(store),
      recycleBin: [...recycleBin.values()].map(store),
    }),
  };
}

/** What Dataverse fills in; two-option columns have the default "no". */
function defaultValues(columns: ContactColumns): ColumnValues {
  const twoOptions = [...columns.values()].filter(({ type }) => type === 'boolean');
  const no = Object.fromEntries(twoOptions.map(({ name }) => [name, false]));
  return { ...no, statecode: 0, statuscode: 1 };
}

/** A new state brings its status reason along; a reason of another state is refused. */
function withStatus(values: ColumnValues, before: ColumnValues): ColumnValues {
  if (values['statecode'] === undefined && values['statuscode'] === undefined) return values;
  const state = values['statecode'] ?? before['statecode'];
  const expected = statusOfState[Number(state)];
  const status = values['statuscode'] ?? expected;
  if (expected === undefined || status !== expected) {
    throw new DataverseError(
      400,
      '0x80048408',
      `${String(status)} is not a valid status code for state code ${String(state)} on contact.`,
    );
  }
  return { ...values, statecode: Number(state), statuscode: expected };
}

function fullName(values: ColumnValues): ColumnValues {
  const parts = [values['firstname'], values['lastname']].filter(Boolean);
  return { fullname: parts.length > 0 ? parts.join(' ') : null };
}

function load(stored: readonly StoredContact[] = []): Map<string, Contact> {
  return new Map(stored.map((row) => [row.id, { ...row, version: BigInt(row.version) }]));
}

function store(contact: Contact): StoredContact {
  return { ...contact, version: contact.version.toString() };
}
