import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';
import { findPostgresBinaries, type PostgresBinaries } from './binaries.ts';
import {
  type Cluster,
  DATABASE_NAME,
  openCluster,
  POSTGRES_ENVIRONMENT,
  reachableBinaries,
} from './cluster.ts';
import { awaitUnlocked } from './lock-file.ts';
import { chooseRunAs, type RunAs, spawnPlan } from './run-as.ts';

export interface PostgresOptions {
  /** Where the data live; made if it is missing, used again if it is not. */
  readonly dataDirectory: string;
  /** A free one if left out. */
  readonly port?: number;
  /** The data need not outlive a crash of the machine (they do outlive one of the server): faster. */
  readonly throwaway?: boolean;
  /** Whom the server runs as; by default the best way that this machine allows. */
  readonly runAs?: RunAs;
}

export interface PostgresServer {
  /** `postgres://consenthub:<password>@127.0.0.1:<port>/consenthub`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /**
   * Disconnects everybody and resolves when the process has ended. `fast` shuts down cleanly;
   * `immediate` is a crash: nothing is written, and the next start recovers from the log.
   */
  stop(mode?: 'fast' | 'immediate'): Promise<void>;
}

const HOST = '127.0.0.1';

/** Many functions with a few connections each, the tests' pools, and a person with a console. */
const MAX_CONNECTIONS = 100;

/** After a crash the log is replayed first. */
const START_TIMEOUT_MS = 60_000;

/** A fast shutdown only has to roll back and write a checkpoint. */
const STOP_TIMEOUT_MS = 15_000;

/** A port that was free a moment ago can be taken by somebody else. */
const PORT_ATTEMPTS = 5;

/** As many lines of the server's log as explain why it did not start. */
const LOG_LINES_KEPT = 20;

/**
 * Starts PostgreSQL on 127.0.0.1, as root or as an ordinary user, and resolves when it takes
 * connections. The server ends with this process, even if that is killed. Throws if the port is
 * taken, if a server already runs on the directory, or if there are no binaries for this machine.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const runAs = options.runAs ?? chooseRunAs();
  const binaries = await reachableBinaries(await findPostgresBinaries(), runAs);
  const durable = options.throwaway !== true;
  const cluster = await openCluster(options.dataDirectory, binaries, runAs, durable);
  await awaitUnlocked(cluster.pgdata);
  for (let attempt = 1; ; attempt += 1) {
    const port = options.port ?? (await findFreePort());
    try {
      return await serve(cluster, binaries, runAs, port, durable);
    } catch (error) {
      if (!(error instanceof PortTakenError)) throw error;
      if (options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** The port is in use by another program. */
export class PortTakenError extends Error {
  constructor(port: number) {
    super(`Port ${port} is taken: PostgreSQL cannot listen on it.`);
    this.name = 'PortTakenError';
  }
}

async function serve(
  cluster: Cluster,
  binaries: PostgresBinaries,
  runAs: RunAs,
  port: number,
  durable: boolean,
): Promise<PostgresServer> {
  const settings = serverSettings(port, durable).flatMap((setting) => ['-c', setting]);
  const plan = spawnPlan(runAs, binaries.postgres, ['-D', cluster.pgdata, ...settings]);
  const { command, args, ...ids } = plan;
  const server = spawn(command, args, {
    cwd: '/',
    env: POSTGRES_ENVIRONMENT,
    stdio: ['ignore', 'ignore', 'pipe'],
    // In a group of its own: Ctrl-C in the terminal must not end it before those who use it.
    detached: true,
    ...ids,
  });
  const { pid } = server;
  if (pid === undefined) {
    const [cause]: unknown[] = await once(server, 'error');
    throw new Error('PostgreSQL could not be run.', { cause });
  }
  const watchdog = stopWithThisProcess(pid);
  const ended = new Promise<void>((resolve) => {
    server.once('exit', () => {
      watchdog.kill('SIGKILL');
      resolve();
    });
  });
  await ready(server, port);
  return {
    url: `postgres://${DATABASE_NAME}:${cluster.password}@${HOST}:${port}/${DATABASE_NAME}`,
    port,
    pid,
    async stop(mode = 'fast') {
      // SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one, recovered at the next start.
      server.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
      const impatience = setTimeout(() => server.kill('SIGQUIT'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(impatience);
    },
  };
}

function serverSettings(port: number, durable: boolean): string[] {
  return [
    `listen_addresses=${HOST}`,
    `port=${port}`,
    // A socket's path is short of room below deep directories, and nobody needs one.
    'unix_socket_directories=',
    `max_connections=${MAX_CONNECTIONS}`,
    'timezone=UTC',
    'log_timezone=UTC',
    // Statements and details hold personal data.
    'log_min_error_statement=panic',
    'log_error_verbosity=terse',
    // The /dev/shm of a container is small.
    'dynamic_shared_memory_type=mmap',
    ...(durable ? [] : ['fsync=off', 'full_page_writes=off']),
  ];
}

/** Resolves when the server takes connections; rejects with its own words if it does not come up. */
function ready(server: ChildProcessByStdio<null, null, Readable>, port: number): Promise<void> {
  const lines: string[] = [];
  let rest = '';
  return new Promise<void>((resolve, reject) => {
    const fail = (why: string) => {
      const taken = lines.some((line) => line.includes('Address already in use'));
      reject(
        taken
          ? new PortTakenError(port)
          : new Error(`PostgreSQL did not start: ${why}\n${lines.join('\n')}`),
      );
    };
    const overdue = setTimeout(() => {
      server.kill('SIGQUIT');
      fail(`not ready within ${START_TIMEOUT_MS} ms`);
    }, START_TIMEOUT_MS);
    const onLog = (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      lines.splice(0, lines.length - LOG_LINES_KEPT);
      if (!parts.some((line) => line.includes('ready to accept connections'))) return;
      clearTimeout(overdue);
      // From here on the log is drained and dropped: its messages can hold values of rows.
      server.stderr.off('data', onLog).resume();
      resolve();
    };
    server.stderr.setEncoding('utf8').on('data', onLog);
    // "close", not "exit": by then all of its words have been read.
    server.once('close', (code, signal) => {
      clearTimeout(overdue);
      fail(`it ended with ${code ?? signal}`);
    });
  });
}

/**
 * A shell that waits for the end of its input and then shuts the server down. The other end of its
 * input is held by this process alone, and the kernel closes it however this process ends.
 */
function stopWithThisProcess(pid: number): ChildProcess {
  const script = 'while read -r _; do :; done; kill -INT "$1"';
  const watchdog = spawn('sh', ['-c', script, 'sh', `${pid}`], {
    cwd: '/',
    env: POSTGRES_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.unref();
  return watchdog;
}

async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('No free port was found.');
  return address.port;
}
