import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startOrganization } from './fixture.ts';

let organization: Awaited<ReturnType<typeof startOrganization>>;

beforeEach(async () => {
  organization = await startOrganization();
});
afterEach(() => organization.close());

/** Names of the checks that failed. */
async function missing(): Promise<string[]> {
  const { status, said } = await organization.run('check --json');
  const { ok, checks } = JSON.parse(said) as {
    ok: boolean;
    checks: { name: string; ok: boolean; remedy: string | null }[];
  };
  const failed = checks.filter((check) => !check.ok);
  expect([status, ok]).toEqual(failed.length === 0 ? [0, true] : [1, false]);
  for (const { remedy } of failed) expect(remedy).not.toBeNull();
  return failed.map(({ name }) => name);
}

describe('check', () => {
  test('names what an organisation lacks, and nothing after the set-up', async () => {
    expect(await missing()).toEqual([
      'fields',
      'changeTracking',
      'webhook',
      'registration',
      'organisation row',
    ]);
    const text = await organization.run('check');
    expect(text.said).toMatch(/MISSING {4}registration .*\n +→ Run npm run dynamics -- setup\.$/m);
    expect(text.said).toMatch(/5 of \d+ missing\.$/);
    await organization.setup();
    expect(await missing()).toEqual([]);
    expect((await organization.run('check')).said).toMatch(/Nothing is missing\.$/);
  });

  test('finds a secret that did not travel, and a step that hears too little', async () => {
    await organization.setup();
    const rows = await organization.rows(
      "sdkmessageprocessingsteps?$select=name&$filter=name eq 'ConsentHub: Update of contact'",
    );
    const headers = { 'if-match': '*' };
    await organization.simulated.api(
      `sdkmessageprocessingsteps(${String(rows[0]?.['sdkmessageprocessingstepid'])})`,
      { method: 'PATCH', headers, body: { filteringattributes: 'firstname' } },
    );
    const [secure] = await organization.rows('sdkmessageprocessingstepsecureconfigs');
    await organization.simulated.api(
      `sdkmessageprocessingstepsecureconfigs(${String(secure?.['sdkmessageprocessingstepsecureconfigid'])})`,
      { method: 'PATCH', headers, body: { secureconfig: '' } },
    );
    expect(await missing()).toEqual(['registration', 'secret']);
    await organization.setup();
    expect(await missing()).toEqual([]);
  });

  test('counts lost events', async () => {
    await organization.setup();
    // The assembly of these tests is none, so its job fails whether or not there is a mono to run it.
    await organization.simulated.createContact({ lastname: 'Fictitious' });
    await expect.poll(missing, { timeout: 20_000 }).toEqual(['lost events']);
  });

  test('goes no further than a refused token', async () => {
    await organization.simulated.entra.close();
    expect((await missing())[0]).toBe('token');
    const { said } = await organization.run('check');
    expect(said).toMatch(/^ {2}NOT TRIED {2}reachability/m);
    expect(said).toMatch(/1 of \d+ missing\.$/);
  });

  test('says what it has found although the database is away', async () => {
    await organization.setup();
    await organization.loseDatabase();
    expect(await missing()).toEqual(['organisation row']);
    const { said } = await organization.run('check');
    expect(said).toMatch(
      /MISSING {4}organisation row {2}ConsentHub's database does not answer\.\n/,
    );
  });
});

describe('import', () => {
  test('says why it has failed, and does not try again what cannot pass by itself', async () => {
    await organization.setup();
    await organization.simulated.control('PUT', '/organization', { found: false });
    const { status, said, complaints } = await organization.run('import');
    expect([status, complaints]).toEqual([1, expect.stringMatching(/^RC-002 [^\n]*$/)]);
    expect(said).toMatch(
      /There is no Dataverse organisation at this URL\.[^]*\n\nNot finished\. Once the cause is removed/,
    );
    const json = await organization.run('import --json');
    expect(JSON.parse(json.said)).toMatchObject({
      outcome: 'failed',
      failure: expect.stringContaining('no Dataverse organisation'),
    });
  });
});

const columns = async () =>
  (
    await organization.rows(
      "EntityDefinitions(LogicalName='contact')/Attributes?$select=LogicalName&$filter=IsCustomAttribute eq true",
    )
  ).length;

describe('remove', () => {
  test('takes away what the set-up made, and a set-up makes it again', async () => {
    await organization.setup();
    const { status, said } = await organization.run('remove --yes');
    expect(status).toBe(0);
    expect(said).toContain('Stays: change tracking');
    for (const set of [
      'sdkmessageprocessingsteps',
      'sdkmessageprocessingstepsecureconfigs',
      'plugintypes',
      'pluginassemblies',
    ]) {
      expect(await organization.rows(set)).toEqual([]);
    }
    expect(await columns()).toBe(0);
    expect((await organization.run('remove --yes')).said).toContain('nothing of ConsentHub');
    expect(await organization.setup()).toMatchObject({ status: 0 });
    expect(await missing()).toEqual([]);
  });

  test('deletes columns with consents in them only when told twice', async () => {
    await organization.setup();
    await organization.simulated.createContact({ lastname: 'Fictitious', ch_marketing_sms: true });
    expect(await organization.run('remove --yes')).toMatchObject({
      status: 1,
      complaints: expect.stringContaining('--with-data'),
    });
    expect(await organization.run('remove', ['y', 'n'])).toMatchObject({ status: 1 });
    expect(await columns()).toBe(8);
    expect(await organization.run('remove --yes --with-data')).toMatchObject({ status: 0 });
    expect(await columns()).toBe(0);
  });

  test('contacts that nobody decided for are no data', async () => {
    await organization.setup();
    await organization.simulated.createContact({ lastname: 'Fictitious' });
    expect(await organization.run('remove', ['yes'])).toMatchObject({ status: 0 });
  });

  test('takes away a registration without a plug-in', async () => {
    await organization.run('setup --yes --authentication header');
    expect(await organization.run('remove --yes')).toMatchObject({ status: 0 });
    expect(await organization.rows('serviceendpoints?$select=name')).toEqual([]);
  });

  test('says what to do about something that others use', async () => {
    await organization.setup();
    const [assembly] = await organization.rows('pluginassemblies?$select=name');
    await organization.simulated.api('plugintypes', {
      method: 'POST',
      body: {
        typename: 'Somebody.Else',
        'pluginassemblyid@odata.bind': `/pluginassemblies(${String(assembly?.['pluginassemblyid'])})`,
      },
    });
    expect(await organization.run('remove --yes')).toMatchObject({
      status: 1,
      complaints: expect.stringContaining('Show dependencies'),
    });
    expect(await columns()).toBe(8);
  });
});
