import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateDatabase } from '../../shared/database/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { MIGRATIONS } from '../support/migrated-database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database?.drop());

test('a migration whose database is not there ends, and says so', async () => {
  const url = new URL(database.url);
  url.pathname = '/not_there';
  await expect(
    migrateDatabase({ url: url.href, endpoint: database.neonEndpoint, directory: MIGRATIONS }),
  ).rejects.toMatchObject({ name: 'MigrationFailed', code: '3D000' });
});
