import type { IncomingHttpHeaders } from 'node:http';
import type { PoolClient, QueryConfig } from 'pg';
import { NeonError, statementError, tooLarge } from './errors.ts';
import type { Statement } from './payload.ts';

/** What the caller asks for besides the statements, and how many bytes of rows it may get. */
export interface Conditions {
  readonly headers: IncomingHttpHeaders;
  readonly maxBytes: number;
}

/** The answer to one statement: values are PostgreSQL's text, nothing is converted. */
export interface StatementResult {
  readonly command: string;
  readonly rowCount: number | null;
  readonly rows: unknown[];
  readonly fields: readonly object[];
  readonly rowAsArray: boolean;
}

const ISOLATION_LEVELS: Readonly<Record<string, string>> = {
  ReadUncommitted: 'read uncommitted',
  ReadCommitted: 'read committed',
  RepeatableRead: 'repeatable read',
  Serializable: 'serializable',
};

const RAW_TEXT = { getTypeParser: () => (value: string) => value };

/**
 * Runs one statement with the extended protocol, as the proxy does: a text with several statements
 * is refused by PostgreSQL. Throws a `NeonError`.
 */
export async function runStatement(
  client: PoolClient,
  statement: Statement,
  { headers, maxBytes }: Conditions,
): Promise<StatementResult> {
  const rowAsArray = statement.arrayMode ?? headers['neon-array-mode'] === 'true';
  const query: QueryConfig & { rowMode?: 'array'; queryMode: 'extended' } = {
    text: statement.query,
    values: statement.params,
    queryMode: 'extended',
    types: RAW_TEXT,
    ...(rowAsArray ? { rowMode: 'array' } : {}),
  };
  try {
    const result = await client.query<Record<string, unknown>>(query);
    const { command, rowCount, rows, fields } = result;
    if (bytesOf(rows) > maxBytes) throw tooLarge('response', maxBytes);
    // The client has no command for an empty text; the proxy has an empty one.
    return { command: command ?? '', rowCount, rows, fields, rowAsArray };
  } catch (error) {
    throw error instanceof NeonError ? error : statementError(error);
  }
}

/** Runs statements in one transaction, all or none. Throws a `NeonError`. */
export async function runTransaction(
  client: PoolClient,
  statements: readonly Statement[],
  { headers, maxBytes }: Conditions,
): Promise<{ results: StatementResult[] }> {
  const begin = beginStatement(headers);
  try {
    await client.query(begin);
    const results: StatementResult[] = [];
    let bytes = 0;
    for (const statement of statements) {
      const result = await runStatement(client, statement, { headers, maxBytes });
      bytes += bytesOf(result.rows);
      if (bytes > maxBytes) throw tooLarge('response', maxBytes);
      results.push(result);
    }
    await client.query('commit');
    return { results };
  } catch (error) {
    // If this fails too, the connection is gone and so is the transaction.
    await client.query('rollback').catch(() => {});
    throw error instanceof NeonError ? error : statementError(error);
  }
}

function bytesOf(rows: unknown[]): number {
  return Buffer.byteLength(JSON.stringify(rows));
}

function beginStatement(headers: IncomingHttpHeaders): string {
  const modes: string[] = [];
  const level = headers['neon-batch-isolation-level'];
  if (level !== undefined) {
    const name = ISOLATION_LEVELS[level.toString()];
    if (name === undefined) throw new NeonError(400, 'invalid isolation level');
    modes.push(`isolation level ${name}`);
  }
  if (headers['neon-batch-read-only'] === 'true') modes.push('read only');
  if (headers['neon-batch-deferrable'] === 'true') modes.push('deferrable');
  return `begin ${modes.join(' ')}`;
}
