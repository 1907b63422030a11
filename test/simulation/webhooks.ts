import { createHmac } from 'node:crypto';
import type { WebhookRequest } from '../../functions/receive-webhook/receive-webhook.ts';
import { OWN_WRITE_TAG } from '../../shared/webhook/decide-webhook.ts';
import { TIMESTAMP_TOLERANCE_SECONDS } from '../../shared/webhook/signature.ts';
import type { Functions } from './consumers.ts';
import { type Contact, DATAVERSE_ORGANIZATION_ID } from './organization.ts';
import type { WebhookSecret } from './webhook-secret.ts';
import type { World } from './world.ts';

const LATEST_MS = 200_000;
/** So long a webhook is usually under way at the most. */
const PACES_MS = [200, 2_000] as const;
/** Dataverse tries once more, and only after these (use-webhooks.md). */
const RETRIED_STATUSES: ReadonlySet<number> = new Set([502, 503, 504]);
const RETRY_AFTER_MS = 5_000;

export const FORGERIES = ['unsigned', 'altered', 'other secret', 'replayed'] as const;
export type Forgery = (typeof FORGERIES)[number];

export interface Webhooks {
  /** Dataverse tells of a change, sometimes late, twice or not at all. */
  fire(contact: Contact, message: 'Create' | 'Update' | 'Delete' | 'Restore'): void;
  /** The echo of a write of ours. */
  echo(contact: Contact): void;
  /** Somebody who does not know the secret posts. */
  forge(contact: Contact, forgery: Forgery, key: string): void;
}

/** A guard of the webhook taken out: every request is made to fit. */
export type WebhookTampering = (request: WebhookRequest, secret: string) => WebhookRequest;

interface Captured {
  readonly request: WebhookRequest;
  readonly signedAtMs: number;
}

