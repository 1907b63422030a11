import { createSealer } from '../../../shared/audit/seal.ts';
import { createAuditSealing } from '../../../shared/audit/seal-audit.ts';
import { createSealStore } from '../../../shared/audit/seal-store.ts';
import { verifyTrail } from '../../../shared/audit/verify-trail.ts';
import { createDatabase } from '../../../shared/database/database.ts';
import { createMigratedDatabase } from '../../support/migrated-database.ts';

export const KEY = 'a key of this test';

/** A migrated database with a sealer, and with somebody who is above its rules. */
export async function startTrail() {
  const database = await createMigratedDatabase();
  const store = createSealStore(
    createDatabase({ url: database.url, endpoint: database.neonEndpoint }),
  );
  const sql = async (text: string, params: unknown[] = []) =>
    (await database.pool.query(text, params)).rows;
  const forge = async (text: string): Promise<void> => {
    const turn = (how: string) =>
      ['audit_logs', 'audit_seals']
        .map((table) => `alter table ${table} ${how} trigger user`)
        .join(';');
    await sql(`begin; ${turn('disable')}; ${text}; ${turn('enable')}; commit`);
  };
  return {
    database,
    store,
    sql,
    /** As who owns the tables, and turns every trigger off. */
    forge,
    /** As it was in the beginning. */
    empty: () => forge('truncate audit_logs, audit_seals, audit_unsealed'),
    /** Adds so many rows, as ConsentHub does; returns their ids in order. */
    async add(count: number): Promise<readonly string[]> {
      const rows = await sql(
        `insert into audit_logs (organization_id, action, new_values)
         select $1, 'consent_granted', jsonb_build_object('n', n) from generate_series(1, $2::int) n
         returning id`,
        [database.organizationId, count],
      );
      return rows.map(({ id }) => String(id));
    },
    seal: (limit = 1_000, key = KEY) => createAuditSealing(store, createSealer(key))(limit),
    verify: (logged?: { number: number; chain: string }) =>
      verifyTrail({ reader: store, sealer: createSealer(KEY), logged }),
    close: () => database.drop(),
  };
}
