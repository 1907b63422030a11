import type { Socket } from 'node:net';

/**
 * Resets a connection (RST), as a network that fails does. One whose end is being sent already, because
 * its client has gone, is closed instead: libuv refuses to reset it, and Node would keep the handle for
 * ever and spin on it at the end of the process.
 */
export function resetConnection(socket: Socket | null): void {
  if (socket === null) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
