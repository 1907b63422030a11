import type { WebhookRequest } from '../../functions/receive-webhook/receive-webhook.ts';
import type { Row } from '../../shared/database/database.ts';
import type { FaultKind, Focus } from './faults.ts';
import type { Tampering } from './run.ts';
import { signatureOf } from './webhooks.ts';

/** A line of the protocol that the simulation must miss when it is gone (docs/protocol.md). */
export interface Guard {
  readonly name: string;
  /** Takes it out of what the functions say to the outside or hear from it … */
  readonly tampering?: Tampering;
  /** … or out of the database. */
  readonly ddl?: string;
  /** What the runs are about in which it is missed; undefined: a little of everything. */
  readonly focus?: Focus;
  /** Runs that miss it are rare: the test looks from this seed on, instead of from the first. */
  readonly fromSeed?: number;
}

/** How often an aimed fault befalls its call: often, and not always. */
const RATE = 0.5;

const focus = (
  cast: Focus['cast'],
  meanwhile: Focus['meanwhile'] = [],
  faults: readonly (readonly [string, FaultKind])[] = [],
): Focus => ({
  cast,
  meanwhile,
  faults: faults.map(([call, kind]) => ({ call, kind, rate: RATE })),
});

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

function rows(statements: readonly string[], change: (row: Row) => Row): Tampering {
  return {
    database: { rows: (name, all) => (statements.includes(name) ? all.map(change) : all) },
  };
}

/** Takes some answers to a write of several contacts for success. */
const together = (taken: (status: number) => boolean): Tampering => ({
  dataverse: {
    answer: (status, body, label) =>
      label.startsWith('UpdateMultiple') && taken(status)
        ? { status: 204, body: '' }
        : { status, body },
  },
});

