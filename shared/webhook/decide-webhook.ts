import { createHash } from 'node:crypto';
import { CONTACT_EVENT_VERSION, type ContactEvent } from '../queue/contact-event.ts';
import type { ExecutionContext } from './execution-context.ts';

/** What our own writes carry as `?tag=`, so that they can be told when they come back as webhooks. */
export const OWN_WRITE_TAG = 'consenthub';

/**
 * Dataverse's messages that change whether a contact exists or what it says. `Restore` brings a
 * contact back from the recycle bin with the id it had; `Merge` deactivates one and changes another.
 */
const EVENT_TYPES: Readonly<Record<string, ContactEvent['type']>> = {
  Create: 'contact.created',
  Update: 'contact.updated',
  Delete: 'contact.deleted',
  Restore: 'contact.created',
  Merge: 'contact.updated',
};

export type WebhookDecision =
  | { readonly action: 'enqueue'; readonly event: ContactEvent }
  | { readonly action: 'ignore'; readonly reason: 'other_entity' | 'other_message' | 'own_write' };

/** Why a message about an entity does not concern us, if it does not. */
export function ignoredBecause(
  about: Pick<ExecutionContext, 'messageName' | 'primaryEntityName'>,
): 'other_entity' | 'other_message' | undefined {
  if (about.primaryEntityName !== 'contact') return 'other_entity';
  return Object.hasOwn(EVENT_TYPES, about.messageName) ? undefined : 'other_message';
}

/** Decides what a genuine webhook means: an event for the queue, or nothing that concerns us. */
export function decideWebhook(context: ExecutionContext, receivedAt: Date): WebhookDecision {
  const reason = ignoredBecause(context);
  const type = EVENT_TYPES[context.messageName];
  if (reason !== undefined || type === undefined) {
    return { action: 'ignore', reason: reason ?? 'other_message' };
  }
  // Both are needed: a customer's workflow that our write started carries the tag at a greater
  // depth, and its change is real.
  if (context.tag === OWN_WRITE_TAG && context.depth === 1) {
    return { action: 'ignore', reason: 'own_write' };
  }
  return {
    action: 'enqueue',
    event: {
      version: CONTACT_EVENT_VERSION,
      eventId: eventIdentity(context),
      type,
      dataverseOrganizationId: context.organizationId,
      contactId: context.primaryEntityId,
      receivedAt: receivedAt.toISOString(),
      correlationId: context.correlationId,
    },
  };
}

/**
 * The same event delivered twice has the same identity; an outer event and the one nested in it,
 * which share operation, correlation and request ids, have two.
 */
function eventIdentity(context: ExecutionContext): string {
  const identity = [
    context.organizationId,
    context.operationId,
    context.owningExtensionId ?? '',
    context.messageName,
    context.primaryEntityId,
  ];
  return createHash('sha256').update(JSON.stringify(identity)).digest('hex');
}
