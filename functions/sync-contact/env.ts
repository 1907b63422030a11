import * as z from 'zod';

const secretArn = z.string().min(1);

export const environment = z.object({
  CONTACT_QUEUE_URL: z.url(),
  CONTACT_DEAD_LETTER_QUEUE_URL: z.url(),
  DATABASE_URL_SECRET_ARN: secretArn,
  DYNAMICS_ORG_URL: z.url(),
  DYNAMICS_AUTHORITY_URL: z.url(),
  /** Empty: found out from the organisation. */
  DYNAMICS_TENANT_ID: z.string().default(''),
  DYNAMICS_CLIENT_ID: z.string().min(1),
  DYNAMICS_CLIENT_SECRET_ARN: secretArn,
  UPSTASH_REDIS_REST_URL: z.url(),
  UPSTASH_REDIS_REST_TOKEN_SECRET_ARN: secretArn,
  DATAVERSE_PARALLEL_REQUESTS: z.coerce.number().int().positive(),
  /** Where Neon's HTTP protocol is spoken, if not at the database's own host. */
  NEON_ENDPOINT: z.url().optional(),
  /** Set by the local runner: the outside systems may be on loopback. */
  LOCAL_STACK: z.literal('true').optional(),
});
