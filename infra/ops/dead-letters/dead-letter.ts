import type { Message } from '@aws-sdk/client-sqs';
import { parseConsentEvent } from '../../../shared/queue/consent-event.ts';
import { parseContactEvent } from '../../../shared/queue/contact-event.ts';
import type { SentMessage } from '../../../shared/queue/queue.ts';
import type { EventQueue } from '../target.ts';

/** A message of a dead-letter queue. */
export interface DeadLetter {
  readonly id: string;
  /** The queue that it was sent to at first. */
  readonly queue: EventQueue['name'];
  /** Ids and kinds of an event, as far as it could be understood; else anything. */
  readonly body: string;
  /** Why it is one; undefined where SQS has moved it. */
  readonly reason: string | undefined;
  /** String attributes, `reason` among them. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly sentAt: Date;
}

/** A message with the names of SQS's API in the terms of this project. Pure. */
export function deadLetterOf(queue: EventQueue['name'], message: Message): DeadLetter {
  const attributes = Object.fromEntries(
    Object.entries(message.MessageAttributes ?? {}).flatMap(([name, { StringValue: value }]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
  return {
    id: message.MessageId ?? '',
    queue,
    body: message.Body ?? '',
    reason: attributes['reason'],
    attributes,
    sentAt: new Date(Number(message.Attributes?.SentTimestamp ?? 0)),
  };
}

/** What is sent to the source queue: the same, without the reason, and fair to the other organisations. Pure. */
export function redriven({ queue, body, attributes }: DeadLetter): SentMessage {
  const { reason: _reason, ...kept } = attributes;
  const groupId = organizationOf(queue, body);
  return { body, attributes: kept, ...(groupId !== undefined && { groupId }) };
}

/** Of one that is malformed: names of its fields that are missing or malformed; undefined where that says nothing. Pure. */
export function wrongFields({ queue, body, reason }: DeadLetter): readonly string[] | undefined {
  if (reason !== 'malformed') return undefined;
  const parsed = queue === 'contact-events' ? parseContactEvent(body) : parseConsentEvent(body);
  return parsed.ok || parsed.fields.length === 0 ? undefined : parsed.fields;
}

function organizationOf(queue: EventQueue['name'], body: string): string | undefined {
  if (queue === 'contact-events') {
    const contact = parseContactEvent(body);
    return contact.ok ? contact.event.dataverseOrganizationId : undefined;
  }
  const consent = parseConsentEvent(body);
  return consent.ok ? consent.event.organizationId : undefined;
}
