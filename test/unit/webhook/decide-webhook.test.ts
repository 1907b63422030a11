import { describe, expect, test } from 'vitest';
import { decideWebhook } from '../../../shared/webhook/decide-webhook.ts';
import type { ExecutionContext } from '../../../shared/webhook/execution-context.ts';
import { contactEvent } from '../../../shared/queue/contact-event.ts';
import {
  CONTACT_ID,
  CORRELATION_ID,
  OPERATION_ID,
  ORGANIZATION_ID,
  STEP_ID,
} from '../../support/execution-context.ts';

const NOW = new Date('2026-11-22T10:00:00.000Z');
const context = (overrides: Partial<ExecutionContext> = {}): ExecutionContext => ({
  messageName: 'Create',
  primaryEntityName: 'contact',
  primaryEntityId: CONTACT_ID,
  organizationId: ORGANIZATION_ID,
  operationId: OPERATION_ID,
  correlationId: CORRELATION_ID,
  owningExtensionId: STEP_ID,
  depth: 1,
  tag: undefined,
  ...overrides,
});
const decide = (overrides?: Partial<ExecutionContext>) => decideWebhook(context(overrides), NOW);
const eventId = (overrides?: Partial<ExecutionContext>) => {
  const decision = decide(overrides);
  if (decision.action !== 'enqueue') throw new Error('not enqueued');
  return decision.event.eventId;
};

describe('a genuine webhook', () => {
  test.each([
    ['Create', 'contact.created'],
    ['Update', 'contact.updated'],
    ['Delete', 'contact.deleted'],
    ['Restore', 'contact.created'],
    ['Merge', 'contact.updated'],
  ])('%s becomes %s', (messageName, type) => {
    const decision = decide({ messageName });
    expect(decision).toEqual({
      action: 'enqueue',
      event: {
        version: 1,
        eventId: expect.stringMatching(/^[0-9a-f]{64}$/),
        type,
        dataverseOrganizationId: ORGANIZATION_ID,
        contactId: CONTACT_ID,
        receivedAt: '2026-11-22T10:00:00.000Z',
        correlationId: CORRELATION_ID,
      },
    });
    const event = 'event' in decision ? decision.event : undefined;
    expect(contactEvent.parse(event)).toEqual(event);
  });

  test.each([
    [{ primaryEntityName: 'account' }, 'other_entity'],
    [{ messageName: 'Assign' }, 'other_message'],
    [{ messageName: 'constructor' }, 'other_message'],
    [{ tag: 'consenthub' }, 'own_write'],
  ] as const)('%j is ignored: %s', (overrides, reason) => {
    expect(decide(overrides)).toEqual({ action: 'ignore', reason });
  });

  test.each([
    ['a workflow that our write started', { tag: 'consenthub', depth: 2 }],
    ["somebody else's tag", { tag: 'other' }],
    ['an unknown depth', { tag: 'consenthub', depth: undefined }],
  ])('%s is taken', (_, overrides) => {
    expect(decide(overrides).action).toBe('enqueue');
  });

  test('has the same identity each time, whenever it arrives', {
    tags: ['fault-1', 'fault-3'],
  }, () => {
    expect(eventId()).toBe(eventId({ correlationId: STEP_ID, depth: 3 }));
  });

  test.each([
    { organizationId: STEP_ID },
    { operationId: STEP_ID },
    { owningExtensionId: CONTACT_ID },
    { owningExtensionId: undefined },
    { messageName: 'Update' },
    { primaryEntityId: STEP_ID },
  ])('is another event with %j', (overrides) => {
    expect(eventId(overrides)).not.toBe(eventId());
  });
});
