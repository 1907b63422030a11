import { fileURLToPath } from 'node:url';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export const MIGRATIONS = fileURLToPath(
  new URL('../../shared/database/migrations', import.meta.url),
);

/** A database of its own with everything that this project needs, and one organisation. */
export async function createMigratedDatabase(): Promise<
  TestDatabase & { organizationId: string; dataverseOrganizationId: string }
> {
  const database = await createTestDatabase();
  await migrateDatabase({
    url: database.url,
    endpoint: database.neonEndpoint,
    directory: MIGRATIONS,
  });
  const dataverseOrganizationId = '0a000000-0000-4000-8000-000000000001';
  const { rows } = await database.pool.query<{ id: string }>(
    'insert into organizations (name, dynamics_org_id) values ($1, $2) returning id',
    ['Fictitious Clinic', dataverseOrganizationId],
  );
  const organizationId = rows[0]?.id;
  if (organizationId === undefined) throw new Error('the organisation was not inserted');
  return { ...database, organizationId, dataverseOrganizationId };
}
