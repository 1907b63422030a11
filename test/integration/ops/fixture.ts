import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetQueueAttributesCommand,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { runOpsCommand } from '../../../infra/ops/command.ts';
import {
  ACCOUNT_ID,
  createQueues,
  sqsClient,
  startSqs,
} from '../../../infra/local/queues/sqs-server.ts';
import { createMigratedDatabase } from '../../support/migrated-database.ts';

const CREDENTIALS = { region: 'eu-central-1', accessKeyId: 'local', secretAccessKey: 'local' };
const QUEUES = [
  'contact-events',
  'contact-events-dead-letter',
  'consent-events',
  'consent-events-dead-letter',
] as const;
export type QueueName = (typeof QUEUES)[number];

/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:9';

/**
 * The queues, ConsentHub's database with one organisation, and the command against both.
 *
 * @param secretsEndpoint where Secrets Manager is; absent: nowhere
 */
export async function startOps(secretsEndpoint = NOWHERE) {
  const directory = await mkdtemp(join(tmpdir(), 'ops-command-'));
  const database = await createMigratedDatabase();
  const server = await startSqs(join(directory, 'queues'));
  const sqs = sqsClient(server.endpoint, CREDENTIALS);
  const url = (name: QueueName) => `${server.endpoint}/${ACCOUNT_ID}/${name}`;
  await createQueues(
    sqs,
    QUEUES.map((name) => ({ name, url: url(name), attributes: {} })),
  );
  const stackFile = join(directory, 'stack.json');
  const details = {
    ...CREDENTIALS,
    sqsEndpoint: server.endpoint,
    lambdaEndpoint: NOWHERE,
    eventsEndpoint: NOWHERE,
    sweepRuleName: 'sweep-rule',
    reconcileRuleName: 'reconcile-rule',
    secretsEndpoint,
    apiUrl: NOWHERE,
    contactQueueUrl: url('contact-events'),
    contactDeadLetterQueueUrl: url('contact-events-dead-letter'),
    consentQueueUrl: url('consent-events'),
    consentDeadLetterQueueUrl: url('consent-events-dead-letter'),
    databaseUrl: database.url,
    neonEndpoint: database.neonEndpoint,
  };
  await writeFile(stackFile, JSON.stringify(details));

  return {
    database,
    /** Runs a command line with `--local`; `answers` are what a person would type. */
    async run(line: string, answers?: readonly string[]) {
      const said: string[] = [];
      const complaints: string[] = [];
      const left = [...(answers ?? [])];
      const status = await runOpsCommand([...line.split(' '), '--local'], {
        environment: {},
        stackFile,
        userName: 'grace',
        wait: async () => undefined,
        say: (text) => said.push(text),
        complain: (text) => complaints.push(text),
        ...(answers !== undefined && { answer: async () => left.shift() ?? '' }),
      });
      return { status, said: said.join('\n'), complaints: complaints.join('\n') };
    },
    /** Returns the message's id. */
    async send(
      queue: QueueName,
      body: string,
      attributes: Readonly<Record<string, string>> = {},
    ): Promise<string> {
      const entries = Object.entries(attributes).map(
        ([name, value]): [string, MessageAttributeValue] => [
          name,
          { DataType: 'String', StringValue: value },
        ],
      );
      const { MessageId: id = '' } = await sqs.send(
        new SendMessageCommand({
          QueueUrl: url(queue),
          MessageBody: body,
          MessageAttributes: Object.fromEntries(entries),
        }),
      );
      return id;
    },
    /** Bodies and attributes of what can be received now; takes it. */
    async receive(queue: QueueName) {
      const { Messages: messages = [] } = await sqs.send(
        new ReceiveMessageCommand({
          QueueUrl: url(queue),
          MaxNumberOfMessages: 10,
          MessageAttributeNames: ['All'],
        }),
      );
      return messages.map(({ Body, MessageAttributes }) => ({
        body: Body,
        attributes: Object.keys(MessageAttributes ?? {}),
      }));
    },
    async visible(queue: QueueName): Promise<number> {
      const { Attributes: attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: url(queue),
          AttributeNames: ['ApproximateNumberOfMessages'],
        }),
      );
      return Number(attributes?.ApproximateNumberOfMessages);
    },
    /** What is on record of commands, in the order of its time. */
    async records(): Promise<readonly Record<string, unknown>[]> {
      const { rows } = await database.pool.query(
        `select source, outcome, organization_id, patient_id, new_values
         from audit_logs where action = 'operator_command' order by "timestamp", outcome`,
      );
      return rows;
    },
    async close() {
      sqs.destroy();
      await server.close();
      await database.drop();
      await rm(directory, { recursive: true });
    },
  };
}
