import { unescape } from 'node:querystring';
import { NeonError } from './errors.ts';

/** Whom to be in which database, as the caller asks. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly applicationName?: string;
}

/**
 * Reads the header `neon-connection-string`. Host and port name a Neon endpoint there; here there is
 * one server behind the simulator, so they are ignored, as are all parameters but the name of the
 * application.
 * Throws a `NeonError` (400) for what the proxy refuses before it connects, in its order
 * (`get_conn_info` in `proxy/src/serverless`).
 */
export function parseConnectionString(header: string | undefined): Credentials {
  if (header === undefined) throw new NeonError(400, 'invalid header: neon-connection-string');
  const url = URL.parse(header);
  if (url === null) {
    throw new NeonError(400, 'invalid connection string: relative URL without a base');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new NeonError(400, 'incorrect scheme');
  }
  const [, database] = url.pathname.split('/');
  if (database === undefined) throw new NeonError(400, 'missing database name');
  const user = unescape(url.username);
  if (user === '') throw new NeonError(400, 'missing username');
  if (url.password === '') {
    throw new NeonError(400, 'missing authentication credentials: required password');
  }
  const applicationName = url.searchParams.get('application_name');
  return {
    user,
    password: unescape(url.password),
    // PostgreSQL's own default.
    database: database === '' ? user : unescape(database),
    ...(applicationName === null ? {} : { applicationName }),
  };
}
