import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { APIGatewayProxyEventV2, Context } from 'aws-lambda';
import * as fc from 'fast-check';
import { expect, vi } from 'vitest';
import { handler } from '../../functions/receive-webhook/handler.ts';
import { requestEvent } from '../../infra/local/gateway/payload-format.ts';
import { startSecretsManagerSimulator } from '../simulators/secrets-manager/index.ts';
import { expectNothingPersonal, personal } from './personal-data.ts';
import { startQueueRecorder } from './queue-recorder.ts';
import { type RawHeaders, SECRETS } from './signing.ts';

/** Every answer is a small JSON, whatever came in. */
const MAX_ANSWER_CHARACTERS = 500;

const REGION = 'eu-central-1';
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** How a request comes in beside its signature. */
interface Delivery {
  /** Decides whether API Gateway hands the body over as text or base64-encoded. */
  readonly contentType: string | undefined;
  readonly further: RawHeaders;
}

const TEXT = ['application/json', 'Application/JSON; charset=utf-8', 'text/plain'];
const BINARY = ['application/octet-stream', 'application/x-www-form-urlencoded', undefined];

const headerName = fc.constantFrom(
  'X-Ms-Dynamics-Organization',
  'X-Ms-Dynamics-Entity-Name',
  'X-Ms-Dynamics-Request-Name',
  'X-Ms-Correlation-Request-Id',
  'X-Ms-Dynamics-Msg-Size-Exceeded',
  'Content-Encoding',
  'X-Dynamics-Signature-256',
  '__proto__',
  'constructor',
);

const deliveryAs = (contentTypes: readonly (string | undefined)[]): fc.Arbitrary<Delivery> =>
  fc.record({
    contentType: fc.constantFrom(...contentTypes),
    further: fc
      .array(fc.tuple(headerName, fc.oneof(personal, fc.string(), fc.constantFrom('', 'true'))), {
        maxLength: 3,
      })
      .map((headers) => headers.flat()),
  });

export const delivery = deliveryAs([...TEXT, ...BINARY]);

/** Keeps every byte, also of a body that is not UTF-8. */
export const binaryDelivery = deliveryAs(BINARY);

export interface Received {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  /** Bodies and groups of the messages that are on the queue now because of it. */
  readonly queued: readonly { readonly body: unknown; readonly groupId: string | undefined }[];
}

/**
 * The exported handler, with its own clients of AWS on loopback. Whatever it is asked, its answer has
 * to be small JSON, and neither that nor the queue nor the log may hold anything personal.
 */
export async function startWebhookFunction() {
  const secretsManager = await startSecretsManagerSimulator({ region: REGION });
  const queue = await startQueueRecorder();
  vi.stubEnv('AWS_REGION', REGION);
  vi.stubEnv('AWS_ACCESS_KEY_ID', CREDENTIALS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', CREDENTIALS.secretAccessKey);
  vi.stubEnv('AWS_ENDPOINT_URL_SECRETS_MANAGER', secretsManager.url);
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', queue.url);
  vi.stubEnv('CONTACT_QUEUE_URL', `${queue.url}/000000000000/contact-events`);
  vi.stubEnv('DYNAMICS_WEBHOOK_SECRET_ARN', await createSecret(secretsManager.url));

  /** What the function writes: Powertools has a console of its own. */
  let written = '';
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
  }

  async function invoke(event: APIGatewayProxyEventV2): Promise<Received> {
    written = '';
    queue.take();
    const answer = await handler(event, {} as Context);
    const sent = queue.take();
    expectNothingPersonal(JSON.stringify([answer, sent]) + written, Object.values<string>(SECRETS));
    const { statusCode: status = 0, headers, body = '' } = answer;
    expect(headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' });
    expect(body.length).toBeLessThan(MAX_ANSWER_CHARACTERS);
    return {
      status,
      body: JSON.parse(body),
      queued: sent.map(({ MessageBody: message, MessageGroupId: groupId }) => ({
        body: JSON.parse(message),
        groupId,
      })),
    };
  }

  return {
    invoke,
    /** As API Gateway hands it over. */
    post: (body: Buffer, signature: RawHeaders, { contentType, further }: Delivery) =>
      invoke(
        requestEvent(
          {
            method: 'POST',
            target: '/api/dynamics/webhook',
            httpVersion: '1.1',
            rawHeaders: [
              ...further,
              ...(contentType === undefined ? [] : ['Content-Type', contentType]),
              ...signature,
            ],
            sourceIp: '127.0.0.1',
            body,
          },
          {
            routeKey: 'POST /api/dynamics/webhook',
            apiId: 'api',
            accountId: '000000000000',
            stageName: '$default',
            pathParameters: {},
            identity: undefined,
          },
          'request-1',
          Date.now(),
        ),
      ),
    async close() {
      vi.restoreAllMocks();
      vi.unstubAllEnvs();
      await Promise.all([secretsManager.close(), queue.close()]);
    },
  };
}

/** A secret that was rotated twice: two of its three values are valid. */
async function createSecret(endpoint: string): Promise<string> {
  const client = new SecretsManagerClient({ endpoint, region: REGION, credentials: CREDENTIALS });
  try {
    const { ARN: arn = '' } = await client.send(
      new CreateSecretCommand({ Name: 'webhook-secret', SecretString: SECRETS.forgotten }),
    );
    for (const value of [SECRETS.previous, SECRETS.current]) {
      await client.send(new PutSecretValueCommand({ SecretId: arn, SecretString: value }));
    }
    return arn;
  } finally {
    client.destroy();
  }
}
