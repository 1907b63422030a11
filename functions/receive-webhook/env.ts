import * as z from 'zod';

export const environment = z.object({
  CONTACT_QUEUE_URL: z.url(),
  DYNAMICS_WEBHOOK_SECRET_ARN: z.string().min(1),
  /** `header` is weaker, and has to be asked for. */
  WEBHOOK_AUTHENTICATION: z.enum(['signature', 'header']).default('signature'),
});
