import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, json, startFixture } from './dataverse-fixture.ts';

interface Received {
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly context: Record<string, unknown>;
}

let simulated: Fixture;
let receiver: Server;
let received: Received[];
/** Of the next answers; 200 when they run out. */
let answers: number[];
let receiverUrl: string;

beforeEach(async () => {
  received = [];
  answers = [];
  receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const context = JSON.parse(Buffer.concat(chunks).toString()) as Received['context'];
      received.push({ url: request.url, headers: request.headers, context });
      response.writeHead(answers.shift() ?? 200).end();
    });
  });
  await new Promise<void>((resolve) => {
    receiver.listen(0, '127.0.0.1', resolve);
  });
  const address = receiver.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');
  receiverUrl = `http://127.0.0.1:${address.port}/hook`;
  simulated = await startFixture({ optionValuePrefix: null });
});
afterEach(async () => {
  await simulated.close();
  receiver.closeAllConnections();
  receiver.close();
});

async function create(set: string, body: object): Promise<string> {
  const response = await simulated.api(set, { method: 'POST', body });
  expect(response.status).toBe(204);
  return /\(([^)]+)\)$/.exec(response.headers.get('odata-entityid') ?? '')?.[1] ?? '';
}

/** The ids of a message and of its filter for contacts, as a set-up tool finds them. */
async function messageOf(name: string) {
  const query = `sdkmessagefilters?$filter=sdkmessageid/name eq '${name}' and primaryobjecttypecode eq 'contact'`;
  const { value } = await json<{ value: Record<string, string>[] }>(await simulated.api(query));
  return { filter: value[0]?.['sdkmessagefilterid'], message: value[0]?.['_sdkmessageid_value'] };
}

async function registerEndpoint(values: object = {}): Promise<string> {
  return create('serviceendpoints', {
    name: 'Receiver',
    contract: 8,
    authtype: 5,
    url: receiverUrl,
    authvalue: '<settings><setting name="X-Key" value="secret" /></settings>',
    ...values,
  });
}

async function registerStep(name: string, handler: object, values: object = {}): Promise<string> {
  const { filter, message } = await messageOf(name);
  return create('sdkmessageprocessingsteps', {
    name: `${name} of contact`,
    stage: 40,
    mode: 1,
    asyncautodelete: true,
    'sdkmessageid@odata.bind': `/sdkmessages(${message})`,
    'sdkmessagefilterid@odata.bind': `/sdkmessagefilters(${filter})`,
    ...handler,
    ...values,
  });
}

const endpoint = (id: string) => ({
  'eventhandler_serviceendpoint@odata.bind': `/serviceendpoints(${id})`,
});
const change = (id: string, values: object) =>
  simulated.control('PATCH', `/contacts/${id}`, values);

/** Waits until nothing is on its way, and takes what has arrived. */
async function arrived(): Promise<Received[]> {
  const pending = async () =>
    (await json<{ pending: number }>(await simulated.control('GET', '/deliveries'))).pending;
  await expect.poll(pending).toBe(0);
  return received.splice(0);
}

async function failedJobs(step: string) {
  const query =
    `asyncoperations?$select=name,friendlymessage,errorcode,message,completedon,retrycount` +
    `&$orderby=completedon desc&$filter=statuscode eq 31 and _owningextensionid_value eq ${step}`;
  return (await json<{ value: Record<string, unknown>[] }>(await simulated.api(query))).value;
}

