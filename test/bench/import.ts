/**
 * The first import of a large organisation, killed on the way as often as wanted: how long it takes, how
 * much memory, and whether the rows are exactly right. Nothing is asserted about time.
 *
 * node --import ./infra/sql-modules.ts test/bench/import.ts [--contacts 200000] [--kills 3] [--heap 256]
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { runDynamicsCommand } from '../../infra/dynamics/command.ts';
import { startPostgres } from '../../infra/local/postgres/server.ts';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { startDataverseSimulator } from '../simulators/dataverse/index.ts';
import { startEntraSimulator } from '../simulators/entra/index.ts';
import { startNeonSimulator } from '../simulators/neon/index.ts';

const REPORT_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    contacts: { type: 'string', default: '200000' },
    kills: { type: 'string', default: '3' },
    /** Megabytes that the heap of the importing process may have; V8 takes what it needs otherwise. */
    heap: { type: 'string' },
    /** The importing process itself. */
    stack: { type: 'string' },
  },
});

if (values.stack === undefined) await measure(Number(values.contacts), Number(values.kills));
else await importFor(values.stack);

async function importFor(stackFile: string): Promise<void> {
  const report = setInterval(() => {
    console.log(`memory ${megabytes(process.memoryUsage().rss)} MB`);
  }, REPORT_EVERY_MS);
  process.exitCode = await runDynamicsCommand(['import', '--local', '--json'], {
    environment: {},
    stackFile,
    say: (text) => console.log(text),
    complain: (text) => console.error(text),
  });
  clearInterval(report);
  console.log(`peak memory ${megabytes(process.resourceUsage().maxRSS * 1024)} MB`);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

async function measure(contacts: number, kills: number): Promise<void> {
  const directory = await mkdtemp(path.join(tmpdir(), 'consenthub-import-'));
  const postgres = await startPostgres({
    dataDirectory: path.join(directory, 'postgres'),
    throwaway: true,
  });
  const neon = await startNeonSimulator({ upstream: postgres.url });
  const pool = new Pool({ connectionString: postgres.url });
  const credentials = {
    tenantId: randomUUID(),
    clientId: randomUUID(),
    clientSecret: 'simulated-client-secret',
  };
  const entra = await startEntraSimulator(credentials);
  const stateFile = path.join(directory, 'dataverse.json');
  await (await startDataverseSimulator({ entra, stateFile })).close();
  await addContacts(stateFile, contacts);
  const dataverse = await startDataverseSimulator({ entra, stateFile });
  try {
    await migrateDatabase({
      url: postgres.url,
      endpoint: neon.url,
      directory: fileURLToPath(new URL('../../shared/database/migrations', import.meta.url)),
    });
    await pool.query('insert into organizations (name, dynamics_org_id) values ($1, $2)', [
      'Fictitious Clinic',
      dataverse.organizationId,
    ]);
    const stackFile = path.join(directory, 'stack.json');
    await writeFile(
      stackFile,
      JSON.stringify({
        apiUrl: 'http://127.0.0.1:9',
        webhookSecret: 'none',
        databaseUrl: postgres.url,
        neonEndpoint: neon.url,
        dataverseUrl: dataverse.url,
        entraUrl: entra.url,
        ...credentials,
      }),
    );
    const listed = async () => {
      const { rows } = await pool.query<{ listed: string }>(
        'select listed from dynamics_change_tracking',
      );
      return Number(rows[0]?.listed ?? 0);
    };
    const began = performance.now();
    for (let kill = 1; kill <= kills; kill += 1) {
      await runImport(stackFile, async (child) => {
        const enough = (contacts * kill) / (kills + 1);
        while ((await listed()) < enough) await new Promise((resolve) => setTimeout(resolve, 100));
        child.kill('SIGKILL');
      });
      console.log(`killed at ${await listed()} contacts`);
      // Who was killed holds the lease for three minutes; here nobody waits for that.
      await pool.query('update dynamics_change_tracking set lease_until = now()');
    }
    await runImport(stackFile, async () => undefined);
    const seconds = (performance.now() - began) / 1000;
    console.log(`${contacts} contacts in ${seconds.toFixed(1)} s`);
    const { rows } = await pool.query(
      `select count(*)::int as rows, count(distinct c.patient_id)::int as patients,
         count(*) filter (where p.dynamics_contact_id = c.contact_id::text)::int as linked,
         (select count(*)::int from patients) as all_patients,
         (select count(*)::int from audit_logs) as audit_rows,
         extract(epoch from max(c.write_due_at) - now())::int as last_due_seconds
       from dynamics_contacts c join patients p on p.id = c.patient_id`,
    );
    console.log(rows[0]);
    console.log(
      'requests to Dataverse',
      await (await fetch(`${dataverse.controlUrl}/requests`)).json(),
    );
  } finally {
    await pool.end();
    await dataverse.close();
    await entra.close();
    await neon.close();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

async function runImport(
  stackFile: string,
  meanwhile: (child: ReturnType<typeof spawn>) => Promise<unknown>,
): Promise<void> {
  const limits = values.heap === undefined ? [] : [`--max-old-space-size=${values.heap}`];
  const child = spawn(
    process.execPath,
    [...limits, ...process.execArgv, fileURLToPath(import.meta.url), '--stack', stackFile],
    { stdio: 'inherit' },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  await Promise.all([meanwhile(child), ended]);
}

/** Contacts that were there before anybody looked: no webhook tells of them. */
async function addContacts(stateFile: string, count: number): Promise<void> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the simulator has just written
  const state = JSON.parse(await readFile(stateFile, 'utf8')) as {
    version: string;
    contacts: object[];
  };
  const first = BigInt(state.version);
  const createdon = '2026-01-01T00:00:00Z';
  for (let n = 0; n < count; n += 1) {
    const id = randomUUID();
    state.contacts.push({
      id,
      version: String(first + BigInt(n) + 1n),
      values: {
        contactid: id,
        firstname: `First${n}`,
        lastname: `Fictitious${n}`,
        emailaddress1: `person${n}@example.test`,
        telephone1: `+49 30 ${n}`,
        createdon,
        modifiedon: createdon,
        statecode: 0,
        statuscode: 1,
        merged: false,
      },
    });
  }
  state.version = String(first + BigInt(count) + 1n);
  await writeFile(stateFile, JSON.stringify(state));
}
