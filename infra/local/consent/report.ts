import { CONSENT_STATUSES } from '../../../shared/consent/consent-fields.ts';
import { CONTACT_FIELDS } from '../../../shared/dataverse/fields.ts';
import type { ChangeRequest } from './arguments.ts';
import type { ChangeOutcome } from './change-consent.ts';
import type { LinkedPatient } from './consenthub-database.ts';
import type { ShownConsent } from './dynamics-contact.ts';

const FIELDS = [
  'marketingEmail',
  'marketingSms',
  'marketingPhone',
  'marketingMail',
  'consentDate',
  'consentExpires',
  'consentStatus',
] as const;

/** For scripts: the contact's fields under their names in Dynamics, null where it did not answer. */
export function outcomeAsJson({ action, channel }: ChangeRequest, outcome: ChangeOutcome): object {
  const { before, after, latencyMs, ...ids } = outcome;
  return {
    action,
    channel,
    ...ids,
    shown: latencyMs !== undefined,
    latencyMs: latencyMs ?? null,
    before: before ? columns(before) : null,
    after: after ? columns(after) : null,
  };
}

/** For people. */
export function outcomeAsText(request: ChangeRequest, outcome: ChangeOutcome): string {
  const { action, channel } = request;
  const { patientId, contactId, consentId, before, after, latencyMs } = outcome;
  const said = action === 'grant' ? 'Granted' : 'Revoked';
  const lines = [
    `${said} ${channel} for patient ${patientId} (consent ${consentId}).`,
    eventLine(outcome),
  ];
  if (contactId === null) {
    lines.push('No contact in Dynamics is linked to this patient: it shows there once one is.');
    return lines.join('\n');
  }
  lines.push(
    latencyMs === undefined
      ? `Dynamics does not show it yet. The logs of sync-consent and sweep in .local/logs say more.`
      : JSON.stringify(before) === JSON.stringify(after)
        ? `Contact ${contactId} showed that in Dynamics already:`
        : `Contact ${contactId} shows it in Dynamics, ${latencyMs} ms after the commit:`,
    '',
    ...table([
      ['field', 'before', 'after'],
      ...FIELDS.map((field) => [
        CONTACT_FIELDS[field].logicalName,
        valueOf(field, before),
        valueOf(field, after),
      ]),
    ]),
  );
  return lines.join('\n');
}

/** Patients and their contacts, by id only: a terminal is no place for names. */
export function patientsAsText(patients: readonly LinkedPatient[], total: number): string {
  if (total === 0) {
    return 'There are no patients. Create a contact in the simulated Dynamics: see README.md';
  }
  const rows = patients.map(({ patientId, contactId }) => [patientId, contactId ?? 'not linked']);
  const shown = patients.length < total ? [`  … the newest ${patients.length} of ${total}`] : [];
  return [...table([['patient', 'contact in Dynamics'], ...rows]), ...shown].join('\n');
}

function eventLine({ event }: ChangeOutcome): string {
  if (event === 'published') return 'Committed, then published.';
  const why = event === 'not-published' ? 'not published' : `the event was ${event}`;
  return `Committed; ${why}: the sweep finds it, within two minutes.`;
}

function columns({ fields, options }: ShownConsent): object {
  const values = FIELDS.map((field) => [CONTACT_FIELDS[field].logicalName, fields[field]]);
  return { ...Object.fromEntries(values), consentStatus: statusName({ fields, options }) ?? null };
}

function valueOf(field: (typeof FIELDS)[number], shown: ShownConsent | undefined): string {
  if (shown === undefined) return '?';
  const value = shown.fields[field];
  if (value === null) return '-';
  return field === 'consentStatus' ? `${statusName(shown) ?? 'unknown'} (${value})` : String(value);
}

function statusName({ fields, options }: ShownConsent): string | undefined {
  return CONSENT_STATUSES.find((status) => options[status] === fields.consentStatus);
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_cell, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
