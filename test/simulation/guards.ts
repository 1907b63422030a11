import type { Row } from '../../shared/database/database.ts';
import type { Tampering } from './run.ts';

/** A line of the protocol that the simulation must miss when it is gone (docs/protocol.md). */
export interface Guard {
  readonly name: string;
  /** Takes it out of what the functions say to the outside or hear from it … */
  readonly tampering?: Tampering;
  /** … or out of the database. */
  readonly ddl?: string;
  /** A run in which it is missed is among the first so many; undefined: none is known yet. */
  readonly within?: number;
}

/** Without a line of a statement; it must be there, so that no guard goes stale in this table. */
function without(statement: string, line: string, instead = ''): Tampering {
  return {
    database: {
      statement(name, text) {
        if (name !== statement) return text;
        if (text.split(line).length !== 2) {
          throw new TypeError(`${statement}.sql does not hold once: ${line}`);
        }
        return text.replace(line, instead);
      },
    },
  };
}

function rows(statement: string, change: (row: Row) => Row): Tampering {
  return {
    database: { rows: (name, all) => (name === statement ? all.map(change) : all) },
  };
}

const inFunction = (signature: string, line: string, instead: string): string => `
  do $do$
  declare
    source text := pg_get_functiondef('${signature}'::regprocedure);
  begin
    if position($line$${line}$line$ in source) = 0 then
      raise exception '% does not hold the guard', '${signature}';
    end if;
    execute replace(source, $line$${line}$line$, $line$${instead}$line$);
  end
  $do$`;

export const GUARDS: readonly Guard[] = [
  {
    name: 'inbound: the row is written only at the revision that was read',
    tampering: without('apply-contacts', '    and c.revision = d.revision\n'),
  },
  {
    name: 'inbound: and only at the version that was read',
    tampering: without('apply-contacts', '    and c.version is not distinct from d.read_version\n'),
  },
  {
    name: 'inbound: a deletion needs the code of a missing row',
    within: 10,
    tampering: {
      dataverse: {
        answer: (status, body) => ({
          status,
          body: status === 404 ? '{"error":{"code":"0x80040217"}}' : body,
        }),
      },
    },
  },
  {
    name: 'inbound: one contact, one patient (unique index)',
    within: 40,
    ddl: 'drop index dynamics_contacts_patient_key',
  },
  {
    name: 'inbound: whoever makes a row due for a read raises its revision',
    tampering: without('apply-contacts', '    revision = c.revision + 1,\n'),
  },
  {
    name: 'both: the merge has a base',
    within: 40,
    tampering: rows('read-claimed-contacts', (row) => ({ ...row, seen: null })),
  },
  {
    name: 'both: our own statements are silent',
    tampering: without('mark-own-write', "'on'", "'off'"),
  },
  {
    name: 'outbox: a consent that changes makes its row due',
    within: 10,
    ddl: inFunction(
      'dynamics_make_write_due(uuid, uuid)',
      "write_due_at = least(write_due_at, now() + interval '30 seconds')",
      'write_due_at = write_due_at',
    ),
  },
  {
    name: 'outbox: a consent that changes raises the revision',
    within: 50,
    ddl: inFunction(
      'dynamics_make_write_due(uuid, uuid)',
      'set revision = revision + 1',
      'set revision = revision',
    ),
  },
  {
    name: 'outbox: a patient that changes raises the revision',
    ddl: inFunction(
      'dynamics_patient_changed()',
      'set revision = revision + 1',
      'set revision = revision',
    ),
  },
  {
    name: 'outbound: one writer at a time (lease)',
    tampering: without(
      'claim-contacts',
      'else l.lease_until is null or l.lease_until <= clock_timestamp()',
      'else true',
    ),
  },
  {
    name: 'outbound: the doubt is recorded before the write',
    within: 10,
    tampering: without(
      'claim-contacts',
      "doubt_until = clock_timestamp() + interval '180 seconds'",
      'doubt_until = c.doubt_until',
    ),
  },
  {
    name: 'outbound: a doubt that is still open hides what was written',
    tampering: rows('claim-contacts', (row) => ({ ...row, doubt_before: null })),
  },
  {
    name: 'outbound: settling needs the revision that was read',
    within: 50,
    tampering: without('settle-contact', "when c.revision <> d.revision then 'moved'\n"),
  },
  {
    name: 'outbound: settling needs one’s own lease',
    tampering: without(
      'settle-contact',
      "when c.lease_token is distinct from d.token then 'overtaken'",
      "when false then 'overtaken'",
    ),
  },
  {
    name: 'outbound: what stood in doubt before the claim still does',
    tampering: without('settle-contact', '      else d.doubt_before\n'),
  },
  {
    name: 'outbound: nothing is known to be written while a doubt remains',
    tampering: without('settle-contact', ' and d.doubt_before is null'),
  },
  {
    name: 'outbound: a write of unknown outcome leaves its doubt',
    tampering: without('release-contact', '      when d.unknown and l.mine then c.doubt_until\n'),
  },
  {
    name: 'outbound: a write that was not settled is forgotten',
    tampering: without(
      'release-contact',
      'written = case when d.unknown or d.forget then null else c.written end',
      'written = c.written',
    ),
  },
  {
    name: 'outbound: the end of a doubt forgets what was written',
    tampering: without('end-doubts', '    written = null,\n'),
  },
  {
    name: 'outbound: the end of a doubt makes the row due',
    tampering: without(
      'end-doubts',
      'write_due_at = case when c.patient_id is not null then least(c.write_due_at, now()) end',
      'write_due_at = c.write_due_at',
    ),
  },
  {
    name: 'outbound: the end of a doubt raises the revision',
    tampering: without('end-doubts', '    revision = c.revision + 1,\n'),
  },
  {
    name: 'outbound: a PATCH never makes a contact (If-Match: *)',
    within: 50,
    tampering: { dataverse: { request: (headers) => ifMatch(headers, '*', undefined) } },
  },
  {
    name: 'outbound: a name is written only over what was read (ETag)',
    tampering: { dataverse: { request: (headers) => ifMatch(headers, undefined, '*') } },
  },
  {
    name: 'consents: a tie goes to the revocation',
    within: 20,
    tampering: rows('read-claimed-contacts', (row) => ({
      ...row,
      consents: (row['consents'] as { revokedAt: string | null }[]).map((consent) => ({
        ...consent,
        revokedAt:
          consent.revokedAt === null
            ? null
            : new Date(Date.parse(consent.revokedAt) - 1).toISOString(),
      })),
    })),
  },
];

/** Puts another condition in the place of one; `from` undefined: of any ETag. */
function ifMatch(headers: Headers, from: string | undefined, to: string | undefined): void {
  const condition = headers.get('if-match');
  if (condition === null || (from === undefined ? condition === '*' : condition !== from)) return;
  if (to === undefined) headers.delete('if-match');
  else headers.set('if-match', to);
}
