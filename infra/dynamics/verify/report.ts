import type { DifferenceCode } from '../../../shared/verify/compare-contact.ts';
import type { Verified } from '../../../shared/verify/verify.ts';
import type { DifferingContact } from '../../../shared/verify/verify-store.ts';
import { durationText } from '../../command-line/progress/pace.ts';

/** Further ones are counted: nobody reads on. `--json` has them all. */
const MAX_SHOWN = 100;

const MEANINGS: Readonly<Record<DifferenceCode, string>> = {
  'contact-unknown': 'in Dynamics, and ConsentHub has never heard of it',
  'contact-restored': 'in Dynamics, and deleted to ConsentHub',
  'contact-gone': 'not in Dynamics any more, and alive to ConsentHub',
  'patient-missing': 'known to ConsentHub, and nobody’s patient',
  'patient-link': 'its patient does not name it (patients.dynamics_contact_id)',
  profile: 'name, email or phone differ',
  consents: 'Dynamics shows other consents than the patient has given',
  'consent-unmarked': 'a consent that Dynamics shows is not marked as synced',
  'merged-into': 'merged into another contact than ConsentHub knows',
};

/** What a comparison has found, in words. Ids and names of fields only. */
export function verifiedAsText(verified: Verified, elapsedMs: number): string {
  const { rows, listed, compared, agreed, inProgress, failing, unreadable, differing } = verified;
  const sides =
    listed === null
      ? `ConsentHub knows ${rows.known} contacts (${rows.linked} linked to a patient).`
      : `Dynamics has ${listed} contacts, ConsentHub knows ${rows.known} (${rows.linked} linked to a patient).`;
  const said: readonly [number, string][] = [
    [agreed, 'agree'],
    [inProgress, 'in progress: due, being written, or just changed'],
    [unreadable.length, 'could not be read in Dynamics'],
    [differing.length, 'differ'],
  ];
  const width = Math.max(...said.map(([count]) => String(count).length));
  return [
    sides,
    `Compared ${compared} in ${durationText(elapsedMs / 1000)}:`,
    ...said
      .filter(([count], index) => count > 0 || index === 0)
      .map(([count, text]) => `  ${String(count).padStart(width)}  ${text}`),
    ...shown(differing.map(differenceText)),
    ...legend(differing),
    ...titled('Failing again and again (npm run dynamics -- check says why):', failing),
    ...titled('Could not be read:', unreadable),
    '',
    verdict(verified),
  ].join('\n');
}

function differenceText({ contactId, differences }: DifferingContact): string {
  const codes = differences.map(({ code, fields }) =>
    fields.length === 0 ? code : `${code} (${fields.join(', ')})`,
  );
  return `  ${contactId}  ${codes.join(', ')}`;
}

/** What the codes mean that have come up. */
function legend(differing: readonly DifferingContact[]): string[] {
  const found = new Set(
    differing.flatMap(({ differences }) => differences.map(({ code }) => code)),
  );
  const lines = Object.entries(MEANINGS).filter(([code]) => [...found].some((one) => one === code));
  return lines.length === 0 ? [] : ['', ...lines.map(([code, text]) => `  ${code}: ${text}`)];
}

function titled(title: string, ids: readonly string[]): string[] {
  const [space, ...lines] = shown(ids.map((id) => `  ${id}`));
  return space === undefined ? [] : [space, title, ...lines];
}

function shown(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length - MAX_SHOWN;
  return ['', ...lines.slice(0, MAX_SHOWN), ...(more > 0 ? [`  and ${more} more (--json)`] : [])];
}

function verdict({ outcome, differing, unreadable, listed, inProgress }: Verified): string {
  if (outcome === 'interrupted') return 'Interrupted: the rest was not compared.';
  if (differing.length > 0) return 'Both sides differ.';
  if (unreadable.length > 0) return 'Not everything could be compared.';
  const beside = inProgress > 0 ? ', but for what is in progress' : '';
  return `Both sides agree${listed === null ? ', as far as the sample goes' : ''}${beside}.`;
}

/** What a repair has done. */
export function repairedAsText(repaired: number, asked: number): string {
  const left =
    repaired === asked
      ? ''
      : ` ${asked - repaired} changed meanwhile, or are for a person to look at.`;
  return `Repaired: ${repaired} of ${asked}, one after the other from now on, ten contacts a second. Compare again in some minutes.${left}`;
}
