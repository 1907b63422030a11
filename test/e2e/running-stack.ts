import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Pool, type QueryResultRow } from 'pg';
import { type Stack, startStack } from '../../infra/local/stack.ts';
import { readMessageCounts, totalOf } from '../../shared/queue/message-counts.ts';
import { signatureOf } from '../support/execution-context.ts';
import { assemblyOfRun } from './assembly-setup.ts';

/** Far more than the five seconds that are promised: the machine of a test is shared and slow. */
export const PATIENCE_MS = 60_000;

/** The whole system in a state directory of its own, and the hands to work with it. */
export async function startRunningStack({
  schedules = false,
  freeze = false,
  webhookAuthentication = 'signature',
}: {
  schedules?: boolean;
  freeze?: boolean;
  webhookAuthentication?: 'signature' | 'header';
} = {}) {
  const stateDirectory = await mkdtemp(join(tmpdir(), 'consenthub-e2e-'));
  const assembly = assemblyOfRun();
  const stack: Stack = await startStack({
    port: 0,
    stateDirectory,
    ...(assembly !== undefined && { assembly }),
    environment: {},
    // Tests ring the clock by hand: one that waits for a minute is a slow one.
    schedules,
    freeze,
    webhookAuthentication,
  });
  const { details } = stack;
  const pool = new Pool({ connectionString: details.databaseUrl });
  pool.on('error', () => {});
  const sqs = new SQSClient({
    region: details.region,
    endpoint: details.sqsEndpoint,
    credentials: { accessKeyId: details.accessKeyId, secretAccessKey: details.secretAccessKey },
  });

  return {
    stack,
    details,
    stateDirectory,
    sqs,

    async sql<T extends QueryResultRow>(text: string, params: unknown[] = []): Promise<T[]> {
      return (await pool.query<T>(text, params)).rows;
    },

    /** A request to the control API of the simulated Dynamics. */
    async control<T = unknown>(method: string, path: string, body?: unknown): Promise<T> {
      const response = await fetch(`${details.dataverseControlUrl}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
      const text = await response.text();
      return (text === '' ? undefined : JSON.parse(text)) as T;
    },

    /** A request to the simulated Web API, as the application. */
    async webApi(method: string, path: string, body?: object): Promise<Response> {
      const { entraUrl, tenantId, clientId, clientSecret, dataverseUrl } = details;
      const granted = await fetch(`${entraUrl}/${tenantId}/oauth2/v2.0/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: clientId,
          client_secret: clientSecret,
          scope: `${dataverseUrl}/.default`,
        }),
      });
      const { access_token: token } = (await granted.json()) as { access_token: string };
      const response = await fetch(`${dataverseUrl}/api/data/v9.2/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${await response.text()}`);
      return response;
    },

    /** Creates a row through the Web API and returns its id. */
    async createRow(set: string, body: object): Promise<string> {
      const location = (await this.webApi('POST', set, body)).headers.get('odata-entityid');
      return /\(([^)]+)\)$/.exec(location ?? '')?.[1] ?? '';
    },

    /** The rows that a query of the Web API finds. */
    async rowsOf(query: string): Promise<Record<string, string>[]> {
      const answer = await this.webApi('GET', query);
      return ((await answer.json()) as { value: Record<string, string>[] }).value;
    },

    /** Creates a contact as a user of Dynamics. */
    async create(values: object): Promise<string> {
      return (await this.control<{ contactid: string }>('POST', '/contacts', values)).contactid;
    },

    /** A signed webhook, posted as `curl` and `openssl` would. */
    post(body: string, headers?: Record<string, string>): Promise<Response> {
      return fetch(`${details.apiUrl}/api/dynamics/webhook`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-dynamics-signature': signatureOf(body, details.webhookSecret),
          ...headers,
        },
        body,
      });
    },

    /** A request of ConsentHub's staff; `null`: without a token. */
    ask(
      method: 'GET' | 'POST',
      path: string,
      { token = details.operatorToken, body }: { token?: string | null; body?: string } = {},
    ): Promise<Response> {
      return fetch(`${details.apiUrl}/api/dynamics/${path}`, {
        method,
        headers: token === null ? {} : { authorization: `Bearer ${token}` },
        ...(body !== undefined && { body }),
      });
    },

    /** Makes Redis (`redis`) or Neon (`neon`) fail. */
    async breakSystem(system: 'redis' | 'neon', mode: string): Promise<void> {
      const response = await fetch(`${details.faultControlUrl}/${system}`, {
        method: 'PUT',
        body: JSON.stringify({ mode }),
      });
      if (!response.ok) throw new Error(`${system}: ${response.status}`);
    },

    /** A request to the control API of the simulated Entra ID. */
    async entra(method: string, path: string, body?: unknown): Promise<void> {
      const response = await fetch(`${details.entraControlUrl}${path}`, {
        method,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`);
    },

    /** Sends a consent event as ConsentHub does. */
    publish(change: object): Promise<unknown> {
      return sqs.send(
        new SendMessageCommand({
          QueueUrl: details.consentQueueUrl,
          MessageBody: JSON.stringify({
            version: 1,
            eventId: crypto.randomUUID(),
            organizationId: details.organizationId,
            occurredAt: new Date().toISOString(),
            ...change,
          }),
        }),
      );
    },

    async messagesIn(queueUrl: string): Promise<number> {
      return totalOf(await readMessageCounts(sqs, queueUrl));
    },

    /**
     * Asks again and again until the answer fits: the system is several processes, and nobody tells
     * when it is done.
     */
    async until<T>(ask: () => Promise<T | undefined>, fits: (now: T) => boolean): Promise<T> {
      const deadline = performance.now() + PATIENCE_MS;
      for (;;) {
        const now = await ask();
        if (now !== undefined && fits(now)) return now;
        if (performance.now() > deadline) throw new Error(`it is still ${JSON.stringify(now)}`);
        await new Promise((resolve) => {
          setTimeout(resolve, 20);
        });
      }
    },

    /**
     * Until a request for the status is answered so. On a slow machine the first questions miss the
     * status's deadline, and an issuer that does not hand out its keys in time vouches for nobody.
     */
    async untilStatusAnswers(code: number, token?: string): Promise<void> {
      await this.until(
        async () => (await this.ask('GET', 'status', token === undefined ? {} : { token })).status,
        (now) => now === code,
      );
    },

    /** Runs a function of the stack, such as `sweep`, as its schedule would. */
    async invoke(title: string): Promise<unknown> {
      const found = stack.cloud.functions.find((one) => one.definition.title === title);
      if (found === undefined) throw new Error(`there is no function ${title}`);
      return found.invoke({});
    },

    async close() {
      await pool.end();
      sqs.destroy();
      await stack.stop();
      await rm(stateDirectory, { recursive: true, force: true });
    },
  };
}

export type RunningStack = Awaited<ReturnType<typeof startRunningStack>>;
