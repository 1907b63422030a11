import { type AuditSource, auditValues } from '../../shared/audit/audit-row.ts';
import type { Database } from '../../shared/database/database.ts';
import insertTestAudit from './insert-test-audit.sql';

/** What is on record about one test: never a credential. */
export interface TestRecord {
  /** Subject of the token of whoever asked. */
  readonly subject: string;
  readonly outcome: 'passed' | 'failed' | 'rejected';
  /** The organisation that was tested; null if the request was rejected before that. */
  readonly orgUrl: string | null;
  /** The organisation that was reached. */
  readonly dataverseOrganizationId: string | null;
  readonly credentials: 'configured' | 'given';
  /** Names of checks, or of the fields that were malformed. */
  readonly failed: readonly string[];
}

const SOURCE: AuditSource = 'operator';

/** Adds a row to the audit trail. Throws as `Database` does. */
export function createTestAudit(database: Database, newId: () => string) {
  return async (record: TestRecord): Promise<void> => {
    const { outcome, dataverseOrganizationId, ...values } = record;
    await database.transaction([
      {
        text: insertTestAudit,
        params: [newId(), dataverseOrganizationId, outcome, auditValues(values), SOURCE],
      },
    ]);
  };
}
