import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrateDatabase } from '../../../shared/database/migrate.ts';
import { runDynamicsCommand } from '../../../infra/dynamics/command.ts';
import { createTestDatabase } from '../../support/database.ts';
import { MIGRATIONS } from '../../support/migrated-database.ts';
import { application, startFixture } from '../simulators/dataverse-fixture.ts';

export const WEBHOOK_SECRET = 'the-secret-of-the-webhook';

/**
 * An organisation, ConsentHub's database without organisations, and the command against both.
 *
 * @param optionValuePrefix null: an organisation that was never set up
 */
export async function startOrganization(optionValuePrefix: number | null = null) {
  const directory = await mkdtemp(join(tmpdir(), 'dynamics-command-'));
  const assembly = join(directory, 'ConsentHub.Dynamics.dll');
  await writeFile(assembly, 'MZ first build');
  const database = await createTestDatabase();
  await migrateDatabase({
    url: database.url,
    endpoint: database.neonEndpoint,
    directory: MIGRATIONS,
  });
  const simulated = await startFixture({ optionValuePrefix });
  const stackFile = join(directory, 'stack.json');
  const writeStack = (neonEndpoint: string) =>
    writeFile(
      stackFile,
      JSON.stringify({
        apiUrl: 'http://127.0.0.1:8787',
        databaseUrl: database.url,
        neonEndpoint,
        dataverseUrl: simulated.dataverse.url,
        entraUrl: simulated.entra.url,
        ...application,
        webhookSecret: WEBHOOK_SECRET,
      }),
    );
  await writeStack(database.neonEndpoint);

  /** Runs a command line with `--local`; `answers` are what a person would type. */
  async function run(line: string, answers?: readonly string[]) {
    const said: string[] = [];
    const complaints: string[] = [];
    const left = [...(answers ?? [])];
    const status = await runDynamicsCommand([...line.split(' '), '--local'], {
      environment: {},
      stackFile,
      say: (text) => said.push(text),
      complain: (text) => complaints.push(text),
      ...(answers !== undefined && { answer: async () => left.shift() ?? '' }),
    });
    const output = { status, said: said.join('\n'), complaints: complaints.join('\n') };
    if (`${output.said}${output.complaints}`.includes(WEBHOOK_SECRET)) {
      throw new Error('the secret was shown');
    }
    return output;
  }

  return {
    simulated,
    database,
    assembly,
    run,
    /** From now on the database does not answer. */
    loseDatabase: () => writeStack('http://127.0.0.1:9/sql'),
    setup: (options = '') => run(`setup --yes --json --assembly ${assembly}${options}`),
    /** Rows of a set of the Web API. */
    async rows(path: string): Promise<Record<string, unknown>[]> {
      const response = await simulated.api(path);
      return ((await response.json()) as { value: Record<string, unknown>[] }).value;
    },
    async close() {
      await simulated.close();
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}
