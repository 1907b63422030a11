import { setTimeout as delay } from 'node:timers/promises';
import { deriveContactFields } from '../../../shared/consent/derive-contact-fields.ts';
import { showsConsentFields } from '../../../shared/dataverse/consent-columns.ts';
import {
  ConsentEventNotAcknowledged,
  createConsentPublisher,
} from '../../../shared/publisher/index.ts';
import { sqsClient } from '../queues/sqs-server.ts';
import type { ChangeRequest } from './arguments.ts';
import { CommandError } from '../../command-line/command-error.ts';
import type { CommittedConsent, ConsentHubDatabase, LinkedPatient } from './consenthub-database.ts';
import { createContactReader, type ShownConsent } from './dynamics-contact.ts';
import type { RunningStack } from './running-stack.ts';

/** Cold starts on a slow machine included. */
const PUBLISHED_TIMEOUT_MS = 30_000;
/** Grace period (30 s), the sweep's minute, and as much again for a run that was just missed. */
const UNPUBLISHED_TIMEOUT_MS = 150_000;
const LOOK_EVERY_MS = 100;

/** What became of a change. */
export interface ChangeOutcome extends LinkedPatient {
  readonly consentId: string;
  /** `not-acknowledged` and why: the sweep rings instead. */
  readonly event: 'published' | 'not-published' | `not-acknowledged (${string})`;
  /** Undefined where Dynamics did not answer, or no contact is linked. */
  readonly before: ShownConsent | undefined;
  readonly after: ShownConsent | undefined;
  /** From the commit until Dynamics was seen to show it; undefined if it was not in time. */
  readonly latencyMs: number | undefined;
}

/**
 * Acts as ConsentHub: commits, publishes, and then waits until the contact in Dynamics shows what
 * ConsentHub says.
 *
 * @throws CommandError before anything is changed
 */
export async function changeConsent(
  request: ChangeRequest,
  database: ConsentHubDatabase,
  stack: RunningStack,
): Promise<ChangeOutcome> {
  const readContact = createContactReader(stack);
  const patient = await database.findPatient(request.patient);
  if (patient === undefined) {
    throw new CommandError(
      `No patient and no linked contact has the id ${request.patient}. Some that do: npm run consent -- list`,
    );
  }
  const { patientId, contactId } = patient;
  const before = contactId === null ? undefined : await readContact(contactId);
  const committed = await commitChange(request, patientId, database);
  const committedAt = performance.now();
  const event = request.publish
    ? await publishChange(request.action, patientId, committed, stack)
    : 'not-published';
  const outcome = { ...patient, consentId: committed.consentId, event, before } as const;
  if (contactId === null) return { ...outcome, after: undefined, latencyMs: undefined };

  const usualTimeoutMs = event === 'published' ? PUBLISHED_TIMEOUT_MS : UNPUBLISHED_TIMEOUT_MS;
  const giveUpAt = committedAt + (request.timeoutMs ?? usualTimeoutMs);
  for (;;) {
    const { consents, now } = await database.readConsents(patientId);
    const expected = deriveContactFields(consents, now).fields;
    const after = await readContact(contactId);
    const seenAt = performance.now();
    if (after && showsConsentFields(after.fields, expected, after.options)) {
      return { ...outcome, after, latencyMs: Math.round(seenAt - committedAt) };
    }
    if (seenAt > giveUpAt) return { ...outcome, after, latencyMs: undefined };
    await delay(LOOK_EVERY_MS);
  }
}

/**
 * Writes the decision into ConsentHub's database.
 *
 * @throws CommandError if there is nothing to revoke
 */
export async function commitChange(
  { action, channel, expiry }: Pick<ChangeRequest, 'action' | 'channel' | 'expiry'>,
  patientId: string,
  database: ConsentHubDatabase,
): Promise<CommittedConsent> {
  if (action === 'grant') return await database.grant(patientId, channel, expiry);
  const revoked = await database.revoke(patientId, channel);
  if (revoked === undefined) {
    throw new CommandError(
      `Nothing to revoke: patient ${patientId} has no active consent by ${channel}`,
    );
  }
  return revoked;
}

/** Tells of a decision that was committed. */
export async function publishChange(
  action: ChangeRequest['action'],
  patientId: string,
  { consentId, decidedAt }: CommittedConsent,
  { organizationId, consentQueueUrl, sqsEndpoint, ...credentials }: RunningStack,
): Promise<ChangeOutcome['event']> {
  const client = sqsClient(sqsEndpoint, credentials);
  try {
    await createConsentPublisher({ queueUrl: consentQueueUrl, client }).publish({
      type: action === 'grant' ? 'consent.granted' : 'consent.revoked',
      organizationId,
      patientId,
      consentId,
      occurredAt: decidedAt,
    });
    return 'published';
  } catch (error) {
    if (error instanceof ConsentEventNotAcknowledged) return `not-acknowledged (${error.reason})`;
    throw error;
  } finally {
    client.destroy();
  }
}
