import { LoggableError } from '../errors/loggable-error.ts';

/** The configured URL cannot be one of a PostgreSQL database. Never repeats it: it holds a password. */
export class DatabaseUrlInvalid extends LoggableError {
  override readonly name = 'DatabaseUrlInvalid';
  constructor() {
    super(
      'The database URL is not of the form postgres://user:password@host/database. ' +
        'Paste what Neon shows as the connection string, without the command around it.',
    );
  }
}

/**
 * Checks the URL before a driver does: drivers and `URL` put what they could not parse, password
 * included, into their errors.
 *
 * @throws DatabaseUrlInvalid
 */
export function parseDatabaseUrl(text: string): URL {
  const url = URL.parse(text.trim());
  const complete = url !== null && url.hostname !== '' && url.pathname.length > 1;
  if (!complete || !/^postgres(?:ql)?:$/.test(url.protocol)) throw new DatabaseUrlInvalid();
  return url;
}
