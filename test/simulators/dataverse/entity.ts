import type { Contact } from './contacts.ts';
import { jsonInteger } from './json.ts';

/** The ETag of a row, as it stands in `@odata.etag`, `If-Match` and `If-None-Match`. */
export function etagOf(contact: Contact): string {
  return `W/"${contact.version}"`;
}

/** A contact as the Web API returns it: the ETag, the selected columns, and always the key. */
export function contactEntity(contact: Contact, columns: readonly string[]): object {
  return Object.fromEntries([
    ['@odata.etag', etagOf(contact)],
    ...columns.map((name) => [
      name,
      name === 'versionnumber' ? jsonInteger(contact.version) : (contact.values[name] ?? null),
    ]),
    ['contactid', contact.id],
  ]);
}
