import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import { type Backend, type CommandLine, OK, type Reply } from './backend.ts';
import { RedisError } from './redis-error.ts';

/** Stored strings come as bytes, Redis' own words as text, errors as values where an array holds them. */
type RawReply = string | Buffer | number | null | ErrorReply | RawReply[];

export interface RedisBackend extends Backend {
  close(): void;
}

/** A backend that is a Redis server, over one connection to its Unix socket. */
export async function connectRedisBackend(socketPath: string): Promise<RedisBackend> {
  const client = createClient({
    RESP: 2,
    socket: { path: socketPath, reconnectStrategy: false },
    // Otherwise a stored "OK" could not be told from Redis' own.
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });
  // Whoever uses a connection that is lost hears of it from the command.
  client.on('error', () => {});
  await client.connect();

  async function send(line: CommandLine): Promise<RawReply> {
    try {
      return await client.sendCommand<RawReply>([...line]);
    } catch (error) {
      throw error instanceof ErrorReply ? new RedisError(error.message) : error;
    }
  }

  return {
    run: async (line) => toReply(await send(line)),
    async transaction(lines) {
      // Written at once on the one connection, so nobody else's command comes in between.
      const queued = Promise.allSettled([send(['MULTI']), ...lines.map(send)]);
      const executing = send(['EXEC']);
      // What cannot be queued is reported by EXEC.
      await queued;
      const replies = await executing;
      if (!Array.isArray(replies)) throw new Error('EXEC answered without replies.');
      return replies.map((raw) =>
        raw instanceof ErrorReply ? new RedisError(raw.message) : toReply(raw),
      );
    },
    close: () => client.destroy(),
  };
}

function toReply(raw: RawReply): Reply {
  if (raw === 'OK') return OK;
  if (Buffer.isBuffer(raw)) return raw.toString();
  if (Array.isArray(raw)) return raw.map(toReply);
  if (raw instanceof ErrorReply) throw new RedisError(raw.message);
  return raw;
}
