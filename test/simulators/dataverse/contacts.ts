import { randomGuid, type Random } from '../entra/random.ts';
import { DataverseError, errorCodes, recordNotFound } from './errors.ts';
import { statusOfState } from './tables/contact-table.ts';
import { toDateTime } from './tables/read-columns.ts';
import type { RowVersions } from './tables/row-versions.ts';
import {
  type ColumnValues,
  loadRows,
  type Row,
  type StoredRow,
  storeRow,
  type Table,
} from './tables/table.ts';

export type Contact = Row;

/** Something that happened to a contact; what webhook steps are told. */
export interface ContactEvent {
  readonly message: 'Create' | 'Update' | 'Delete' | 'Restore';
  /** The contact after the change; for `Delete` as it was. */
  readonly contact: Contact;
  /** The contact before the change; absent where there was none. */
  readonly before?: Contact;
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

/** A contact that is gone, as change tracking remembers it. */
export interface Deletion {
  readonly id: string;
  readonly version: bigint;
}

/** What is kept between starts. Versions are decimal strings. */
export interface ContactsSnapshot {
  readonly contacts: readonly StoredRow[];
  readonly recycleBin: readonly StoredRow[];
  readonly deletions: readonly { readonly id: string; readonly version: string }[];
}

/** Values that a merge never moves: they belong to the row itself. */
const keptInMerge: ReadonlySet<string> = new Set(['contactid', 'statecode', 'statuscode']);

export type ContactStore = ReturnType<typeof createContactStore>;

/**
 * The contact table's rows with the recycle bin. Ids are lower-case GUIDs. `onEvent` is called after
 * each change, in the order of the changes.
 */
export function createContactStore(options: {
  table: Table;
  versions: RowVersions;
  now: () => number;
  random: Random;
  snapshot: ContactsSnapshot | undefined;
  onEvent: (event: ContactEvent) => void;
}) {
  const { table, versions, now, random, snapshot, onEvent } = options;
  let contacts = loadRows(snapshot?.contacts);
  let recycleBin = loadRows(snapshot?.recycleBin);
  let deletions = loadDeletions(snapshot);

  function put(id: string, values: ColumnValues): Contact {
    const contact = { id, version: versions.next(), values: { ...values, ...fullName(values) } };
    contacts.set(id, contact);
    return contact;
  }

  function existing(id: string): Contact {
    const contact = contacts.get(id);
    if (!contact) throw recordNotFound('contact', id);
    return contact;
  }

  function change(before: Contact, values: ColumnValues, actor: Actor): void {
    const { id } = before;
    const atMs = now();
    const contact = put(id, { ...before.values, ...values, modifiedon: toDateTime(atMs) });
    const names = [...Object.keys(values), 'contactid', 'modifiedon'];
    if ('firstname' in values || 'lastname' in values) names.push('fullname');
    const changed = Object.fromEntries(names.map((name) => [name, contact.values[name] ?? null]));
    onEvent({ message: 'Update', contact, before, changed, ...actor, atMs });
  }

  /** What an update really sets; throws for what it may not. */
  function checkedChanges(before: Contact, values: ColumnValues): ColumnValues {
    if (values['contactid'] !== undefined && values['contactid'] !== before.id) {
      throw new DataverseError(
        400,
        errorCodes.badPayload,
        'The primary key of a record can not be changed.',
      );
    }
    return withStatus(values, before.values);
  }

  return {
    find: (id: string): Contact | undefined => contacts.get(id),
    all: (): Contact[] => [...contacts.values()],
    deleted: (): Contact[] => [...recycleBin.values()],
    /** Every deletion, the oldest first; one that was undone by a restore stays. */
    deletions: (): readonly Deletion[] => deletions,

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
      const defaults = defaultValues(table);
      const contact = put(id, {
        _ownerid_value: actor.userId,
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
      change(before, checkedChanges(before, values), actor);
      return existing(id);
    },

    /** Changes many contacts or, if one of them cannot be changed, none. */
    updateAll(changes: readonly { id: string; values: ColumnValues }[], actor: Actor): void {
      const checked = changes.map(({ id, values }) => checkedChanges(existing(id), values));
      for (const [index, values] of checked.entries()) {
        change(existing(changes[index]?.id ?? ''), values, actor);
      }
    },

    /**
     * Moves the subordinate's data into the empty columns of the target, sets `content` there, and
     * deactivates the subordinate (merge-entity-using-web-api.md). That both changes are `Update`
     * events of their own is inferred.
     */
    merge(targetId: string, subordinateId: string, content: ColumnValues, actor: Actor): void {
      const target = existing(targetId);
      const subordinate = existing(subordinateId);
      const moved = Object.entries(subordinate.values).filter(
        ([name, value]) =>
          value !== null &&
          (target.values[name] ?? null) === null &&
          !keptInMerge.has(name) &&
          table.columns.get(name)?.readOnly === undefined,
      );
      const changes = checkedChanges(target, { ...Object.fromEntries(moved), ...content });
      change(target, changes, actor);
      const merged = { statecode: 1, statuscode: 2, merged: true, _masterid_value: targetId };
      change(subordinate, merged, actor);
    },

    delete(id: string, actor: Actor): void {
      const contact = existing(id);
      contacts.delete(id);
      // The change has a number too: change tracking finds the deletion by it.
      deletions.push({ id, version: versions.next() });
      recycleBin.set(id, contact);
      onEvent({ message: 'Delete', contact, before: contact, changed: {}, ...actor, atMs: now() });
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

    /** A column was deleted: its values are gone, and no row's version changes. */
    forgetColumn(name: string): void {
      contacts = withoutColumn(contacts, name);
      recycleBin = withoutColumn(recycleBin, name);
    },

    snapshot: (): ContactsSnapshot => ({
      contacts: [...contacts.values()].map(storeRow),
      recycleBin: [...recycleBin.values()].map(storeRow),
      deletions: deletions.map(({ id, version }) => ({ id, version: version.toString() })),
    }),

    /** Puts everything back as it was, without an event: a backup is restored below the platform. */
    reset(to: ContactsSnapshot): void {
      contacts = loadRows(to.contacts);
      recycleBin = loadRows(to.recycleBin);
      deletions = loadDeletions(to);
    },
  };
}

/** What Dataverse fills in; two-option columns have the default "no" unless they say otherwise. */
function defaultValues({ columns }: Table): ColumnValues {
  const filled = [...columns.values()].filter((column) => column.default !== undefined);
  return Object.fromEntries(filled.map((column) => [column.name, column.default ?? null]));
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

function withoutColumn(rows: ReadonlyMap<string, Row>, name: string): Map<string, Row> {
  return new Map(
    [...rows].map(([id, row]) => {
      const { [name]: _, ...values } = row.values;
      return [id, { ...row, values }];
    }),
  );
}

function loadDeletions(snapshot: ContactsSnapshot | undefined): Deletion[] {
  return (snapshot?.deletions ?? []).map(({ id, version }) => ({ id, version: BigInt(version) }));
}
