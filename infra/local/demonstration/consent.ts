import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import * as z from 'zod';
import { createConsentPublisher } from '../../../shared/publisher/publisher.ts';
import { sqsClient } from '../queues/sqs-server.ts';
import type { StackDetails } from '../stack-file.ts';

/** The way of one consent from ConsentHub to the simulated Dynamics. */
export interface ConsentJourney {
  readonly contactId: string;
  /** `ch_marketing_email`, once it is true; undefined if that did not happen in time. */
  readonly marketingEmail: true | undefined;
  /** `ch_consent_status`: the organisation's own value. */
  readonly consentStatus: number | null;
  /** From the commit in ConsentHub until the contact was seen to say it. */
  readonly latencyMs: number;
}

/** Cold starts on a slow machine included. */
const JOURNEY_LIMIT_MS = 20_000;
const LOOK_EVERY_MS = 50;

const consentFields = z.object({
  ch_marketing_email: z.boolean().nullish(),
  ch_consent_status: z.number().nullish(),
});

/**
 * Acts as ConsentHub: commits a patient's consent to marketing by email, then tells of it. Follows it
 * until the contact in the simulated Dynamics says so.
 */
export async function demonstrateConsent(
  details: StackDetails,
  controlUrl: string,
  { contactId, patientId }: { readonly contactId: string; readonly patientId: string },
  signal: AbortSignal,
): Promise<ConsentJourney> {
  const { organizationId } = details;
  const { consentId, grantedAt } = await grantMarketingEmail(details, patientId);
  const start = performance.now();
  const sqs = sqsClient(details.sqsEndpoint, details);
  try {
    await createConsentPublisher({ queueUrl: details.consentQueueUrl, client: sqs }).publish({
      type: 'consent.granted',
      organizationId,
      patientId,
      consentId,
      occurredAt: grantedAt,
    });
  } finally {
    sqs.destroy();
  }
  let fields = await readConsentFields(controlUrl, contactId);
  while (
    fields.ch_marketing_email !== true &&
    performance.now() - start < JOURNEY_LIMIT_MS &&
    !signal.aborted
  ) {
    await delay(LOOK_EVERY_MS);
    fields = await readConsentFields(controlUrl, contactId);
  }
  return {
    contactId,
    marketingEmail: fields.ch_marketing_email === true ? true : undefined,
    consentStatus: fields.ch_consent_status ?? null,
    latencyMs: Math.round(performance.now() - start),
  };
}

async function grantMarketingEmail(
  { databaseUrl, organizationId }: StackDetails,
  patientId: string,
): Promise<{ consentId: string; grantedAt: Date }> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; granted_at: Date }>(
      `insert into consents (organization_id, patient_id, consent_type, status, granted_at)
       values ($1, $2, 'marketing_email', 'active', now())
       returning id, granted_at`,
      [organizationId, patientId],
    );
    const [row] = rows;
    if (row === undefined) throw new Error('the consent was not inserted');
    return { consentId: row.id, grantedAt: row.granted_at };
  } finally {
    await client.end();
  }
}

async function readConsentFields(
  controlUrl: string,
  contactId: string,
): Promise<z.output<typeof consentFields>> {
  const response = await fetch(`${controlUrl}/contacts/${contactId}`);
  return consentFields.parse(await response.json());
}
