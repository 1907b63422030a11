import { setTimeout as wait } from 'node:timers/promises';
import { DatabaseConflict, DatabaseUnavailable } from '../../../shared/database/database.ts';
import { DataverseUnavailable } from '../../../shared/dataverse/errors.ts';
import type { LogFields } from '../../../shared/observability/log.ts';
import type { Message } from '../../../shared/observability/messages.ts';
import type { ReconcileOptions, Reconciled } from '../../../shared/reconcile/reconcile.ts';
import type { Command, CommandContext } from '../command-context.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { messageOf } from '../../command-line/message-of.ts';
import { connectImport } from './connect.ts';
import { paceOf } from '../../command-line/progress/pace.ts';
import { importAsText } from './report.ts';
import { showProgress } from '../../command-line/progress/show-progress.ts';

/** As `infra/bridge-stack.ts`: which share of the known contacts a full read may miss. */
const MAX_MISSING_PERCENT = 5;

/** What passes by itself, Dynamics away or throttling, is tried again so often, after so long. */
const MAX_TRIES = 5;
const RETRY_MS = 20_000;

const NEW_EPOCH_QUESTION =
  'This forgets which versions of the contacts were applied and reads everything anew. Do it only after the environment was restored from a backup. Go on?';

export const importCommand: Command = {
  summary: 'reads all contacts into ConsentHub, or goes on with it; can be interrupted',
  options: {
    again: { type: 'boolean', default: false },
    'new-epoch': { type: 'boolean', default: false },
    'max-missing': { type: 'string' },
  },
  help: `  --again          read everything again, though it was read before
  --new-epoch      the same, after the environment was restored from a backup
  --max-missing N  let it miss N percent of the known contacts (5)`,
  async run(context) {
    const { options, json, say, confirm, interruption } = context;
    const maxMissingShare = percent(options.text('max-missing')) / 100;
    const target = context.target(['dynamics', 'database']);
    const newEpoch = options.flag('new-epoch');
    if (newEpoch && !(await confirm(NEW_EPOCH_QUESTION))) return 1;

    const began = performance.now();
    const { reconcile, estimateContacts } = connectImport(target, {
      maxMissingShare,
      log: logTo(context),
    });
    const total = await estimateContacts().catch(() => undefined);
    const progress = showProgress({
      things: 'contacts',
      terminal: json ? undefined : context.terminal,
      now: () => performance.now(),
      line: (text) => (json ? undefined : say(text)),
    });
    let first: { readonly listed: number; readonly atMs: number } | undefined;
    let fullRead: ReconcileOptions['fullRead'] = newEpoch
      ? 'new-epoch'
      : options.flag('again')
        ? 'again'
        : undefined;
    let result: Reconciled | undefined;
    let error: Error | undefined;
    for (let tries = 1; tries <= MAX_TRIES && !interruption.aborted; tries += 1) {
      if (tries > 1)
        await wait(RETRY_MS, undefined, { signal: interruption }).catch(() => undefined);
      if (interruption.aborted) break;
      error = undefined;
      const done = await reconcile({
        remainingMs: () => (interruption.aborted ? 0 : Infinity),
        fullRead,
        onFailure: (failure) => {
          error = failure;
        },
        onProgress: ({ listed }) => {
          if (listed === null) return;
          const atMs = performance.now();
          first ??= { listed, atMs };
          const { listed: startedWith, atMs: startedMs } = first;
          progress.show(paceOf({ done: listed, startedWith, elapsedMs: atMs - startedMs, total }));
        },
      });
      result = result === undefined ? done : together(result, done);
      // Begun already: the next try goes on with it.
      if (done.outcome === 'failed' && done.counts.pages > 0) fullRead = undefined;
      if (done.outcome !== 'failed' || done.problem !== null || !passes(error)) break;
    }
    progress.end();
    if (result === undefined) return 1;
    const elapsedMs = performance.now() - began;
    const failure = error === undefined ? undefined : messageOf(error);
    say(
      json
        ? JSON.stringify({ ...result, failure: failure ?? null, elapsedMs: Math.round(elapsedMs) })
        : importAsText(result, failure, elapsedMs, options.flag('local')),
    );
    return result.outcome === 'finished' && result.problem === null ? 0 : 1;
  },
};

/** Whether it can be another time what it was not this time. */
const passes = (error: Error | undefined): boolean =>
  error instanceof DataverseUnavailable ||
  error instanceof DatabaseUnavailable ||
  error instanceof DatabaseConflict;

/** What several tries have done. */
function together(before: Reconciled, after: Reconciled): Reconciled {
  const counts = { ...after.counts };
  for (const name of Object.keys(counts)) {
    if (isCount(name, counts)) counts[name] += before.counts[name];
  }
  return { ...after, counts };
}

const isCount = (name: string, counts: Reconciled['counts']): name is keyof Reconciled['counts'] =>
  name in counts;

function percent(text = String(MAX_MISSING_PERCENT)): number {
  const number = Number(text);
  if (text.trim() === '' || !(number >= 0 && number <= 100)) {
    throw new CommandError('--max-missing: a number from 0 to 100');
  }
  return number;
}

/** What a function would log, for whoever sits before it: warnings and errors only, and no person's data. */
function logTo({ complain }: CommandContext) {
  return ({ code, level, text }: Message, fields: LogFields = {}) => {
    if (level === 'info') return;
    const details = Object.entries(fields).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name} ${String(value)}`],
    );
    complain([`${code} ${text}`, ...details].join(', '));
  };
}
