import { DataverseUnreadable } from './errors.ts';
import { API_PATH } from './web-api.ts';

/**
 * Checks a link that an answer names. The token goes wherever it points: only to the table that was
 * being read.
 *
 * @throws DataverseUnreadable
 */
export function ownLink(link: string, orgUrl: string): URL {
  const url = URL.parse(link);
  const own =
    url !== null &&
    url.origin === orgUrl &&
    url.pathname === `${API_PATH}contacts` &&
    url.username === '' &&
    url.password === '';
  if (!own) throw new DataverseUnreadable('foreign next link');
  return url;
}
