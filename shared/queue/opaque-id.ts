import * as z from 'zod';

/**
 * An id that its sender has made up. Half of a surrogate pair and U+0000, which JSON can write, fit
 * neither `text` nor `jsonb` ("JSON Types" of PostgreSQL's documentation): the audit trail would refuse
 * the event each time, and its neighbours in a statement with it.
 */
export const opaqueId = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => id.isWellFormed() && !id.includes('\0'));
