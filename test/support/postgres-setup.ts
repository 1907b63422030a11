import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../infra/local/postgres/server.ts';
import { startNeonSimulator } from '../simulators/neon/index.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server that all tests of this run share; take a database of your own with `createTestDatabase`. */
    postgres: { url: string; neonEndpoint: string; neonWebSocketProxy: string };
  }
}

const PREFIX = 'consenthub-test-postgres-';

/** Starts one PostgreSQL server, and Neon's protocol in front of it, for a whole run of the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned();
  // The process id, so that a later run knows whether this one still lives.
  const dataDirectory = await mkdtemp(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  const server = await startPostgres({ dataDirectory, throwaway: true });
  const neon = await startNeonSimulator({ upstream: server.url });
  project.provide('postgres', {
    url: server.url,
    neonEndpoint: neon.url,
    neonWebSocketProxy: neon.webSocketProxy,
  });
  return async () => {
    await neon.close();
    await server.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
}

/** Removes the data of runs that were killed. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // Another user's cannot be removed and are not ours to remove.
    await rm(path.join(os.tmpdir(), name), { recursive: true, force: true }).catch(() => {});
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
