import { createSealer } from '../../../shared/audit/seal.ts';
import { createSealStore } from '../../../shared/audit/seal-store.ts';
import { verifyTrail } from '../../../shared/audit/verify-trail.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { guid } from '../../../shared/dataverse/guid.ts';
import type { Options } from '../../command-line/arguments.ts';
import { CommandError } from '../../command-line/command-error.ts';
import { startProgress } from '../../command-line/progress/start-progress.ts';
import type { Command, CommandContext, Connection } from '../command-context.ts';
import { readSecretValue } from '../secret-value.ts';
import { readPatientTrail } from './patient-trail.ts';
import { trailAsText, verificationAsText } from './report.ts';

/** As `infra/secrets-stack.ts` names it. */
const AUDIT_KEY = 'consenthub-dynamics/audit-key';

const USAGE = 'verify | export';

/** Millions of rows are read: one statement may take longer than those of a function. */
const STATEMENT_TIMEOUT_MS = 60_000;

export const auditCommand: Command = {
  summary:
    'finds audit rows that were altered, taken away or inserted; exports what is on record of a patient',
  words: { usage: USAGE, max: 1 },
  options: { patient: { type: 'string' }, head: { type: 'string' } },
  help: `  verify                     holds every audit row against its seal, and the seals against each other
    --head <number>:<chain>  and against what the log says of a seal (AU-001): finds what was cut off at the end
  export
    --patient <id>           by the id of the patient in ConsentHub

Ends with status 0 if everything is as it was sealed, 1 if not, 2 if that cannot be found out.
`,
  failureStatus: 2,
  async run(context) {
    const [action] = context.options.words;
    if (action === 'verify') {
      refuse(context.options, 'patient', 'export');
      return await verify(context);
    }
    if (action === 'export') {
      refuse(context.options, 'head', 'verify');
      return await exportPatient(context);
    }
    throw new CommandError(`Say what to do: ${USAGE}`);
  },
};

function refuse(options: Options, option: string, belongsTo: string): void {
  if (options.text(option) === undefined) return;
  throw new CommandError(`--${option} belongs to audit ${belongsTo}`);
}

async function verify(context: CommandContext) {
  const { connect, options, json, say, interruption } = context;
  const logged = readLogged(options);
  const connection = await connect();
  const run = { command: 'audit verify', request: { head: logged?.number ?? null } };
  return await connection.recorder.recordedAfter(run, async (note) => {
    const { database, sealer } = await open(connection);
    // A million rows take a minute.
    const progress = startProgress(context, 'audit rows');
    const verification = await verifyTrail({
      reader: createSealStore(database),
      sealer,
      logged,
      signal: interruption,
      onProgress: (done, total) => progress.show(done, total),
    }).finally(() => progress.end());
    const { seals, head, findings } = verification;
    note({ seals, head: head?.number ?? null, findings: findings.length });
    say(
      json
        ? JSON.stringify(verification, undefined, 2)
        : verificationAsText(verification, logged !== undefined),
    );
    if (findings.length > 0) return 1;
    // Where nothing is sealed, nothing could be held against anything.
    return head === undefined ? 2 : 0;
  });
}

async function exportPatient({ connect, options, json, say }: CommandContext) {
  const patientId = readPatient(options);
  const connection = await connect();
  const run = { command: 'audit export', request: { patientId } };
  return await connection.recorder.recordedFirst(run, async (note, runId) => {
    const { database, sealer } = await open(connection);
    const trail = await readPatientTrail(database, sealer, { patientId, runId });
    note({ entries: trail.entries.length, proven: trail.proven });
    say(json ? JSON.stringify(trail, undefined, 2) : trailAsText(trail));
    if (!trail.known) return 2;
    return trail.proven ? 0 : 1;
  });
}

async function open({ target }: Connection) {
  const { value: key } = await readSecretValue(target.secrets, AUDIT_KEY);
  return {
    database: createDatabase({ ...target.database, timeoutMs: STATEMENT_TIMEOUT_MS }),
    sealer: createSealer(key),
  };
}

function readPatient(options: Options): string {
  const given = options.text('patient');
  if (given === undefined) throw new CommandError('Say whose: audit export --patient <id>');
  const { data: id } = guid.safeParse(given);
  if (id === undefined) throw new CommandError(`${given}: not an id`);
  return id;
}

function readLogged(options: Options): { number: number; chain: string } | undefined {
  const given = options.text('head');
  if (given === undefined) return undefined;
  const [, number, chain] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(given) ?? [];
  if (number === undefined || chain === undefined) {
    throw new CommandError(`${given}: not a head. Its form: <number>:<64 hexadecimal digits>`);
  }
  return { number: Number(number), chain };
}
