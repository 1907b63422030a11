import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startOrganization, WEBHOOK_SECRET } from './fixture.ts';

let organization: Awaited<ReturnType<typeof startOrganization>>;

beforeEach(async () => {
  organization = await startOrganization();
});
afterEach(() => organization.close());

const STEPS =
  'sdkmessageprocessingsteps?$select=name,stage,mode,filteringattributes,statecode,asyncautodelete' +
  '&$expand=eventhandler_plugintype($select=typename),eventhandler_serviceendpoint($select=url),' +
  'sdkmessageprocessingstepsecureconfigid($select=secureconfig)&$orderby=name';

const CRM = 'Microsoft.Dynamics.CRM';
const label = (text: string) => ({ LocalizedLabels: [{ Label: text, LanguageCode: 1033 }] });

describe('an organisation that was never set up', () => {
  test('gets everything, and the second run changes nothing', async () => {
    const { status, said, complaints } = await organization.setup();
    expect({ status, complaints }).toEqual({ status: 0, complaints: '' });
    expect(JSON.parse(said)).toMatchObject({ stop: 0, keep: 0, create: 18, change: 2, done: 20 });

    const steps = await organization.rows(STEPS);
    expect(steps.map(({ name }) => name)).toEqual([
      'ConsentHub: Create of contact',
      'ConsentHub: Delete of contact',
      'ConsentHub: Restore of contact',
      'ConsentHub: Update of contact',
    ]);
    for (const step of steps) {
      expect(step).toMatchObject({
        stage: 40,
        mode: 1,
        statecode: 0,
        asyncautodelete: true,
        eventhandler_plugintype: { typename: 'ConsentHub.Dynamics.SendWebhook' },
        sdkmessageprocessingstepsecureconfigid: {
          secureconfig: JSON.stringify({
            url: 'http://127.0.0.1:8787/api/dynamics/webhook',
            secret: WEBHOOK_SECRET,
          }),
        },
      });
    }
    expect(steps[3]?.['filteringattributes']).toContain('emailaddress1,telephone1,statecode,ch_');
    const { rows } = await organization.database.pool.query(
      'select name, dynamics_org_id, azure_tenant_id from organizations',
    );
    expect(rows).toEqual([
      {
        name: 'Contoso Health (simulated)',
        dynamics_org_id: organization.simulated.dataverse.organizationId,
        azure_tenant_id: '6f0c0a52-8f44-4c8e-9a53-1d1a5c3c7a01',
      },
    ]);

    const again = await organization.setup();
    expect(JSON.parse(again.said)).toMatchObject({ create: 0, change: 0, stop: 0, done: 0 });
    expect(again.status).toBe(0);
  });

  test('is shown the plan first, and nothing happens without a yes', async () => {
    const line = `setup --assembly ${organization.assembly}`;
    const dry = await organization.run(`${line} --dry-run`);
    expect(dry.status).toBe(0);
    expect(dry.said).toContain('create  column ch_marketing_email: boolean');
    expect(dry.said).toContain('secret: from the environment');
    expect(await organization.run(line)).toMatchObject({
      status: 1,
      complaints: expect.stringContaining('say --yes'),
    });
    expect(await organization.run(line, ['no'])).toMatchObject({
      status: 1,
      complaints: 'Nothing was changed.',
    });
    expect(await organization.rows('publishers?$select=uniquename')).toHaveLength(1);
    expect(await organization.run(line, ['y'])).toMatchObject({ status: 0 });
  });

  test('needs a built plug-in, unless one is registered', async () => {
    const missing = await organization.run('setup --yes --assembly /nowhere.dll');
    expect(missing).toMatchObject({
      status: 1,
      complaints: expect.stringContaining('dotnet build'),
    });
  });

  test('is registered without a plug-in where header mode is wanted', async () => {
    const header = 'setup --yes --json --authentication header';
    expect(await organization.run(header)).toMatchObject({ status: 0 });
    const steps = await organization.rows(STEPS);
    expect(steps[0]).toMatchObject({
      eventhandler_plugintype: null,
      eventhandler_serviceendpoint: { url: 'http://127.0.0.1:8787/api/dynamics/webhook' },
      sdkmessageprocessingstepsecureconfigid: null,
    });
    expect(JSON.parse((await organization.run(header)).said)).toMatchObject({ done: 0 });
    const renewed = await organization.run(`${header} --renew-secret`);
    expect(JSON.parse(renewed.said)).toMatchObject({ change: 1, done: 1 });

    // From one way to the other: the steps are replaced.
    expect(await organization.setup()).toMatchObject({ status: 0 });
    expect((await organization.rows(STEPS))[0]).toMatchObject({
      eventhandler_plugintype: { typename: 'ConsentHub.Dynamics.SendWebhook' },
    });
    expect(await organization.rows(STEPS)).toHaveLength(4);
  });
});

