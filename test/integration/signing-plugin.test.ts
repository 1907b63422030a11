import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseExecutionContext } from '../../shared/webhook/execution-context.ts';
import { verifySignature } from '../../shared/webhook/signature.ts';
import { isMonoAvailable, NO_MONO } from '../simulators/dataverse/plugin-host/compile.ts';
import { createPluginHost, type PluginHost } from '../simulators/dataverse/plugin-host/index.ts';
import {
  CONTACT_ID,
  CORRELATION_ID,
  executionContext,
  OPERATION_ID,
  ORGANIZATION_ID,
  STEP_ID,
} from '../support/execution-context.ts';
import { compileSigningPlugin, SIGNING_PLUGIN } from '../support/signing-plugin.ts';

const SECRET = 'simulated-webhook-secret-ü';

const available = await isMonoAvailable();
if (!available) process.stderr.write(`The signing plug-in is not tried. ${NO_MONO}\n`);

describe.skipIf(!available)('the signing plug-in', () => {
  let host: PluginHost;
  let assembly: string;
  let receiver: Server;
  let url: string;
  let received: { headers: IncomingHttpHeaders; body: Buffer }[];
  /** Of the next answers; `hang`: none, `reset`: the connection is cut. */
  let answer: number | 'hang' | 'reset';

  beforeAll(async () => {
    host = createPluginHost();
    assembly = await compileSigningPlugin();
  });
  afterAll(() => host?.close());

  beforeEach(async () => {
    received = [];
    answer = 200;
    receiver = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        received.push({ headers: request.headers, body: Buffer.concat(chunks) });
        if (answer === 'reset') request.socket.resetAndDestroy();
        else if (answer !== 'hang') response.writeHead(answer).end();
      });
    });
    await new Promise<void>((resolve) => {
      receiver.listen(0, '127.0.0.1', resolve);
    });
    const address = receiver.address();
    if (address === null || typeof address === 'string') throw new Error('No TCP address');
    url = `http://127.0.0.1:${address.port}/api/dynamics/webhook`;
  });
  afterEach(() => {
    receiver.closeAllConnections();
    receiver.close();
  });

  const execute = (
    overrides: object = {},
    secure: string = JSON.stringify({ url, secret: SECRET }),
  ) =>
    host.run({
      assembly,
      typeName: SIGNING_PLUGIN,
      unsecure: null,
      secure,
      context: JSON.stringify(executionContext({ ...overrides })),
    });

  test('posts ids and the kind of the event, and nothing else of a context full of names', async () => {
    const parent = executionContext();
    const result = await execute({ ParentContext: parent, RequestId: CORRELATION_ID });
    expect(result.state).toBe('succeeded');
    const [posted, ...others] = received;
    expect(others).toEqual([]);
    const body = posted?.body.toString() ?? '';
    expect(JSON.parse(body)).toEqual({
      MessageName: 'Create',
      PrimaryEntityName: 'contact',
      PrimaryEntityId: CONTACT_ID,
      OrganizationId: ORGANIZATION_ID,
      OperationId: OPERATION_ID,
      CorrelationId: CORRELATION_ID,
      RequestId: CORRELATION_ID,
      OwningExtension: { Id: STEP_ID },
      InitiatingUserId: '77777777-aaaa-4bbb-8ccc-000000000007',
      Depth: 1,
      SharedVariables: [],
    });
    const seen = JSON.stringify([posted?.headers, body, result]);
    expect(seen).not.toMatch(/Ada|Fictitious|example\.test/);
    expect(seen).not.toContain(SECRET);
  });

  test('posts what receive-webhook understands, with a signature that it takes', async () => {
    await execute({ SharedVariables: [{ key: 'tag', value: 'consenthub' }], Depth: 2 });
    const { headers, body } = received[0] ?? { headers: {}, body: Buffer.alloc(0) };
    expect(parseExecutionContext(body)).toEqual({
      ok: true,
      context: {
        messageName: 'Create',
        primaryEntityName: 'contact',
        primaryEntityId: CONTACT_ID,
        organizationId: ORGANIZATION_ID,
        operationId: OPERATION_ID,
        correlationId: CORRELATION_ID,
        owningExtensionId: STEP_ID,
        depth: 2,
        tag: 'consenthub',
      },
    });
    const signed = {
      rawBody: body,
      signature: String(headers['x-dynamics-signature']),
      timestamp: String(headers['x-dynamics-timestamp']),
    };
    const nowSeconds = Date.now() / 1000;
    expect(verifySignature(signed, [SECRET], nowSeconds)).toBe('valid');
    expect(verifySignature({ ...signed, timestamp: undefined }, [SECRET], nowSeconds)).toBe(
      'mismatch',
    );
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-dynamics-signature': expect.stringMatching(/^[0-9a-f]{64}$/),
      connection: 'close',
    });
    expect(headers).not.toHaveProperty('expect');
  });

  test('keeps the tag of somebody else to itself', async () => {
    await execute({ SharedVariables: [{ key: 'tag', value: 'import for Ada Fictitious' }] });
    expect(JSON.parse(received[0]?.body.toString() ?? '')).toMatchObject({ SharedVariables: [] });
  });

  test.each([
    [200, 'succeeded', ''],
    [202, 'succeeded', ''],
    [302, 'failed', 'answered with 302. Check the URL'],
    [400, 'failed', 'install the plug-in that belongs to the deployed version'],
    [401, 'failed', 'The secret in the secure configuration of this step is not ConsentHub’s'],
    [404, 'failed', 'Take the output WebhookUrl'],
    [413, 'failed', 'answered with 413'],
    [429, 'retry', 'answered with 429'],
    [500, 'retry', 'answered with 500'],
    [503, 'retry', 'answered with 503'],
  ] as const)('makes of the answer %i: %s', async (status, state, says) => {
    answer = status;
    const result = await execute();
    expect(result.state).toBe(state);
    expect(result.message?.replaceAll("'", '’') ?? '').toContain(says);
    expect(received).toHaveLength(1);
    expect(result.traces).toEqual([
      `ConsentHub: Create of contact ${CONTACT_ID}, operation ${OPERATION_ID}: answered with ${status}`,
    ]);
  });

  test('asks to be run again when the connection is cut, or refused', async () => {
    answer = 'reset';
    expect(await execute()).toMatchObject({ state: 'retry' });
    receiver.closeAllConnections();
    await new Promise((resolve) => {
      receiver.close(resolve);
    });
    expect(await execute()).toMatchObject({ state: 'retry' });
  });

  test('asks to be run again when the answer does not come in time', async () => {
    const impatient = await compileSigningPlugin((source) => {
      const edited = source.replace('TimeoutMs = 20 * 1000', 'TimeoutMs = 200');
      expect(edited).not.toBe(source);
      return edited;
    });
    answer = 'hang';
    const result = await host.run({
      assembly: impatient,
      typeName: SIGNING_PLUGIN,
      unsecure: null,
      secure: JSON.stringify({ url, secret: SECRET }),
      context: JSON.stringify(executionContext()),
    });
    expect(result).toMatchObject({
      state: 'retry',
      message: 'ConsentHub did not answer (Timeout).',
    });
  });

  test.each([
    ['nothing', '', 'Run ConsentHub’s set-up again'],
    ['no JSON', 'secret-value', 'Run ConsentHub’s set-up again'],
    ['no secret', '{"url":"https://api.example.test/"}', 'Run ConsentHub’s set-up again'],
    ['an empty secret', '{"url":"https://api.example.test/","secret":""}', 'set-up again'],
    ['no URL', '{"url":"secret-value","secret":"secret-value"}', 'Run ConsentHub’s set-up again'],
    ['no TLS', '{"url":"http://api.example.test/","secret":"secret-value"}', 'https://'],
    ['an IP address', '{"url":"https://192.0.2.1/","secret":"secret-value"}', 'IP address'],
  ])('fails for good with %s in the secure configuration', async (_, secure, says) => {
    const result = await execute({}, secure);
    expect(result.state).toBe('failed');
    expect(result.message?.replaceAll("'", '’')).toContain(says);
    expect(JSON.stringify(result)).not.toContain('secret-value');
  });

  test('refuses to run in a synchronous step, where somebody would wait for it', async () => {
    const result = await execute({ Mode: 0 });
    expect(result).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('synchronous'),
    });
    expect(received).toEqual([]);
  });
});
