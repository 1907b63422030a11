import * as z from 'zod';

/** An id of Dataverse or Entra ID, in lower case: configuration and webhooks do not always write it so. */
export const guid = z.guid().toLowerCase();

/**
 * Checks an id before it becomes part of a URL.
 *
 * @throws TypeError, without repeating the text: the caller should have validated it
 */
export function parseGuid(text: string): string {
  const { data } = guid.safeParse(text);
  if (data === undefined) throw new TypeError('an id is not a GUID');
  return data;
}
