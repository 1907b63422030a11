import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { resetConnection } from '../../simulators/reset-connection.ts';

/** A connection, its near end in the server's hands; resolves to how the far end was closed. */
async function closedBy(close: (socket: Socket) => void): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  const client = connect(address.port, '127.0.0.1');
  const outcome = new Promise<string>((resolve) => {
    client.once('error', (error) => resolve('code' in error ? String(error.code) : error.name));
    client.once('end', () => resolve('end'));
  });
  client.resume();
  const [socket]: Socket[] = await once(server, 'connection');
  if (socket === undefined) throw new Error('no connection');
  const closed = once(socket, 'close');
  close(socket);
  await closed;
  server.close();
  return outcome;
}

test('resets a connection that is open', async () => {
  expect(await closedBy((socket) => resetConnection(socket))).toBe('ECONNRESET');
});

test('closes a connection whose end is being sent', async () => {
  const outcome = await closedBy((socket) => {
    socket.end();
    resetConnection(socket);
  });
  expect(outcome).toBe('end');
});

test('does nothing without a connection', () => {
  expect(() => resetConnection(null)).not.toThrow();
});
