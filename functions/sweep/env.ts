import * as z from 'zod';

export const environment = z.object({
  CONTACT_QUEUE_URL: z.url(),
  CONSENT_QUEUE_URL: z.url(),
  DATABASE_URL_SECRET_ARN: z.string().min(1),
  /** The key of the seals on the audit trail. */
  AUDIT_KEY_SECRET_ARN: z.string().min(1),
  /** Where Neon's HTTP protocol is spoken, if not at the database's own host. */
  NEON_ENDPOINT: z.url().optional(),
});
