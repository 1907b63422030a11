import * as z from 'zod';
import { connectionEnvironment } from '../../shared/lambda/connect.ts';

export const environment = connectionEnvironment.extend({
  CONSENT_QUEUE_URL: z.url(),
  CONSENT_DEAD_LETTER_QUEUE_URL: z.url(),
});
