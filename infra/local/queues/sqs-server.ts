import {
  CreateQueueCommand,
  ListQueuesCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { buildApp } from 'fauxqs';
import type { AccessDenial, AccessGuard } from '../iam/access-guard.ts';
import { SYSTEM_CLOCK } from '../clock.ts';
import type { QueueDefinition } from '../template/definitions.ts';
import { measureQueues, type QueueMeasurement } from './queue-measurement.ts';

export interface SqsServer {
  /** `http://127.0.0.1:port` */
  readonly endpoint: string;
  /** What SQS tells CloudWatch, since it was asked last. */
  measure(): QueueMeasurement[];
  close(): Promise<void>;
}

export interface LocalCredentials {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** The account that fauxqs puts into its ARNs and URLs. */
export const ACCOUNT_ID = '000000000000';
const LOOPBACK = '127.0.0.1';

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;

/** What SQS answers to who may not do what it asks for ("Common errors" and KMS errors of its API). */
const ERRORS = {
  'unknown-key': {
    status: 403,
    type: 'com.amazon.coral.service#UnrecognizedClientException',
    queryError: 'InvalidClientTokenId',
  },
  action: {
    status: 403,
    type: 'com.amazon.coral.service#AccessDeniedException',
    queryError: 'AccessDenied',
  },
  key: {
    status: 400,
    type: 'com.amazonaws.sqs#KmsAccessDenied',
    queryError: 'KMS.AccessDeniedException',
  },
} satisfies Record<AccessDenial['kind'], object>;

/** The parts of fauxqs that its package does not export but its own start uses. */
interface FauxqsInternals {
  readonly SqsStore: new () => Stores['sqsStore'];
  readonly SnsStore: new () => Stores['snsStore'];
  readonly S3Store: new () => Stores['s3Store'];
  readonly PersistenceManager: new (
    directory: string,
  ) => {
    loadSqsAndSns(sqs: Stores['sqsStore'], sns: Stores['snsStore']): void;
    close(): void;
  };
}

/**
 * Starts SQS with queues that survive a restart.
 *
 * `startFauxqs` would listen on every interface of the machine, so its parts are put together here
 * and listen on the loopback address.
 *
 * @param directory where the messages are kept.
 * @param guard decides who may do what; without one everybody may.
 */
export async function startSqs(
  directory: string,
  guard?: Pick<AccessGuard, 'check'>,
): Promise<SqsServer> {
  const { SqsStore, SnsStore, S3Store, PersistenceManager } = await fauxqsInternals();
  const stores = { sqsStore: new SqsStore(), snsStore: new SnsStore(), s3Store: new S3Store() };
  const persistence = new PersistenceManager(directory);
  // For a visibility of zero fauxqs writes a receive count of null, which its own table refuses, and the
  // message is gone until the next start. Unwritten, it is hidden after a restart for as long as it was before.
  Object.assign(persistence, { updateMessageReady() {} });
  persistence.loadSqsAndSns(stores.sqsStore, stores.snsStore);
  Object.assign(stores.sqsStore, { persistence });
  for (const queue of stores.sqsStore.allQueues()) Object.assign(queue, { persistence });

  const measurements = measureQueues(stores.sqsStore, SYSTEM_CLOCK);
  const server = buildApp({ logger: false, stores });
  server.addHook('preHandler', async (request, reply) => {
    const target = String(request.headers['x-amz-target'] ?? '');
    const call = { target, body: request.body };
    const denied = await guard?.check(call, request.headers.authorization);
    if (denied === undefined) return;
    const { status, type, queryError } = ERRORS[denied.kind];
    return reply
      .code(status)
      .header('x-amzn-query-error', `${queryError};Sender`)
      .type('application/x-amz-json-1.0')
      .send(JSON.stringify({ __type: type, message: denied.message }));
  });
  server.addHook('onSend', async (request, reply, payload) => {
    if (reply.statusCode !== 200) return;
    const target = String(request.headers['x-amz-target'] ?? '');
    measurements.count(target, request.body, String(payload));
  });
  const endpoint = await server.listen({ port: 0, host: LOOPBACK });
  return {
    endpoint,
    measure: () => measurements.measure(),
    async close() {
      await server.close();
      persistence.close();
    },
  };
}

/** A client of the local SQS. */
export function sqsClient(
  endpoint: string,
  { region, ...credentials }: LocalCredentials,
): SQSClient {
  return new SQSClient({ endpoint, region, credentials });
}

/** Creates the queues of the template; one that is there already gets the template's attributes. */
export async function createQueues(
  client: SQSClient,
  queues: readonly Pick<QueueDefinition, 'name' | 'url' | 'attributes'>[],
): Promise<void> {
  const { QueueUrls = [] } = await client.send(new ListQueuesCommand({}));
  const existing = new Set(QueueUrls.map((url) => url.split('/').at(-1)));
  for (const { name, url, attributes } of queues) {
    if (existing.has(name)) {
      // An empty redrive policy takes away one that the template does not have any more.
      const Attributes = { RedrivePolicy: '', ...attributes };
      await client.send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes }));
    } else {
      await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }));
    }
  }
}

async function fauxqsInternals(): Promise<FauxqsInternals> {
  const entry = import.meta.resolve('fauxqs');
  const modules = ['sqs/sqsStore.js', 'sns/snsStore.js', 's3/s3Store.js', 'persistence.js'].map(
    async (path): Promise<object> => await import(new URL(path, entry).href),
  );
  return Object.assign({}, ...(await Promise.all(modules)));
}
