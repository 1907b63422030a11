import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fixture, json, startFixture } from './dataverse-fixture.ts';

const absentId = '00000000-0000-4000-8000-000000000000';
let simulated: Fixture;

beforeAll(async () => {
  simulated = await startFixture();
});
beforeEach(async () => {
  await simulated.control('DELETE', '/requests');
});
afterAll(() => simulated.close());

async function read(id: string): Promise<Record<string, unknown>> {
  return json(await simulated.api(`contacts(${id})`));
}

describe('faults and counts', () => {
  it('counts by operation and status', async () => {
    await simulated.api('WhoAmI');
    await simulated.api(`contacts(${absentId})`);
    await simulated.api('contacts', { headers: { authorization: '' } });
    expect(await (await simulated.control('GET', '/requests')).json()).toEqual({
      total: 3,
      operations: { WhoAmI: 1, RetrieveContact: 1, ListContacts: 1 },
      statuses: { 200: 1, 401: 1, 404: 1 },
    });
  });

  it.each([
    ['unauthorized', {}, 401, null, null],
    ['throttled', { retryAfterSeconds: 9 }, 429, '9', '0x80072322'],
    ['unavailable', {}, 503, null, ''],
    ['forbidden', {}, 403, null, '0x80040220'],
  ])('answers as %s', async (mode, options, status, retryAfter, code) => {
    await simulated.control('PUT', '/faults', { mode, ...options });
    const response = await simulated.api('WhoAmI');
    await simulated.control('DELETE', '/faults');
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retryAfter);
    const text = await response.text();
    expect(/"code":"([^"]*)"/.exec(text)?.[1] ?? null).toBe(code);
    expect((await simulated.api('WhoAmI')).status).toBe(200);
  });

  it('fails only the paths that it is told to', async () => {
    await simulated.control('PUT', '/faults', { mode: 'unavailable', paths: ['contacts('] });
    expect((await simulated.api(`contacts(${absentId})`)).status).toBe(503);
    expect((await simulated.api('contacts?$top=1')).status).toBe(200);
    await simulated.control('DELETE', '/faults');
  });

  it('fails some of the requests, the same ones for the same seed', async () => {
    const statusesOf = async (faults: object) => {
      await simulated.control('PUT', '/faults', faults);
      const statuses: number[] = [];
      for (let count = 0; count < 40; count += 1) {
        statuses.push((await simulated.api('WhoAmI')).status);
      }
      return statuses;
    };
    const half = { mode: 'unavailable', probability: 0.5 };
    const first = await statusesOf({ ...half, seed: 7 });
    const failed = first.filter((status) => status === 503).length;
    expect(failed).toBeGreaterThan(8);
    expect(failed).toBeLessThan(32);
    expect(await statusesOf({ ...half, seed: 7 })).toEqual(first);
    expect(await statusesOf({ ...half, seed: 8 })).not.toEqual(first);
    expect(new Set(await statusesOf({ mode: 'forbidden', probability: 0 }))).toEqual(
      new Set([200]),
    );
    await simulated.control('DELETE', '/faults');
  });

  it('mixes faults, and counts those that were met', async () => {
    const met = async () =>
      (await json<{ met: Record<string, number> }>(await simulated.control('GET', '/faults'))).met;
    const before = await met();
    const mix = {
      seed: 3,
      faults: [
        { mode: 'forbidden', paths: ['contacts('] },
        { mode: 'unauthorized', probability: 0.5 },
        { mode: 'throttled', probability: 0.5, retryAfterSeconds: 1 },
      ],
    };
    await simulated.control('PUT', '/faults', mix);
    expect(await json(await simulated.control('GET', '/faults'))).toMatchObject(mix);
    expect((await simulated.api(`contacts(${absentId})`)).status).toBe(403);
    const statuses: number[] = [];
    for (let count = 0; count < 40; count += 1) {
      statuses.push((await simulated.api('WhoAmI')).status);
    }
    await simulated.control('DELETE', '/faults');
    expect(new Set(statuses)).toEqual(new Set([200, 401, 429]));
    const after = await met();
    for (const [mode, count] of [
      ['forbidden', 1],
      ['unauthorized', statuses.filter((status) => status === 401).length],
      ['throttled', statuses.filter((status) => status === 429).length],
    ] as const) {
      expect(after[mode]).toBe((before[mode] ?? 0) + count);
    }
  });

  it.each([
    ['a mode that it does not know', { mode: 'melt' }],
    ['a probability above one', { mode: 'reset', probability: 1.1 }],
    ['an option that it does not know', { mode: 'reset', often: true }],
    ['a mix of nothing', { seed: 1, faults: [] }],
    ['a seed inside a mix', { faults: [{ mode: 'reset', seed: 1 }] }],
  ])('refuses %s', async (_what, body) => {
    expect((await simulated.control('PUT', '/faults', body)).status).toBe(400);
  });

  it('lets the line fail before or after the work', async () => {
    const id = await simulated.createContact({ lastname: 'Line' });
    const patch = (lastname: string) =>
      simulated.api(`contacts(${id})`, { method: 'PATCH', body: { lastname } });

    await simulated.control('PUT', '/faults', { mode: 'reset' });
    await expect(patch('Reset')).rejects.toThrow('fetch failed');
    await simulated.control('PUT', '/faults', { mode: 'html' });
    const page = await patch('Page');
    expect(page.headers.get('content-type')).toContain('text/html');
    await simulated.control('PUT', '/faults', { mode: 'half' });
    const half = await simulated.api(`contacts(${id})`);
    await expect(half.text()).rejects.toThrow('terminated');
    await simulated.control('DELETE', '/faults');
    expect(await read(id)).toMatchObject({ lastname: 'Line' });

    await simulated.control('PUT', '/faults', { mode: 'half' });
    await expect(patch('Applied')).rejects.toThrow('fetch failed');
    await simulated.control('DELETE', '/faults');
    expect(await read(id)).toMatchObject({ lastname: 'Applied' });
  });

  it('applies a write late, after a newer one', async () => {
    const id = await simulated.createContact({ lastname: 'Late' });
    const patch = (lastname: string, signal?: AbortSignal) =>
      fetch(`${simulated.dataverse.url}/api/data/v9.2/contacts(${id})?tag=consenthub`, {
        method: 'PATCH',
        headers: {
          authorization: `Bearer ${simulated.token}`,
          'content-type': 'application/json',
          'if-match': '*',
        },
        body: JSON.stringify({ lastname }),
        ...(signal && { signal }),
      });
    const held = async () => json(await simulated.control('GET', '/faults/held'));
    const release = async () => json(await simulated.control('POST', '/faults/release'));

    await simulated.control('PUT', '/faults', { mode: 'apply-late', paths: ['contacts('] });
    const abort = new AbortController();
    const hanging = patch('First', abort.signal);
    await expect.poll(held).toEqual({ writes: 1 });
    abort.abort();
    await expect(hanging).rejects.toThrow('aborted');
    expect(await read(id)).toMatchObject({ lastname: 'Late' });

    await simulated.control('DELETE', '/faults');
    expect((await patch('Second')).status).toBe(204);
    expect(await read(id)).toMatchObject({ lastname: 'Second' });
    expect(await release()).toEqual({ statuses: [204] });
    expect(await read(id)).toMatchObject({ lastname: 'First' });
    expect(await held()).toEqual({ writes: 0 });

    await simulated.control('PUT', '/faults', { mode: 'apply-late', line: 'reset' });
    await expect(patch('Third')).rejects.toThrow('fetch failed');
    await simulated.control('DELETE', '/faults');
    await simulated.control('DELETE', `/contacts/${id}`);
    expect(await release()).toEqual({ statuses: [404] });
    expect((await simulated.api(`contacts(${id})`)).status).toBe(404);
  });

  it('holds no write that it would refuse', async () => {
    await simulated.control('PUT', '/faults', { mode: 'apply-late' });
    const response = await simulated.api(`contacts(${absentId})`, {
      method: 'PATCH',
      headers: { authorization: 'Bearer nonsense' },
      body: {},
    });
    expect(response.status).toBe(401);
    await simulated.control('DELETE', '/faults');
    expect(await json(await simulated.control('POST', '/faults/release'))).toEqual({
      statuses: [],
    });
  });

  it('hangs until the client gives up', async () => {
    await simulated.control('PUT', '/faults', { mode: 'hang' });
    const abort = new AbortController();
    const answer = fetch(`${simulated.dataverse.url}/api/data/v9.2/WhoAmI`, {
      signal: abort.signal,
    });
    await expect
      .poll(async () => json(await simulated.control('GET', '/requests')))
      .toMatchObject({ statuses: { none: 1 } });
    abort.abort();
    await expect(answer).rejects.toThrow('aborted');
    await simulated.control('DELETE', '/faults');
  });
});
