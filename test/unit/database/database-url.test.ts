import { describe, expect, test } from 'vitest';
import { createDatabase } from '../../../shared/database/database.ts';
import { parseDatabaseUrl } from '../../../shared/database/database-url.ts';
import { migrateDatabase } from '../../../shared/database/migrate.ts';

describe('the URL of the database', () => {
  test.each([
    'postgres://user:hunter2@ep-cool.eu-central-1.aws.neon.tech/consenthub?sslmode=require',
    ' postgresql://user:hunter2@127.0.0.1:5432/consenthub\n',
  ])('is taken: %j', (text) => {
    expect(parseDatabaseUrl(text).password).toBe('hunter2');
  });

  test.each([
    "psql 'postgres://user:hunter2@host/db'",
    'mysql://user:hunter2@host/db',
    'postgres://user:hunter2@host',
    'postgres://user:hunter2@/db',
    'hunter2',
    '',
  ])('is refused without being repeated: %j', async (url) => {
    const errors: unknown[] = [];
    try {
      createDatabase({ url });
    } catch (error) {
      errors.push(error);
    }
    await migrateDatabase({ url, directory: '/' }).catch((error: unknown) => errors.push(error));
    expect(errors).toHaveLength(2);
    for (const error of errors) {
      expect(error).toMatchObject({ name: 'DatabaseUrlInvalid' });
      const said = JSON.stringify(error, Object.getOwnPropertyNames(error));
      expect(said).not.toContain('hunter2');
    }
  });
});
