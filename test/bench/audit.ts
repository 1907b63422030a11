/**
 * A large audit trail is sealed; then one row is altered and one taken away, past the triggers, and all of
 * it is verified. Prints how long each took, and what a run of the sealer costs at the end of so many
 * rows. Nothing is asserted, because the machine is whatever it is.
 *
 * node --import ./infra/sql-modules.ts test/bench/audit.ts [--rows 1000000]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'pg';
import { SEAL_PIECE } from '../../functions/sweep/seal.ts';
import { startPostgres } from '../../infra/local/postgres/server.ts';
import { createSealer } from '../../shared/audit/seal.ts';
import { createAuditSealing } from '../../shared/audit/seal-audit.ts';
import { createSealStore } from '../../shared/audit/seal-store.ts';
import { verifyTrail } from '../../shared/audit/verify-trail.ts';
import { createDatabase } from '../../shared/database/database.ts';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { startNeonSimulator } from '../simulators/neon/index.ts';

/** So that the measurement does not take all day. */
const BULK_PIECE = 5 * SEAL_PIECE;

const { values } = parseArgs({ options: { rows: { type: 'string', default: '1000000' } } });
const rows = Number(values.rows);

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - began) / 1_000).toFixed(2)} s`);
  return result;
}

const directory = await mkdtemp(path.join(tmpdir(), 'consenthub-audit-'));
const postgres = await startPostgres({
  dataDirectory: path.join(directory, 'postgres'),
  throwaway: true,
});
const neon = await startNeonSimulator({ upstream: postgres.url });
const pool = new Pool({ connectionString: postgres.url });
// At the end the database goes away under it.
pool.on('error', () => {});
try {
  await migrateDatabase({
    url: postgres.url,
    endpoint: neon.url,
    directory: fileURLToPath(new URL('../../shared/database/migrations', import.meta.url)),
  });
  const insert = (count: number) =>
    pool.query(
      `insert into audit_logs (patient_id, consent_id, action, new_values, checksum, event_id, source, outcome)
       select gen_random_uuid(), gen_random_uuid(), 'dynamics_sync',
         jsonb_build_object('fields', jsonb_build_array('ch_marketing_email', 'ch_consent_status'), 'eventIds',
           jsonb_build_array(gen_random_uuid()), 'attempt', n),
         encode(sha256(n::text::bytea), 'hex'), gen_random_uuid()::text, 'consenthub', 'applied'
       from generate_series(1, $1::int) n`,
      [count],
    );
  await timed(`${rows} rows added`, () => insert(rows));
  await pool.query('vacuum analyze audit_logs, audit_unsealed');
  const store = createSealStore(
    createDatabase({ url: postgres.url, endpoint: neon.url, timeoutMs: 60_000 }),
  );
  const sealer = createSealer('a key of this measurement');
  const seal = createAuditSealing(store, sealer);
  await timed(`${rows} rows sealed, ${BULK_PIECE} at a time`, async () => {
    for (let run = 0; (await seal(BULK_PIECE)) !== undefined; run += 1) {
      // As autovacuum does meanwhile.
      if (run % 20 === 19) await pool.query('vacuum analyze audit_seals, audit_unsealed');
    }
  });
  await pool.query('vacuum analyze audit_seals, audit_unsealed');
  await insert(10);
  await timed('ten more rows sealed', () => seal(SEAL_PIECE));
  await timed('nothing to seal', () => seal(SEAL_PIECE));
  await pool.query(`begin; alter table audit_logs disable trigger user;
    update audit_logs set outcome = 'refused'
      where id = (select audit_id from audit_seals where number = ${Math.ceil(rows / 3)});
    delete from audit_logs
      where id = (select audit_id from audit_seals where number = ${Math.ceil(rows / 2)});
    alter table audit_logs enable trigger user; commit`);
  const { seals, findings } = await timed('verified', () => verifyTrail({ reader: store, sealer }));
  console.log(`${seals} seals looked at`, findings);
} finally {
  await pool.end();
  await neon.close();
  await postgres.stop();
  await rm(directory, { recursive: true, force: true });
}
