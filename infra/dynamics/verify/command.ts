import { randomUUID } from 'node:crypto';
import type { Verified } from '../../../shared/verify/verify.ts';
import type { DifferingContact } from '../../../shared/verify/verify-store.ts';
import type { Command } from '../command-context.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { startProgress } from '../../command-line/progress/start-progress.ts';
import { connectVerify } from './connect.ts';
import { repairedAsText, verifiedAsText } from './report.ts';

/** Exit statuses, for scripts. */
const AGREE = 0;
const DIFFER = 1;
const NOT_COMPARED = 2;

/** Contacts of one statement: nobody waits long for a row of it. */
const REPAIRED_TOGETHER = 500;

export const verifyCommand: Command = {
  summary:
    'compares Dynamics and ConsentHub, and says what differs; changes nothing without --repair',
  options: {
    sample: { type: 'string' },
    repair: { type: 'boolean', default: false },
  },
  help: `  --sample N  N contacts that ConsentHub knows, picked at random, instead of all of both sides
  --repair    make those that differ due, after asking

Status 0: both sides agree. 1: they differ. 2: not everything could be compared.
`,
  failureStatus: NOT_COMPARED,
  async run(context) {
    const { options, json, say, confirm, interruption } = context;
    const sampleSize = count(options.text('sample'));
    const { verify, repair, estimateContacts } = await connectVerify(
      context.target(['dynamics', 'database']),
      interruption,
    );
    const began = performance.now();
    const total = sampleSize ?? (await estimateContacts().catch(() => undefined));
    const progress = startProgress(context, 'contacts');
    const verified = await verify({
      ...(sampleSize !== undefined && { sample: { size: sampleSize, seed: randomUUID() } }),
      interrupted: () => interruption.aborted,
      onProgress: (compared) => progress.show(compared, total),
    });
    progress.end();
    const elapsedMs = performance.now() - began;
    const { differing } = verified;
    if (!json) say(verifiedAsText(verified, elapsedMs));
    const repaired =
      options.flag('repair') && differing.length > 0 && (await confirm(question(differing.length)))
        ? await repairAll(repair, differing)
        : undefined;
    if (json) say(JSON.stringify({ ...verified, repaired, elapsedMs: Math.round(elapsedMs) }));
    else if (repaired !== undefined) say(repairedAsText(repaired, differing.length));
    return statusOf(verified);
  },
};

const question = (contacts: number): string =>
  `Make ${contacts === 1 ? 'this contact' : `these ${contacts} contacts`} due, so that both sides come to agree?`;

/** Returns how many were repaired. */
async function repairAll(
  repair: Awaited<ReturnType<typeof connectVerify>>['repair'],
  differing: readonly DifferingContact[],
): Promise<number> {
  let repaired = 0;
  for (let from = 0; from < differing.length; from += REPAIRED_TOGETHER) {
    repaired += (await repair(differing.slice(from, from + REPAIRED_TOGETHER), from)).size;
  }
  return repaired;
}

function statusOf({ outcome, differing, unreadable }: Verified): number {
  if (differing.length > 0) return DIFFER;
  return outcome === 'interrupted' || unreadable.length > 0 ? NOT_COMPARED : AGREE;
}

function count(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new CommandError('--sample: a whole number from 1');
  return Number(text);
}
