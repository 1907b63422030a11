import { randomUUID } from 'node:crypto';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type ConsentChange, toConsentEvent } from './consent-change.ts';

/** Somebody waits in ConsentHub while this runs, and losing the event is harmless: two quick attempts. */
const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 2000;
const MAX_ATTEMPTS = 2;

/** For everything together, also for finding the credentials, which has no limit of its own. */
const PUBLISH_TIMEOUT_MS = 5000;

/**
 * SQS did not acknowledge; it may have taken the event all the same. The committed change is safe:
 * the sweep finds it by its row. Sending again with the same `eventId` is harmless, and not needed.
 */
export class ConsentEventNotAcknowledged extends Error {
  override readonly name = 'ConsentEventNotAcknowledged';
  /** What went wrong, as the AWS SDK calls it: `AccessDenied`, `TimeoutError` … */
  readonly reason: string;
  /** For sending again. */
  readonly eventId: string;
  constructor(reason: string, eventId: string) {
    super(
      `The consent queue did not acknowledge the event (${reason}). The commit stands and nothing has ` +
        'to be undone: the sweep will ring for it.',
    );
    this.reason = reason;
    this.eventId = eventId;
  }
}

/** The part of an `SQSClient` that is used; any version 3 of the AWS SDK has it. */
export interface SqsSender {
  send(
    command: SendMessageCommand,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<object>;
}

export interface ConsentPublisherOptions {
  /** The stack's output `ConsentQueueUrl`. */
  readonly queueUrl: string;
  /**
   * Absent: one that gives up quickly, in the queue's own region, with the credentials that the AWS
   * SDK finds.
   */
  readonly client?: SqsSender | undefined;
  /** Absent: the machine's clock. */
  readonly now?: (() => Date) | undefined;
}

export interface ConsentPublisher {
  /**
   * Tells of a change after it was committed. Resolves when SQS has acknowledged, within five seconds
   * or not at all.
   *
   * @throws ConsentChangeInvalid before anything is sent.
   * @throws ConsentEventNotAcknowledged
   */
  publish(change: ConsentChange): Promise<void>;
}

/**
 * Publishes ConsentHub's changes to the consent queue. Make one per process.
 *
 * @throws TypeError if `queueUrl` is not the URL of a queue.
 */
export function createConsentPublisher({
  queueUrl,
  client,
  now = () => new Date(),
}: ConsentPublisherOptions): ConsentPublisher {
  const url = URL.parse(queueUrl);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      "queueUrl is not the URL of a queue: use the stack's output ConsentQueueUrl",
    );
  }
  const sender = client ?? createClient(regionOf(url));
  return {
    async publish(change) {
      const event = toConsentEvent(change, { eventId: randomUUID(), occurredAt: now() });
      const command = new SendMessageCommand({
        QueueUrl: queueUrl,
        MessageBody: JSON.stringify(event),
        // Makes the standard queue a fair one: no organisation holds up the others.
        MessageGroupId: event.organizationId,
      });
      const abortSignal = AbortSignal.timeout(PUBLISH_TIMEOUT_MS);
      try {
        // The signal ends requests only; the search for credentials has to be left behind.
        await Promise.race([sender.send(command, { abortSignal }), whenAborted(abortSignal)]);
      } catch (error) {
        // The SDK's own message is not kept: it can repeat what was sent.
        throw new ConsentEventNotAcknowledged(reasonOf(error), event.eventId);
      }
    },
  };
}

function createClient(region: string | undefined): SQSClient {
  return new SQSClient({
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
    ...(region !== undefined && { region }),
  });
}

/** The region in a queue's URL: `https://sqs.eu-central-1.amazonaws.com/…`. Absent: the environment says. */
function regionOf({ hostname }: URL): string | undefined {
  return /^sqs\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1];
}

/** Where the SDK calls it just `Error`, what it is: the code of the network, or that no region is known. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  if (error.name !== 'Error') return error.name;
  if (error.message === 'Region is missing') return 'RegionMissing';
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name;
}

function whenAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
