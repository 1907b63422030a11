import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FaultControl, serveFaultControl } from '../../infra/local/outside/fault-control.ts';
import {
  type RestartableServer,
  startRestartablePostgres,
} from '../../infra/local/postgres/restartable-server.ts';
import { type NeonSimulator, startNeonSimulator } from '../simulators/neon/index.ts';
import { startUpstashSimulator, type UpstashSimulator } from '../simulators/upstash/index.ts';

let directory: string;
let postgres: RestartableServer;
let neon: NeonSimulator;
let redis: UpstashSimulator;
let control: FaultControl;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consenthub-fault-control-'));
  postgres = await startRestartablePostgres(directory);
  neon = await startNeonSimulator({ upstream: postgres.url });
  redis = await startUpstashSimulator({ token: 'token' });
  control = await serveFaultControl({ postgres, neon, redis });
});
afterAll(async () => {
  await control?.close();
  await redis?.close();
  await neon?.close();
  await postgres?.stop();
  await rm(directory, { recursive: true, force: true });
});

const request = (method: string, path: string, body?: unknown) =>
  fetch(`${control.url}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });

const ping = () =>
  fetch(redis.url, {
    method: 'POST',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json' },
    body: JSON.stringify(['PING']),
  });

async function query(text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: postgres.url });
  // The server may end while it is connected.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

const throughNeon = () =>
  fetch(neon.url, {
    method: 'POST',
    headers: { 'neon-connection-string': postgres.url, 'neon-raw-text-output': 'true' },
    body: JSON.stringify({ query: 'select 1 as one', params: [] }),
  });

describe('the switches of the local stack', () => {
  test('crash PostgreSQL and bring it back at its address, with what was committed', async () => {
    await query('create table kept (value int)');
    await query('insert into kept values (1)');
    expect((await throughNeon()).status).toBe(200);
    expect(await (await request('GET', '/postgres')).json()).toEqual({ running: true });

    expect((await request('POST', '/postgres/crash')).status).toBe(204);
    expect(await (await request('GET', '/postgres')).json()).toEqual({ running: false });
    await expect(query('select 1')).rejects.toThrow('ECONNREFUSED');
    expect((await throughNeon()).status).toBe(500);
    // It is down already.
    expect((await request('POST', '/postgres/crash')).status).toBe(204);

    expect((await request('POST', '/postgres/start')).status).toBe(204);
    expect(await query('select value from kept')).toEqual([{ value: 1 }]);
    // The proxy has kept its address and finds the server again.
    expect((await throughNeon()).status).toBe(200);
    expect((await request('POST', '/postgres/start')).status).toBe(204);
  });

  test('let Redis fail, and work again', async () => {
    expect((await request('PUT', '/redis', { mode: 'error' })).status).toBe(204);
    expect((await ping()).status).toBe(500);
    await request('PUT', '/redis', { mode: 'refuse' });
    await expect(ping()).rejects.toThrow('fetch failed');
    await request('PUT', '/redis', { mode: 'none' });
    expect(await (await ping()).json()).toEqual({ result: 'PONG' });
  });

  test("let Neon's proxy fail for so many requests", async () => {
    await request('PUT', '/neon', { mode: 'unavailable', times: 2 });
    const statuses = [await throughNeon(), await throughNeon(), await throughNeon()];
    expect(statuses.map(({ status }) => status)).toEqual([500, 500, 200]);
    await request('PUT', '/neon', { mode: 'reset-after-commit', times: 1 });
    await expect(throughNeon()).rejects.toThrow('fetch failed');
    await request('PUT', '/neon', { mode: 'delay', delayMs: 1, times: 1 });
    expect((await throughNeon()).status).toBe(200);
  });

  test('refuse what they do not know', async () => {
    for (const body of [{ mode: 'explode' }, { mode: 'hang', often: true }, {}]) {
      expect((await request('PUT', '/redis', body)).status).toBe(400);
      expect((await request('PUT', '/neon', body)).status).toBe(400);
    }
    expect((await request('PUT', '/neon', { mode: 'delay' })).status).toBe(400);
    expect((await request('PUT', '/postgres', {})).status).toBe(404);
  });

  test('refuse to break a system that is not their own', async () => {
    const empty = await serveFaultControl({});
    const answers = await Promise.all([
      fetch(`${empty.url}/redis`, { method: 'PUT', body: '{"mode":"hang"}' }),
      fetch(`${empty.url}/neon`, { method: 'PUT', body: '{"mode":"hang"}' }),
      fetch(`${empty.url}/postgres/crash`, { method: 'POST' }),
    ]);
    await empty.close();
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
  });
});
