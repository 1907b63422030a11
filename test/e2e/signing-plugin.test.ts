import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isMonoAvailable, NO_MONO } from '../simulators/dataverse/plugin-host/compile.ts';
import { compileSigningPlugin, SIGNING_PLUGIN } from '../support/signing-plugin.ts';
import { type RunningStack, startRunningStack } from './running-stack.ts';

const available = await isMonoAvailable();
if (!available) {
  process.stderr.write(`The signing plug-in does not run in the simulated Dynamics. ${NO_MONO}\n`);
}

describe.skipIf(!available)('the signing plug-in in the simulated Dynamics', () => {
  let it: RunningStack;
  let wire: Server;
  let secureConfigId: string;
  /** What the plug-in posted, and how ConsentHub answered. */
  let posted: { body: string; answer: string }[] = [];
  /** Statuses that the gateway answers with before it lets requests through again. */
  let outage: number[] = [];

  beforeAll(async () => {
    it = await startRunningStack();
    wire = await listenIn();
    await register(await compileSigningPlugin());
  });
  afterAll(async () => {
    wire?.closeAllConnections();
    wire?.close();
    await it?.close();
  });

  /** Stands between the plug-in and the stack's gateway, notes what passes, and fails as told. */
  async function listenIn(): Promise<Server> {
    const server = createServer((request, response) => {
      void pass(request).then(({ status, answer }) => response.writeHead(status).end(answer));
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return server;
  }

  async function pass(request: IncomingMessage): Promise<{ status: number; answer: string }> {
    const body = await text(request);
    const failure = outage.shift();
    if (failure !== undefined) {
      posted.push({ body, answer: '' });
      return { status: failure, answer: '' };
    }
    const forwarded = await fetch(`${it.details.apiUrl}/api/dynamics/webhook`, {
      method: 'POST',
      headers: {
        'content-type': String(request.headers['content-type']),
        'x-dynamics-signature': String(request.headers['x-dynamics-signature']),
        'x-dynamics-timestamp': String(request.headers['x-dynamics-timestamp']),
      },
      body,
    });
    const answer = await forwarded.text();
    posted.push({ body, answer });
    return { status: forwarded.status, answer };
  }

  const secureConfiguration = (secret: string) => {
    const address = wire.address();
    if (address === null || typeof address === 'string') throw new Error('No TCP address');
    return {
      secureconfig: JSON.stringify({
        url: `http://127.0.0.1:${address.port}/api/dynamics/webhook`,
        secret,
      }),
    };
  };

  /** Registers the assembly in place of the one that the organisation begins with. */
  async function register(content: string): Promise<void> {
    for (const step of await it.rowsOf('sdkmessageprocessingsteps?$select=name')) {
      const id = step['sdkmessageprocessingstepid'];
      await it.webApi('PATCH', `sdkmessageprocessingsteps(${id})`, { statecode: 1, statuscode: 2 });
    }
    const assembly = await it.createRow('pluginassemblies', {
      name: 'ConsentHub.Dynamics',
      version: '1.0.0.0',
      content,
    });
    const type = await it.createRow('plugintypes', {
      name: SIGNING_PLUGIN,
      typename: SIGNING_PLUGIN,
      friendlyname: SIGNING_PLUGIN,
      'pluginassemblyid@odata.bind': `/pluginassemblies(${assembly})`,
    });
    secureConfigId = await it.createRow(
      'sdkmessageprocessingstepsecureconfigs',
      secureConfiguration(it.details.webhookSecret),
    );
    for (const message of ['Create', 'Update']) {
      const [filter] = await it.rowsOf(
        `sdkmessagefilters?$filter=sdkmessageid/name eq '${message}' and primaryobjecttypecode eq 'contact'`,
      );
      await it.createRow('sdkmessageprocessingsteps', {
        name: `ConsentHub: ${message} of contact, signed`,
        stage: 40,
        mode: 1,
        asyncautodelete: true,
        'sdkmessageid@odata.bind': `/sdkmessages(${filter?.['_sdkmessageid_value']})`,
        'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filter?.['sdkmessagefilterid']})`,
        'eventhandler_plugintype@odata.bind': `/plugintypes(${type})`,
        'sdkmessageprocessingstepsecureconfigid@odata.bind': `/sdkmessageprocessingstepsecureconfigs(${secureConfigId})`,
      });
    }
  }

  interface Delivery {
    readonly contactid: string;
    readonly state: string;
    readonly statuses: readonly unknown[];
  }

  /** The last delivery of a contact, once it has ended. */
  const ended = (contactId: string): Promise<Delivery> =>
    it.until(
      async () => {
        const { deliveries } = await it.control<{ deliveries: Delivery[] }>('GET', '/deliveries');
        return deliveries.findLast(({ contactid }) => contactid === contactId);
      },
      ({ state }) => state !== 'pending',
    );

  const patient = (contactId: string) =>
    it.until(
      async () =>
        (
          await it.sql<{ first_name: string }>(
            'select first_name from patients where dynamics_contact_id = $1',
            [contactId],
          )
        )[0],
      () => true,
    );

  const failedJob = async (contactId: string) =>
    (
      await it.rowsOf(
        `asyncoperations?$select=message,retrycount&$filter=statuscode eq 31 and _regardingobjectid_value eq ${contactId}`,
      )
    )[0];

  test('makes a patient of a contact, and only ids leave Dynamics', async () => {
    posted = [];
    const id = await it.create({
      firstname: 'Ada',
      lastname: 'Fictitious',
      emailaddress1: 'ada@example.test',
    });
    expect(await patient(id)).toEqual({ first_name: 'Ada' });
    expect(await ended(id)).toMatchObject({ state: 'delivered', statuses: ['succeeded'] });
    expect(posted).toHaveLength(1);
    const { body, answer } = posted[0] ?? { body: '', answer: '' };
    expect(JSON.parse(answer)).toMatchObject({ status: 'accepted' });
    expect(JSON.parse(body)).toMatchObject({
      PrimaryEntityId: id,
      OrganizationId: it.details.dataverseOrganizationId,
    });
    expect(body).not.toMatch(/Ada|Fictitious|example\.test/);
  });

  test('lets ConsentHub know its own writes by their tag', async () => {
    const id = await it.create({ firstname: 'Grace', lastname: 'Fictitious' });
    await patient(id);
    posted = [];
    await it.webApi('PATCH', `contacts(${id})?tag=consenthub`, { ch_marketing_email: true });
    await it.until(
      async () => posted,
      ({ length }) => length === 1,
    );
    expect(JSON.parse(posted[0]?.answer ?? '')).toEqual({ status: 'ignored', reason: 'own_write' });
  });

  test('is run again until the gateway takes the event', async () => {
    posted = [];
    outage = [503, 429, 503];
    const id = await it.create({ firstname: 'Edsger', lastname: 'Fictitious' });
    expect(await patient(id)).toEqual({ first_name: 'Edsger' });
    expect(await ended(id)).toMatchObject({
      state: 'delivered',
      statuses: ['retry', 'retry', 'retry', 'succeeded'],
    });
    expect(new Set(posted.map(({ body }) => body)).size).toBe(1);
    expect(await failedJob(id)).toBeUndefined();
  });

  test('leaves a failed system job when four runs were in vain', async () => {
    outage = [503, 503, 503, 503];
    const id = await it.create({ firstname: 'Barbara', lastname: 'Fictitious' });
    expect(await ended(id)).toMatchObject({
      state: 'failed',
      statuses: ['retry', 'retry', 'retry', 'retry'],
    });
    expect(outage).toEqual([]);
    expect(await failedJob(id)).toMatchObject({
      retrycount: 3,
      message: 'ConsentHub could not take the event: it answered with 503.',
    });
  });

  test('fails at once with a secret that is not ConsentHub’s, and says what to do', async () => {
    const row = `sdkmessageprocessingstepsecureconfigs(${secureConfigId})`;
    await it.webApi('PATCH', row, secureConfiguration('another-secret'));
    const id = await it.create({ firstname: 'Donald', lastname: 'Fictitious' });
    expect(await ended(id)).toMatchObject({ state: 'failed', statuses: ['failed'] });
    const job = await failedJob(id);
    expect(job?.['message']).toContain('it answered with 401');
    expect(job?.['message']).toContain('set-up again with the current secret');
    expect(job?.['message']).not.toContain('another-secret');
    await it.webApi('PATCH', row, secureConfiguration(it.details.webhookSecret));
  });
});