const UNKNOWN_LEAVES_NO_DOUBT = without(
  'release-contact',
  `      when d.unknown and l.mine then c.doubt_until
      when d.unknown or (d.forget and not l.mine)`,
  '      when (d.forget and not l.mine)',
);

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
    name: 'webhook: the signature is compared',
    focus: focus(['forgery']),
    tampering: { webhook: signed },
  },
  {
    name: 'inbound: the row is written only at the revision that was read',
    fromSeed: 58,
    focus: focus(
      ['edit in ConsentHub', 'touch in Dynamics', 'edit in Dynamics'],
      ['GET', 'apply-contacts'],
    ),
    tampering: without('apply-contacts', '    and c.revision = d.revision\n'),
  },
  {
    name: 'inbound: and only at the version that was read',
    focus: focus(['touch in Dynamics'], ['apply-contacts'], [['apply-contacts', 'database slow']]),
    tampering: without('apply-contacts', '    and c.version is not distinct from d.read_version\n'),
  },
  {
    name: 'inbound: a deletion needs the code of a missing row',
    fromSeed: 76,
    focus: focus(['touch in Dynamics'], [], [['GET', 'dataverse bare 404']]),
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
    focus: { ...focus(['touch in Dynamics']), namesakes: true },
    ddl: 'drop index dynamics_contacts_patient_key',
  },
  {
    name: 'inbound: whoever makes a row due for a read raises its revision',
    focus: focus(
      ['delete or restore'],
      ['apply-contacts'],
      [
        ['GET', 'dataverse throttled'],
        ['apply-contacts', 'database slow'],
      ],
    ),
    tampering: without('apply-contacts', '    revision = c.revision + 1,\n'),
  },
  {
    name: 'inbound: a deletion that is known already raises the revision too',
    fromSeed: 25,
    focus: focus(['delete or restore'], ['apply-contacts'], [['apply-contacts', 'database slow']]),
    tampering: without(
      'apply-contacts',
      'case when d.raises_revision then 1 else 0 end',
      'case when d.raises_revision and (not d.deleted or c.deleted_at is null) then 1 else 0 end',
    ),
  },
  {
    name: 'inbound: consent fields that somebody has edited are written again',
    fromSeed: 51,
    focus: focus(['edit consents in Dynamics', 'grant']),
    tampering: rows(['read-contacts'], (row) => ({ ...row, written: null })),
  },
  {
    name: 'inbound: a contact that was read under a lease is read again',
    fromSeed: 141,
    focus: focus(
      ['grant', 'revoke', 'edit consents in Dynamics'],
      ['settle-contact'],
      [['settle-contact', 'database slow']],
    ),
    tampering: rows(['read-contacts'], (row) => ({ ...row, leased: false })),
  },
  {
    name: 'both: the merge has a base',
    focus: focus(['edit in ConsentHub']),
    tampering: rows(['read-claimed-contacts'], (row) => ({ ...row, seen: null })),
  },
  {
    name: 'both: a name is on record before it is pushed',
    focus: focus(
      ['edit in ConsentHub'],
      ['PATCH', 'GET'],
      [
        ['PATCH', 'dataverse answer lost'],
        ['settle-contact', 'database request lost'],
      ],
    ),
    tampering: rows(['read-contacts', 'read-claimed-contacts'], (row) => ({
      ...row,
      pushed: null,
    })),
  },
  {
    name: 'both: an erased patient is remembered',
    focus: focus(['erase', 'touch in Dynamics']),
    ddl: inFunction('dynamics_patient_erased()', 'erased_at = now()', 'erased_at = null'),
  },
  {
    name: 'both: our own statements are silent',
    focus: focus(['edit in Dynamics']),
    tampering: without('mark-own-write', "'on'", "'off'"),
  },
  {
    name: 'outbox: a consent that changes makes its row due',
    focus: focus(['grant', 'revoke']),
    ddl: inFunction(
      'dynamics_make_write_due(uuid, uuid)',
      "then least(c.write_due_at, now() + interval '30 seconds')",
      'then c.write_due_at',
    ),
  },
  {
    name: 'outbox: a consent that changes raises the revision',
    focus: focus(['grant', 'revoke'], ['PATCH', 'settle-contact']),
    ddl: inFunction(
      'dynamics_make_write_due(uuid, uuid)',
      'set revision = c.revision + 1',
      'set revision = c.revision',
    ),
  },
  {
    name: 'outbox: a patient that changes raises the revision',
    focus: { ...focus(['edit in ConsentHub'], ['PATCH', 'settle-contact']), unreconciled: true },
    ddl: inFunction(
      'dynamics_patient_changed()',
      'set revision = revision + 1',
      'set revision = revision',
    ),
  },
  {
    name: 'outbox: a ring leaves the row due',
    fromSeed: 35,
    focus: focus(['grant', 'revoke'], [], [['consent-events', 'queue request lost']]),
    tampering: without(
      'claim-due-contacts',
      "when d.write_due then now() + interval '2 minutes'",
      'when d.write_due then null',
    ),
  },
  {
    name: 'page: what a full read does not list is made due',
    focus: focus(['delete or restore', 'expire links'], [], [['webhook', 'webhook lost']]),
    tampering: without(
      'ask-missing',
      `    read_due_at = least(
      c.read_due_at, now() + make_interval(secs => ($3::int + p.place)::float8 / $4::int)
    ),
`,
    ),
  },
  {
    name: 'outbound: one writer at a time (lease)',
    focus: focus(['grant', 'revoke'], [], [['consent-events', 'message doubled']]),
    tampering: without(
      'claim-contacts',
      'else l.lease_until is null or l.lease_until <= clock_timestamp()',
      'else true',
    ),
  },
  {
    name: 'outbound: the doubt is recorded before the write',
    focus: focus(['grant', 'revoke'], ['PATCH'], [['PATCH', 'dataverse crash after']]),
    tampering: without(
      'claim-contacts',
      "doubt_until = clock_timestamp() + interval '180 seconds'",
      'doubt_until = c.doubt_until',
    ),
  },
  {
    name: 'outbound: a doubt that is still open hides what was written',
    fromSeed: 114,
    focus: focus(
      ['grant', 'revoke'],
      ['PATCH'],
      [
        ['PATCH', 'dataverse crash after'],
        ['consent-events', 'message doubled'],
      ],
    ),
    tampering: rows(['claim-contacts'], (row) => ({ ...row, doubt_before: null })),
  },
  {
    name: 'outbound: settling needs the revision that was read',
    focus: focus(['grant', 'revoke'], ['PATCH', 'settle-contact']),
    tampering: without('settle-contact', "when c.revision <> d.revision then 'moved'\n"),
  },
  {
    name: 'outbound: settling needs one’s own lease',
    fromSeed: 100,
    focus: focus(
      ['grant'],
      [],
      [
        ['settle-contact', 'database late'],
        ['PATCH', 'dataverse slow'],
        ['consent-events', 'message doubled'],
      ],
    ),
    tampering: without(
      'settle-contact',
      "when c.lease_token is distinct from d.token then 'overtaken'",
      "when false then 'overtaken'",
    ),
  },
  {
    name: 'outbound: what fails for several as a whole was written for none',
    focus: {
      ...focus(['decide for all', 'delete or restore'], ['UpdateMultiple', 'claim-contacts']),
      contacts: 3,
    },
    tampering: together((status) => status === 404),
  },
  {
    name: 'outbound: an unknown outcome of several is unknown for each',
    focus: {
      ...focus(['decide for all'], [], [['UpdateMultiple', 'dataverse server error']]),
      contacts: 3,
    },
    tampering: together((status) => status === 503),
  },
  {
    name: 'outbound: several writes of unknown outcome leave a doubt each',
    focus: {
      ...focus(['decide for all'], ['UpdateMultiple'], [['UpdateMultiple', 'dataverse late']]),
      contacts: 2,
    },
    tampering: UNKNOWN_LEAVES_NO_DOUBT,
  },
  {
    name: 'outbound: what stood in doubt before the claim still does',
    focus: focus(['grant', 'revoke'], ['PATCH'], [['PATCH', 'dataverse late']]),
    tampering: without('settle-contact', '      else d.doubt_before\n'),
  },
  {
    name: 'outbound: a write of unknown outcome leaves its doubt',
    focus: focus(['grant', 'revoke'], ['PATCH'], [['PATCH', 'dataverse late']]),
    tampering: UNKNOWN_LEAVES_NO_DOUBT,
  },
  {
    name: 'outbound: a write that was not settled is forgotten',
    fromSeed: 77,
    focus: focus(
      ['grant', 'revoke'],
      ['PATCH', 'settle-contact'],
      [['PATCH', 'dataverse throttled']],
    ),
    tampering: without(
      'release-contact',
      'written = case when d.unknown or d.forget then null else c.written end',
      'written = c.written',
    ),
  },
  {
    name: 'outbound: the end of a doubt forgets what was written',
    fromSeed: 411,
    focus: focus(
      ['grant', 'revoke'],
      ['PATCH'],
      [
        ['PATCH', 'dataverse crash after'],
        ['consent-events', 'queue request lost'],
      ],
    ),
    tampering: without('end-doubts', '    written = null,\n'),
  },
  {
    name: 'outbound: the end of a doubt makes the row due',
    fromSeed: 22,
    focus: focus(['grant', 'revoke'], ['PATCH'], [['PATCH', 'dataverse late']]),
    tampering: without(
      'end-doubts',
      'write_due_at = case when c.patient_id is not null then least(c.write_due_at, now()) end',
      'write_due_at = c.write_due_at',
    ),
  },
  {
    name: 'outbound: a PATCH never makes a contact (If-Match: *)',
    focus: focus(['delete or restore', 'grant', 'revoke'], ['PATCH', 'claim-contacts']),
    tampering: { dataverse: { request: (headers) => ifMatch(headers, '*', undefined) } },
  },
  {
    name: 'outbound: a name is written only over what was read (ETag)',
    focus: focus(['edit in ConsentHub', 'edit in Dynamics'], ['GET', 'apply-contacts', 'PATCH']),
    tampering: { dataverse: { request: (headers) => ifMatch(headers, undefined, '*') } },
  },
  {
    name: 'merge: the master of a contact that was merged is due',
    fromSeed: 131,
    focus: { ...focus(['merge', 'revoke', 'grant']), contacts: 3 },
    ddl: inFunction(
      'dynamics_make_masters_due(uuid, uuid)',
      'then least(c.write_due_at, now()) else c.write_due_at',
      'then c.write_due_at else c.write_due_at',
    ),
  },
  {
    name: 'merge: a consent of a merged contact’s patient reaches its masters',
    fromSeed: 193,
    focus: { ...focus(['merge', 'revoke', 'grant']), contacts: 3 },
    ddl: inFunction(
      'dynamics_make_write_due(uuid, uuid)',
      'else least(c.write_due_at, now())',
      'else c.write_due_at',
    ),
    // The ring for the merged contact names its patient, and is answered for the master as well.
    tampering: without(
      'find-consent-events',
      '    and master.patient_id is not null\n',
      '    and false\n',
    ),
  },
  {
    name: 'merge: the most restrictive state holds',
    fromSeed: 27,
    focus: { ...focus(['merge', 'revoke', 'grant']), contacts: 3 },
    tampering: rows(['read-claimed-contacts'], (row) => ({ ...row, merged_consents: [] })),
  },
  {
    name: 'merge: a contact that was merged and deleted stands for its patient',
    fromSeed: 27,
    focus: { ...focus(['merge', 'revoke', 'grant', 'delete or restore']), contacts: 3 },
    tampering: without(
      'apply-contacts',
      '    merged_into = d.merged_into,\n',
      '    merged_into = case when d.deleted then null else d.merged_into end,\n',
    ),
  },
  {
    name: 'merge: a patient leaves the merged contact before the master gets it',
    focus: {
      ...focus(['merge', 'revoke', 'touch in Dynamics'], [], [['webhook', 'webhook lost']]),
      contacts: 2,
    },
    tampering: without(
      'apply-contacts',
      '    patient_id = null,\n    former_patient_id = h.patient_id,\n',
      '    former_patient_id = h.patient_id,\n',
    ),
  },
  {
    name: 'consents: a tie goes to the revocation',
    focus: focus(['grant', 'revoke']),
    tampering: rows(['read-claimed-contacts'], (row) => ({
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

export function guardNamed(name: string): Guard {
  const guard = GUARDS.find((one) => one.name === name);
  if (guard === undefined) throw new TypeError(`no such guard: ${name}`);
  return guard;
}

/** The same request with a signature that fits: as if none were compared. */
function signed(request: WebhookRequest, secret: string): WebhookRequest {
  const timestamp = request.headers['x-dynamics-timestamp'];
  const signature = signatureOf(request.rawBody, secret, timestamp);
  return { ...request, headers: { ...request.headers, 'x-dynamics-signature': signature } };
}

/** Puts another condition in the place of one; `from` undefined: of any ETag. */
function ifMatch(headers: Headers, from: string | undefined, to: string | undefined): void {
  const condition = headers.get('if-match');
  if (condition === null || (from === undefined ? condition === '*' : condition !== from)) return;
  if (to === undefined) headers.delete('if-match');
  else headers.set('if-match', to);
}
