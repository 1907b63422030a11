import * as z from 'zod';
import { CONSENT_STATUSES } from './consent-fields.ts';

const time = z.string().nullable();

/** `dynamics_contacts.written`. What an older version of this project wrote there is as good as unknown. */
export const consentFieldsColumn = z
  .object({
    marketingEmail: z.boolean(),
    marketingSms: z.boolean(),
    marketingPhone: z.boolean(),
    marketingMail: z.boolean(),
    consentDate: time,
    consentExpires: time,
    consentStatus: z.enum(CONSENT_STATUSES),
  })
  .nullable()
  .catch(null);
