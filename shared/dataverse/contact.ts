import * as z from 'zod';
import { guid } from './guid.ts';

/** A contact as Dynamics shows it. Cleared columns are null. */
export interface DataverseContact {
  /** Lower case. */
  readonly contactId: string;
  /**
   * `versionnumber`: grows with every change of the row and can be ordered by. A 64-bit integer in
   * decimal digits: compare as BigInt, never as a number.
   */
  readonly version: string;
  /** Opaque: good for `If-Match`, never for ordering. */
  readonly etag: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  /** 0 active, 1 inactive (a merged contact is inactive). */
  readonly stateCode: number;
  /** The contact that this one was merged into; null where it was not. */
  readonly masterId: string | null;
}

/** Column names and values of a contact as the Web API takes them, such as `{ firstname: 'Ada' }`. */
export type ContactFields = Readonly<Record<string, string | number | boolean | null>>;

/** The columns that every read asks for. */
export const CONTACT_SELECT = [
  'contactid',
  'versionnumber',
  'firstname',
  'lastname',
  'emailaddress1',
  'telephone1',
  'statecode',
  'merged',
  '_masterid_value',
].join(',');

/**
 * A selected column is always in the answer, as null when it is empty. One that is missing means that
 * the answer is not what was asked for, and must not pass for a cleared name.
 */
const text = z.string().nullable();

/** A row of `contacts`, parsed by `parseJson` (which keeps the digits of `versionnumber`). */
export const contactRow = z
  .object({
    contactid: guid,
    versionnumber: z.string().regex(/^\d{1,19}$/),
    '@odata.etag': z.string().regex(/^[\x20-\x7e]+$/),
    firstname: text,
    lastname: text,
    emailaddress1: text,
    telephone1: text,
    statecode: z.int(),
    merged: z.boolean().nullable(),
    _masterid_value: guid.nullable(),
  })
  .transform(
    (row): DataverseContact => ({
      contactId: row.contactid,
      version: row.versionnumber,
      etag: row['@odata.etag'],
      firstName: row.firstname,
      lastName: row.lastname,
      email: row.emailaddress1,
      phone: row.telephone1,
      stateCode: row.statecode,
      masterId: row.merged === true ? row._masterid_value : null,
    }),
  );

export const contactPage = z.object({
  value: z.array(contactRow),
  '@odata.nextLink': z.string().optional(),
});