const PARTS = [
  'publishers',
  'EntityDefinitions',
  'PublishXml',
  'pluginassemblies',
  'sdkmessageprocessingstepsecureconfigs',
  'sdkmessageprocessingsteps',
];
test.each(PARTS)(
  'a run that loses the answer to a write of %s is taken up by the next one',
  async (path) => {
    const fault = { mode: 'apply-late', line: 'reset', paths: [path] };
    await organization.simulated.control('PUT', '/faults', fault);
    const broken = await organization.setup();
    expect(broken).toMatchObject({
      status: 1,
      said: '',
      complaints: expect.stringContaining('goes on where it stopped'),
    });
    await organization.simulated.control('DELETE', '/faults');
    await organization.simulated.control('POST', '/faults/release');
    expect(await organization.setup()).toMatchObject({ status: 0 });
    expect(JSON.parse((await organization.setup()).said)).toMatchObject({ done: 0, stop: 0 });
    expect(await organization.rows(STEPS)).toHaveLength(4);
    for (const set of ['publishers', 'solutions']) {
      expect(await organization.rows(`${set}?$select=uniquename`)).toHaveLength(2);
    }
    for (const set of [
      'pluginassemblies',
      'plugintypes',
      'sdkmessageprocessingstepsecureconfigs',
    ]) {
      expect(await organization.rows(set)).toHaveLength(1);
    }
  },
);

test('it stops at a column of another type, and changes nothing', async () => {
  await organization.simulated.api('publishers', {
    method: 'POST',
    body: {
      uniquename: 'somebody',
      friendlyname: 'Somebody',
      customizationprefix: 'ch',
      customizationoptionvalueprefix: 20_000,
    },
  });
  await organization.simulated.api("EntityDefinitions(LogicalName='contact')/Attributes", {
    method: 'POST',
    body: {
      '@odata.type': `${CRM}.StringAttributeMetadata`,
      SchemaName: 'ch_consent_date',
      DisplayName: label('Consent'),
      MaxLength: 100,
    },
  });
  const { status, said } = await organization.setup();
  expect(status).toBe(1);
  const { plan, done } = JSON.parse(said);
  expect(done).toBe(0);
  expect(plan.filter(({ action }: { action: string }) => action === 'stop')).toEqual([
    {
      part: 'column',
      name: 'ch_consent_date',
      action: 'stop',
      detail: expect.stringContaining('has the type String, needs DateTime'),
    },
  ]);
  expect(
    await organization.rows("solutions?$select=uniquename&$filter=uniquename ne 'Default'"),
  ).toEqual([]);
});

test('a publisher with the prefix is used, whoever made it', async () => {
  await organization.simulated.api('publishers', {
    method: 'POST',
    body: {
      uniquename: 'somebody',
      friendlyname: 'Somebody',
      customizationprefix: 'ch',
      customizationoptionvalueprefix: 20_000,
    },
  });
  expect(await organization.setup()).toMatchObject({ status: 0 });
  const [solution] = await organization.rows(
    "solutions?$select=uniquename&$expand=publisherid($select=uniquename)&$filter=uniquename eq 'ConsentHubDynamics'",
  );
  expect(solution).toMatchObject({ publisherid: { uniquename: 'somebody' } });
});

test('another build and another secret are changed, a disabled step is enabled', async () => {
  await organization.setup();
  await writeFile(organization.assembly, 'MZ second build');
  const [step] = await organization.rows('sdkmessageprocessingsteps?$select=name');
  await organization.simulated.api(
    `sdkmessageprocessingsteps(${String(step?.['sdkmessageprocessingstepid'])})`,
    { method: 'PATCH', headers: { 'if-match': '*' }, body: { statecode: 1, statuscode: 2 } },
  );
  const { said } = await organization.setup();
  const { plan } = JSON.parse(said);
  expect(
    plan
      .filter(({ action }: { action: string }) => action === 'change')
      .map(({ part, detail }: { part: string; detail: string }) => [part, detail]),
  ).toEqual([
    ['assembly', 'other content is registered'],
    ['step', 'is disabled'],
  ]);
  const [assembly] = await organization.rows('pluginassemblies?$select=content');
  expect(assembly?.['content']).toBe(Buffer.from('MZ second build').toString('base64'));
  expect(await organization.rows('sdkmessageprocessingsteps?$filter=statecode eq 1')).toEqual([]);
});

test('a missing privilege is named with the role that has it', async () => {
  await organization.simulated.control('PUT', '/privileges', { customize: false });
  expect(await organization.setup()).toMatchObject({
    status: 1,
    complaints: expect.stringContaining('System Customizer'),
  });
});

test("ConsentHub's organisation is chosen where several have no Dynamics yet", async () => {
  const { rows } = await organization.database.pool.query<{ id: string }>(
    "insert into organizations (name) values ('One'), ('Two') returning id",
  );
  const stopped = await organization.setup();
  expect(stopped.status).toBe(1);
  expect(stopped.said).toContain(`--organization, one of ${rows[0]?.id} (One)`);
  expect(await organization.setup(` --organization ${rows[1]?.id}`)).toMatchObject({ status: 0 });
  const { rows: attached } = await organization.database.pool.query(
    'select name from organizations where dynamics_org_id = $1',
    [organization.simulated.dataverse.organizationId],
  );
  expect(attached).toEqual([{ name: 'Two' }]);
});
