import { describeError, type Log } from '../../shared/observability/log.ts';
import { messages } from '../../shared/observability/messages.ts';
import type { Measurements } from '../../shared/observability/metrics.ts';
import type { ContactEvent } from '../../shared/queue/contact-event.ts';
import { decideWebhook, ignoredBecause } from '../../shared/webhook/decide-webhook.ts';
import { parseExecutionContext } from '../../shared/webhook/execution-context.ts';
import { type SignatureVerdict, verifySignature } from '../../shared/webhook/signature.ts';
import {
  type StaticSecretVerdict,
  verifyStaticSecret,
} from '../../shared/webhook/static-secret.ts';

/** Dataverse strips its bodies at 256 KB; nothing genuine comes near this. */
export const MAX_BODY_BYTES = 1_048_576;

export interface WebhookRequest {
  /** Header names in lower case, a doubled header joined with commas (API Gateway, payload 2.0). */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawBody: Uint8Array;
}

export interface WebhookResponse {
  readonly statusCode: 200 | 400 | 401 | 413 | 503;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ReceiveWebhookDependencies {
  /**
   * How a request shows that it comes from Dynamics. One way at a time: with `header` a signature counts
   * for nothing, so that taking the weaker way back closes it.
   */
  readonly authentication: 'signature' | 'header';
  readonly secrets: {
    /** The secrets that are valid now, the current one first. Rejects if none could ever be read. */
    readonly read: () => Promise<readonly string[]>;
    /** Asks again for the sake of a signature that matched none; rate-limited by the adapter. `certain`: somebody could be asked. */
    readonly refresh: () => Promise<{ valid: readonly string[]; certain: boolean }>;
  };
  /** Resolves once the queue has acknowledged the event, rejects if it did not. */
  readonly enqueue: (event: ContactEvent) => Promise<unknown>;
  readonly now: () => Date;
  readonly log: Log;
  readonly metrics: Measurements;
}

/**
 * Takes one webhook: size → signature → parse → ids onto the queue → answer. Dataverse reads only
 * the status code and repeats a delivery once, after 502, 503 or 504 and nothing else: whatever may
 * pass by itself is therefore a 503.
 */
export function createReceiveWebhook(dependencies: ReceiveWebhookDependencies) {
  const { authentication, secrets, enqueue, now, log, metrics } = dependencies;

  const reject = (
    statusCode: WebhookResponse['statusCode'],
    reason: string,
    body: WebhookResponse['body'],
    fields?: readonly string[],
  ): WebhookResponse => {
    metrics.count('WebhooksRejected', { reason });
    log(messages.webhookRejected, { reason, status: statusCode, fields });
    return { statusCode, body };
  };
  const unavailable = (): WebhookResponse => ({
    statusCode: 503,
    body: { error: 'unavailable', message: 'The event could not be taken. Send it again.' },
  });

  const unchecked = (error?: unknown): WebhookResponse => {
    metrics.count('WebhooksRejected', { reason: 'secret_unavailable' });
    log(messages.webhookSecretUnavailable, error === undefined ? {} : describeError(error));
    return unavailable();
  };

  return async (request: WebhookRequest): Promise<WebhookResponse> => {
    const receivedAt = now();
    if (request.rawBody.byteLength > MAX_BODY_BYTES) {
      return reject(413, 'too_large', {
        error: 'payload_too_large',
        message: `The body may have at most ${MAX_BODY_BYTES} bytes.`,
      });
    }

    const verify = verifierOf(authentication, request, receivedAt);
    let verdict: SignatureVerdict | StaticSecretVerdict;
    try {
      verdict = verify(await secrets.read());
      if (verdict === 'mismatch') {
        // The secret may have been rotated a moment ago.
        const { valid, certain } = await secrets.refresh();
        verdict = verify(valid);
        // Dataverse never repeats what was answered with 401.
        if (verdict === 'mismatch' && !certain) return unchecked();
      }
    } catch (error) {
      return unchecked(error);
    }
    if (verdict !== 'valid') {
      // One answer for all of them: what was wrong helps only whoever is guessing.
      return reject(401, `${authentication}_${verdict}`, { error: 'unauthorized' });
    }

    const ignore = (reason: string, correlationId?: string): WebhookResponse => {
      metrics.count('WebhooksIgnored', { reason });
      log(messages.webhookIgnored, { reason, correlationId });
      return { statusCode: 200, body: { status: 'ignored', reason } };
    };
    const parsed = parseExecutionContext(request.rawBody);
    if (!parsed.ok && parsed.problem === 'not_an_execution_context' && parsed.about !== undefined) {
      // A message that is not ours need not have the ids that ours have.
      const reason = ignoredBecause(parsed.about);
      if (reason !== undefined) return ignore(reason);
    }
    if (!parsed.ok) {
      const fields = parsed.problem === 'not_an_execution_context' ? parsed.fields : undefined;
      return reject(
        400,
        parsed.problem,
        {
          error: 'malformed',
          message:
            'The body must be the JSON of a Dataverse RemoteExecutionContext. Check what the registered step posts.',
          ...(fields && { fields }),
        },
        fields,
      );
    }

    const decision = decideWebhook(parsed.context, receivedAt);
    if (decision.action === 'ignore') {
      return ignore(decision.reason, parsed.context.correlationId);
    }

    const { event } = decision;
    const fields = {
      eventId: event.eventId,
      eventType: event.type,
      contactId: event.contactId,
      correlationId: event.correlationId,
    };
    try {
      await enqueue(event);
    } catch (error) {
      metrics.count('WebhooksRejected', { reason: 'queue_unavailable' });
      log(messages.webhookNotQueued, { ...fields, ...describeError(error) });
      return unavailable();
    }
    metrics.count('WebhooksAccepted');
    log(messages.webhookAccepted, fields);
    return { statusCode: 200, body: { status: 'accepted', eventId: event.eventId } };
  };
}

/** Holds a request against the secrets that are valid, the current one first. */
function verifierOf(
  authentication: ReceiveWebhookDependencies['authentication'],
  { rawBody, headers }: WebhookRequest,
  receivedAt: Date,
): (secrets: readonly string[]) => SignatureVerdict | StaticSecretVerdict {
  if (authentication === 'header') {
    const sent = headers['x-dynamics-webhook-secret'];
    return (secrets) => verifyStaticSecret(sent, secrets);
  }
  const signed = {
    rawBody,
    signature: headers['x-dynamics-signature'],
    timestamp: headers['x-dynamics-timestamp'],
  };
  const nowSeconds = receivedAt.getTime() / 1000;
  return (secrets) => verifySignature(signed, secrets, nowSeconds);
}
