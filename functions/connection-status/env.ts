import * as z from 'zod';
import { connectionEnvironment } from '../../shared/lambda/connect.ts';

export const environment = connectionEnvironment.extend({
  CONTACT_QUEUE_URL: z.url(),
  CONTACT_DEAD_LETTER_QUEUE_URL: z.url(),
  CONSENT_QUEUE_URL: z.url(),
  CONSENT_DEAD_LETTER_QUEUE_URL: z.url(),
});
