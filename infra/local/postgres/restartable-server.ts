import { setTimeout as delay } from 'node:timers/promises';
import { PortTakenError, type PostgresServer, startPostgres } from './server.ts';

/** A server that can be away for a while and comes back at the same address, with its data. */
export interface RestartableServer {
  readonly url: string;
  /** False from the beginning of a crash to the end of the start that follows. */
  readonly running: boolean;
  /** Ends it without warning, as a crash does. Nothing if it is down. */
  crash(): Promise<void>;
  /** Brings it back, after recovery. Nothing if it is up. */
  start(): Promise<void>;
  /** Shuts it down for good, cleanly. */
  stop(): Promise<void>;
}

/** While it was down its port may have become the near end of somebody's connection, which ends soon. */
const PORT_PATIENCE_MS = 30_000;
const PORT_RETRY_MS = 200;

/** Starts PostgreSQL on a free port, which stays its own over all its restarts. */
export async function startRestartablePostgres(dataDirectory: string): Promise<RestartableServer> {
  const first = await startPostgres({ dataDirectory });
  const { url, port } = first;
  let server: PostgresServer | undefined = first;
  // One after the other: a start that overtakes a crash would find the port and the data in use.
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    last = last.then(work, work);
    return last;
  };
  const end = (mode: 'fast' | 'immediate') =>
    inTurn(async () => {
      const ending = server;
      server = undefined;
      await ending?.stop(mode);
    });

  return {
    url,
    get running() {
      return server !== undefined;
    },
    crash: () => end('immediate'),
    start: () =>
      inTurn(async () => {
        server ??= await startOnPort(dataDirectory, port);
      }),
    stop: () => end('fast'),
  };
}

async function startOnPort(dataDirectory: string, port: number): Promise<PostgresServer> {
  const deadline = performance.now() + PORT_PATIENCE_MS;
  for (;;) {
    try {
      return await startPostgres({ dataDirectory, port });
    } catch (error) {
      if (!(error instanceof PortTakenError) || performance.now() > deadline) throw error;
      await delay(PORT_RETRY_MS);
    }
  }
}
