import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface RedisServer {
  /** Unix socket; there is no port. */
  readonly socketPath: string;
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 20;

/** Starts the `redis-server` of the PATH, empty and without persistence; undefined if there is none. */
export async function startRedisServer(): Promise<RedisServer | undefined> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'consenthub-test-redis-'));
  const socketPath = path.join(directory, 'redis.sock');
  const args = ['--port', '0', '--unixsocket', socketPath, '--dir', directory];
  const child = spawn('redis-server', [...args, '--save', '', '--appendonly', 'no'], {
    stdio: 'ignore',
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) {
      await once(child, 'exit');
    }
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await once(child, 'spawn');
  } catch (error) {
    await stop();
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    await untilListening(child, socketPath);
  } catch (error) {
    await stop();
    throw error;
  }
  return { socketPath, stop };
}

async function untilListening(child: ChildProcess, socketPath: string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(socketPath))) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}.`);
    if (performance.now() > deadline) throw new Error('redis-server did not start in time.');
    await delay(POLL_INTERVAL_MS);
  }
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
