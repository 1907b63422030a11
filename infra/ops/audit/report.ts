import type { Finding, Verification } from '../../../shared/audit/verify-trail.ts';
import type { PatientTrail, TrailEntry } from './patient-trail.ts';

/** @param compared whether it was held against the log */
export function verificationAsText(verification: Verification, compared: boolean): string {
  const { seals, waiting, head, findings, more } = verification;
  const newest = head === undefined ? 'none' : `${head.number}:${head.chain}`;
  const lines = findings.map(findingAsText);
  return [
    ...lines,
    ...(lines.length === 0 ? [] : [countsAsText(lines, more)]),
    `Seals looked at: ${seals}. Rows that wait for theirs: ${waiting}. Newest seal: ${newest}`,
    ...(compared
      ? []
      : ['What was cut off at the end shows only against the log: docs/compliance.md, --head.']),
    ...(head === undefined
      ? [
          'Nothing is sealed, so there is nothing to hold the rows against. Has sealing ever worked here? Compare with what the log says: docs/compliance.md, --head.',
        ]
      : []),
    ...(findings.length > 0 ? ['The audit trail was changed.'] : []),
    ...(findings.length === 0 && head !== undefined
      ? ['The audit trail is as it was sealed.']
      : []),
  ].join('\n');
}

/** Numbers by the word that a line begins with, where it takes more than a look to count them. */
function countsAsText(lines: readonly string[], more: boolean): string {
  const words = lines.map((line) => line.split(':')[0] ?? '');
  const counts = [...new Set(words)].map(
    (word) => `${word} ${words.filter((one) => one === word).length}`,
  );
  return `Found: ${counts.join(', ')}${more ? ', and there is more' : ''}.`;
}

function findingAsText(finding: Finding): string {
  switch (finding.kind) {
    case 'altered':
      return `altered: audit row ${finding.auditId} (seal ${finding.number}) is not what was sealed`;
    case 'missing':
      return `missing: audit row ${finding.auditId} (seal ${finding.number}) was taken away`;
    case 'inserted':
      return `inserted: audit row ${finding.auditId} has no seal and waits for none: it came past the trigger, or its seal was taken away`;
    case 'missing_unsealed':
      return `missing: audit row ${finding.auditId} was taken away before it was sealed`;
    case 'seal_altered':
      return `altered: seal ${finding.number} of audit row ${finding.auditId} was not made with the key`;
    case 'seals_missing':
      return finding.from === finding.to
        ? `missing: seal ${finding.from} was taken away`
        : `missing: seals ${finding.from} to ${finding.to} were taken away`;
    case 'head_differs':
      return `altered: seal ${finding.number} is not what the log says`;
    case 'not_sealed':
      return `not sealed: ${finding.waiting} audit rows wait, the oldest for ${finding.oldestSeconds} s; look for AU-002 in the log of sweep`;
  }
}

export function trailAsText({ patientId, consents, entries, proven, known }: PatientTrail): string {
  return [
    `Patient ${patientId}`,
    '',
    consents.length === 0 ? 'Consents: none' : 'Consents as they stand now:',
    ...consents.map(
      ({ id, type, status, granted_at, expires_at, revoked_at }) =>
        `  ${id}  ${type}  ${status ?? ''}${since('granted', granted_at)}${since('expires', expires_at)}${since('revoked', revoked_at)}`,
    ),
    '',
    entries.length === 0 ? 'On record: nothing' : 'On record:',
    ...entries.flatMap(entryAsText),
    '',
    ...(known
      ? []
      : ['Nobody of this id is known here: is it the id of the patient in ConsentHub?']),
    proven ? 'Every sealed entry is as it was sealed.' : 'NOT PROVEN: see the entries.',
    'Whether an entry was taken away, or altered and sealed anew, only audit verify can tell.',
  ].join('\n');
}

const since = (word: string, at: string | null): string => (at === null ? '' : `  ${word} ${at}`);

function entryAsText(entry: TrailEntry): readonly string[] {
  const { at, action, outcome, source, userId, consentId, eventId, newValues, seal, proof } = entry;
  const detail = (name: string, value: string | null): readonly string[] =>
    value === null ? [] : [`    ${name} ${value}`];
  return [
    `  ${at ?? ''}  ${action ?? ''}  ${outcome ?? ''}  by ${userId ?? source ?? 'unknown'}`,
    ...detail('consent', consentId),
    ...detail('event', eventId),
    ...detail('says', newValues === null ? null : JSON.stringify(newValues)),
    `    audit row ${entry.auditId}, ${seal === null ? '' : `seal ${seal.number}: `}${proof}`,
  ];
}