/** The signing step in Dynamics, its deliveries, and whoever else knows the address. */
export function createWebhooks(
  world: World,
  functions: Pick<Functions, 'receiveWebhook' | 'contactQueue'>,
  secret: WebhookSecret,
  tampering: WebhookTampering | undefined,
): Webhooks {
  const { random } = world;
  const captured: Captured[] = [];
  const sendsTimestamp = random.chance('timestamps', 0.5);
  let count = 0;

  function sign(rawBody: Uint8Array, key: string): WebhookRequest {
    const timestamp = sendsTimestamp ? String(Math.floor(world.now() / 1000)) : undefined;
    return {
      rawBody,
      headers: {
        'x-dynamics-signature': signatureOf(rawBody, key, timestamp),
        ...(timestamp !== undefined && { 'x-dynamics-timestamp': timestamp }),
      },
    };
  }

  async function post(request: WebhookRequest): Promise<{ status: number; certain: boolean }> {
    return functions.receiveWebhook(tampering?.(request, secret.inUse()) ?? request);
  }

  /** Not waited for by whoever calls it: the world goes on while the request is answered. */
  async function deliver(request: WebhookRequest, id: string, isEcho: boolean, attempt = 1) {
    const sentBefore = functions.contactQueue.sent.length;
    const { status, certain } = await post(request);
    if (status === 200) {
      if (!isEcho && functions.contactQueue.sent.length === sentBefore) {
        world.violation('what is acknowledged is on the queue', id);
      }
      return;
    }
    world.note(`${id} is answered ${status}`);
    if (status < 500 && certain) world.violation('no genuine webhook is refused', `${status}`);
    if (RETRIED_STATUSES.has(status) && attempt === 1) {
      world.after(RETRY_AFTER_MS, () => void deliver(request, id, isEcho, attempt + 1));
    }
  }

  function send(contact: Contact, messageName: string, tag?: string) {
    count += 1;
    const id = `webhook ${count}`;
    const fault = world.fault(id, 'webhook', ['webhook lost', 'webhook late', 'webhook doubled']);
    const says = `${id} (${messageName} of ${contact.name})`;
    if (fault === 'webhook lost') {
      world.note(`${says} is lost`);
      return;
    }
    if (fault !== undefined) world.note(`${says} is ${fault.slice('webhook '.length)}`);
    const latest = fault === 'webhook late' ? LATEST_MS : random.pick('webhook pace', PACES_MS);
    const rawBody = bodyOf(contact, messageName, random.uuid(id), tag);
    const isEcho = tag !== undefined;
    const leavesMs = random.between(`${id} delay`, 50, latest);
    world.after(leavesMs, () => {
      const request = sign(rawBody, secret.inUse());
      if (!isEcho) captured.push({ request, signedAtMs: world.now() });
      if (fault === 'webhook doubled') {
        world.after(
          random.between(`${id} again`, 50, LATEST_MS),
          () => void deliver(request, id, isEcho),
        );
      }
      void deliver(request, id, isEcho);
    });
  }

  function forged(contact: Contact, forgery: Exclude<Forgery, 'replayed'>, key: string) {
    const rawBody = bodyOf(contact, 'Delete', random.uuid(key), undefined);
    const genuine = sign(rawBody, secret.inUse());
    switch (forgery) {
      case 'unsigned':
        return { rawBody, headers: {} };
      case 'altered': {
        const altered = Uint8Array.from(rawBody);
        const at = random.between(`${key} byte`, 0, altered.length - 1);
        altered[at] = (altered[at] ?? 0) ^ 1;
        return { ...genuine, rawBody: altered };
      }
      case 'other secret':
        return sign(rawBody, 'a secret that was guessed');
    }
  }

  async function postForged(contact: Contact, forgery: Exclude<Forgery, 'replayed'>, key: string) {
    const { status } = await post(forged(contact, forgery, key));
    if (status < 500 && status !== 401) {
      world.violation('nothing forged is taken', `${forgery}: ${status}`);
    }
  }

  /** A genuine request once more: an event only makes us read, but an old one is refused by its time. */
  async function replay(key: string) {
    const old = captured[random.between(`${key} which`, 0, captured.length - 1)];
    if (old === undefined) return;
    const ageMs = world.now() - old.signedAtMs;
    const { status, certain } = await post(old.request);
    const isStale = sendsTimestamp && ageMs > (TIMESTAMP_TOLERANCE_SECONDS + 1) * 1000;
    if (isStale && certain && status === 200) {
      world.violation('nothing forged is taken', 'an old request');
    }
  }

  return {
    fire: (contact, message) => send(contact, message),
    echo: (contact) => send(contact, 'Update', OWN_WRITE_TAG),
    forge(contact, forgery, key) {
      void (forgery === 'replayed' ? replay(key) : postForged(contact, forgery, key));
    },
  };
}

export const signatureOf = (
  rawBody: Uint8Array,
  secret: string,
  timestamp: string | undefined,
): string => {
  const hmac = createHmac('sha256', secret);
  if (timestamp !== undefined) hmac.update(`${timestamp}.`);
  return hmac.update(rawBody).digest('hex');
};

/** A `RemoteExecutionContext` with what receive-webhook looks at, and with what it must not keep. */
function bodyOf(
  contact: Contact,
  messageName: string,
  operationId: string,
  tag: string | undefined,
): Uint8Array {
  const attributes = Object.entries(contact.columns).map(([key, value]) => ({ key, value }));
  return Buffer.from(
    JSON.stringify({
      MessageName: messageName,
      PrimaryEntityName: 'contact',
      PrimaryEntityId: contact.id,
      OrganizationId: DATAVERSE_ORGANIZATION_ID,
      OperationId: operationId,
      CorrelationId: operationId,
      Depth: 1,
      SharedVariables: tag === undefined ? [] : [{ key: 'tag', value: tag }],
      InputParameters: [{ key: 'Target', value: { Attributes: attributes } }],
    }),
  );
}
