import type { Reconciled } from '../../../shared/reconcile/reconcile.ts';
import type { Counts } from '../../../shared/reconcile/tally.ts';
import { PROBLEMS } from '../../../shared/reconcile/describe-problem.ts';
import { durationText } from '../../command-line/progress/pace.ts';

const RESUME = 'npm run dynamics -- import';

/**
 * What an import has done, in words.
 *
 * @param failure why it has failed; undefined if it has not
 */
export function importAsText(
  { outcome, problem, counts }: Reconciled,
  failure: string | undefined,
  elapsedMs: number,
  local: boolean,
): string {
  const seconds = elapsedMs / 1000;
  const rate = seconds > 0 ? Math.round(counts.listed / seconds) : 0;
  const lines = [
    `Read ${counts.listed} contacts on ${counts.pages} pages in ${durationText(seconds)} (${rate} a second).`,
    ...countLines(counts),
  ];
  if (problem !== null) {
    const { message, remedy } = PROBLEMS[problem];
    lines.push('', message, `→ ${remedy}`);
  } else if (failure !== undefined) {
    lines.push('', failure);
  }
  lines.push('', VERDICTS[outcome](`${RESUME}${local ? ' --local' : ''}`));
  return lines.join('\n');
}

function countLines(counts: Counts): string[] {
  const said: readonly [number, string][] = [
    [counts.created, 'patients created'],
    [counts.linked, 'linked to patients that were there'],
    [counts.updated, 'patients updated'],
    [counts.unlinked, 'patients unlinked, because the contact is deleted'],
    [counts.edited, 'with consent fields that somebody has edited; they are written again'],
    [counts.asked, 'known contacts were not listed and are asked about one by one now'],
    [counts.refused, 'refused by the database; the log above names them'],
  ];
  const width = Math.max(...said.map(([count]) => String(count).length));
  return said
    .filter(([count]) => count > 0)
    .map(([count, text]) => `  ${String(count).padStart(width)}  ${text}`);
}

const VERDICTS: Readonly<Record<Reconciled['outcome'], (resume: string) => string>> = {
  finished: () =>
    'Everything is read. Consents are written to Dynamics from now on, ten contacts a second.',
  unfinished: (resume) => `Not finished. It goes on where it was: ${resume}`,
  busy: (resume) =>
    `reconcile-contacts is reading at the moment, and does the same work. Later: ${resume}`,
  'unknown-organization': () =>
    'No organisation of ConsentHub, or more than one, has this Dynamics (organizations.dynamics_org_id).',
  failed: (resume) => `Not finished. Once the cause is removed it goes on where it was: ${resume}`,
};
