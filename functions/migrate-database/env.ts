import * as z from 'zod';

export const environment = z.object({
  DATABASE_URL_SECRET_ARN: z.string().min(1),
  /** Where Lambda unpacks the bundle: the migrations lie beside the code. */
  LAMBDA_TASK_ROOT: z.string().min(1),
  /** Where Neon's protocols are spoken, if not at the database's own host. */
  NEON_ENDPOINT: z.url().optional(),
});