describe('registered steps', () => {
  it('fire for their message and their filtering attributes only', async () => {
    const handler = endpoint(await registerEndpoint());
    const step = await registerStep('Update', handler, {
      filteringattributes: 'lastname,emailaddress1',
    });
    const id = await simulated.createContact({ firstname: 'Ada', lastname: 'First' });
    await change(id, { firstname: 'Eve' });
    expect(await arrived()).toEqual([]);
    await change(id, { lastname: 'Second' });
    const [webhook, ...others] = await arrived();
    expect(others).toEqual([]);
    expect(webhook?.headers).toMatchObject({
      'x-key': 'secret',
      'x-ms-dynamics-request-name': 'Update',
    });
    expect(webhook?.headers).not.toHaveProperty('x-dynamics-signature');
    expect(webhook?.context).toMatchObject({
      MessageName: 'Update',
      OwningExtension: { Id: step, LogicalName: 'sdkmessageprocessingstep' },
    });
  });

  it('do not fire while they are disabled, are synchronous, or after they are gone', async () => {
    const handler = endpoint(await registerEndpoint());
    const step = await registerStep('Create', handler);
    await registerStep('Create', handler, { mode: 0 });
    const patch = (body: object) =>
      simulated.api(`sdkmessageprocessingsteps(${step})`, { method: 'PATCH', body });
    await simulated.createContact({ lastname: 'Enabled' });
    expect(await arrived()).toHaveLength(1);
    await patch({ statecode: 1, statuscode: 2 });
    await simulated.createContact({ lastname: 'Disabled' });
    expect(await arrived()).toEqual([]);
    await patch({ statecode: 0, statuscode: 1 });
    await simulated.api(`sdkmessageprocessingsteps(${step})`, { method: 'DELETE' });
    await simulated.createContact({ lastname: 'Gone' });
    expect(await arrived()).toEqual([]);
  });

  it.each([
    [4, 'key', '/hook?code=key'],
    [6, '<settings><setting name="a" value="b" /></settings>', '/hook?a=b'],
  ])('authenticate with the type %i', async (authtype, authvalue, url) => {
    await registerStep('Create', endpoint(await registerEndpoint({ authtype, authvalue })));
    await simulated.createContact({ lastname: 'Known' });
    expect((await arrived()).map((webhook) => webhook.url)).toEqual([url]);
  });

  it('never say what authenticates them', async () => {
    const id = await registerEndpoint();
    const text = await (await simulated.api(`serviceendpoints(${id})`)).text();
    expect(text).not.toContain('secret');
    expect((await simulated.api(`serviceendpoints(${id})?$select=authvalue`)).status).toBe(400);
  });

  it('bring the images that they ask for', async () => {
    const step = await registerStep('Update', endpoint(await registerEndpoint()));
    for (const [entityalias, imagetype] of [
      ['before', 0],
      ['after', 1],
    ] as const) {
      await create('sdkmessageprocessingstepimages', {
        name: entityalias,
        entityalias,
        imagetype,
        messagepropertyname: 'Target',
        attributes: 'lastname',
        'sdkmessageprocessingstepid@odata.bind': `/sdkmessageprocessingsteps(${step})`,
      });
    }
    const id = await simulated.createContact({ lastname: 'Old' });
    await change(id, { lastname: 'New' });
    const [webhook] = await arrived();
    const image = (key: string, value: string) =>
      expect.objectContaining({
        key,
        value: expect.objectContaining({ Attributes: [{ key: 'lastname', value }] }),
      });
    expect(webhook?.context).toMatchObject({ PreEntityImages: [image('before', 'Old')] });
    expect(webhook?.context['PostEntityImages']).toContainEqual(image('after', 'New'));
  });

  it('go through the plug-in, signed, if that is what they are registered for', async () => {
    await simulated.control('PUT', '/webhook', { url: receiverUrl, secret: 'signing' });
    const assembly = await create('pluginassemblies', { name: 'Signing' });
    const plugIn = await create('plugintypes', {
      typename: 'Signing.Plugin',
      'pluginassemblyid@odata.bind': `/pluginassemblies(${assembly})`,
    });
    await simulated.createContact({ lastname: 'Unregistered' });
    expect(await arrived()).toEqual([]);
    await registerStep('Create', { 'plugintypeid@odata.bind': `/plugintypes(${plugIn})` });
    await simulated.createContact({ lastname: 'Signed' });
    const [webhook] = await arrived();
    expect(webhook?.headers).toHaveProperty('x-dynamics-signature');
  });
});

describe('system jobs', () => {
  it('remember what was lost, after one retry at most', async () => {
    const step = await registerStep('Create', endpoint(await registerEndpoint()));
    answers = [503, 503, 500];
    await simulated.createContact({ lastname: 'Lost' });
    expect(await arrived()).toHaveLength(2);
    await simulated.createContact({ lastname: 'Lost too' });
    expect(await arrived()).toHaveLength(1);
    await simulated.createContact({ lastname: 'Delivered' });
    expect(await arrived()).toHaveLength(1);
    const jobs = await failedJobs(step);
    expect(jobs.map((job) => job['retrycount']).toSorted()).toEqual([0, 1]);
    expect(jobs[0]).toMatchObject({ name: 'Create of contact', errorcode: expect.any(Number) });

    for (const job of jobs) {
      const path = `asyncoperations(${String(job['asyncoperationid'])})`;
      expect((await simulated.api(path, { method: 'DELETE' })).status).toBe(204);
    }
    expect(await failedJobs(step)).toEqual([]);
  });

  it('of success stay only if the step keeps them', async () => {
    const step = await registerStep('Create', endpoint(await registerEndpoint()), {
      asyncautodelete: false,
    });
    await simulated.createContact({ lastname: 'Kept' });
    await arrived();
    const query = `asyncoperations?$filter=_owningextensionid_value eq ${step}`;
    const { value } = await json<{ value: object[] }>(await simulated.api(query));
    expect(value).toMatchObject([{ statuscode: 30, statecode: 3 }]);
  });
});
