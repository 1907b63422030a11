import * as z from 'zod';
import { connectionEnvironment } from '../../shared/lambda/connect.ts';

export const environment = connectionEnvironment.extend({
  /** How many percent of the known contacts a full read may miss before it is stopped. */
  MAX_MISSING_PERCENT: z.coerce.number().min(0).max(100),
});
