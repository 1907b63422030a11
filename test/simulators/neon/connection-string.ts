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
 * Throws a `NeonError` (400) for what the proxy refuses before it connects.
 */
export function parseConnectionString(header: string | undefined): Credentials {
  if (header === undefined) throw new NeonError(400, 'missing header: Neon-Connection-String');
  const match = /^postgres(?:ql)?:(\/\/.*)$/.exec(header);
  // The scheme is not one that the URL standard knows how to take apart.
  const rest = match?.[1] === undefined ? null : URL.parse(`http:${match[1]}`);
  if (rest === null) throw new NeonError(400, 'malformed connection string');
  const user = decodeURIComponent(rest.username);
  const password = decodeURIComponent(rest.password);
  const database = decodeURIComponent(rest.pathname.slice(1));
  if (user === '') throw new NeonError(400, 'missing username');
  if (password === '') throw new NeonError(400, 'missing password');
  if (database === '') throw new NeonError(400, 'missing database name');
  const applicationName = rest.searchParams.get('application_name');
  return { user, password, database, ...(applicationName === null ? {} : { applicationName }) };
}
