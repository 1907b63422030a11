import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, expect, test, vi } from 'vitest';
import { type RunningFixture, runFixture } from './runner-fixture.ts';

/** Leaves a timer or a connection behind, and tells at the next invocation what became of it. */
const PROBE = `
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true });
let timerRanAt, socketClosedAt;
exports.handler = async (event) => {
  if (event.timerMs !== undefined) setTimeout(() => { timerRanAt = Date.now(); }, event.timerMs);
  if (event.url !== undefined) {
    await new Promise((resolve, reject) => {
      const request = http.get(event.url, { agent }, (response) => response.resume().on('end', resolve));
      request.on('socket', (socket) => socket.on('close', () => { socketClosedAt = Date.now(); }));
      request.on('error', reject);
    });
  }
  if (event.wait) {
    while (timerRanAt === undefined && socketClosedAt === undefined) {
      await new Promise((done) => setTimeout(done, 1));
    }
  }
  return { pid: process.pid, timerRanAt, socketClosedAt };
};`;

/** Longer than the way from a function's answer to its being stopped. */
const LEFT_BEHIND_MS = 300;

let fixture: RunningFixture;

afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

async function invoke(event: unknown): Promise<any> {
  const outcome = await fixture.cloud.functions[0]?.invoke(event);
  if (outcome === undefined || 'error' in outcome) throw new Error(JSON.stringify(outcome));
  return JSON.parse(outcome.payload);
}

const run = async (freeze: boolean): Promise<void> => {
  fixture = await runFixture({ Probe: { code: PROBE } }, {}, { freeze });
};

const passed = (time: number): Promise<void> =>
  vi.waitFor(() => expect(Date.now()).toBeGreaterThan(time), { timeout: 5000 });

test.each([true, false])('frozen: %s. What a timer is left with', async (freeze) => {
  await run(freeze);
  const { pid } = await invoke({ timerMs: LEFT_BEHIND_MS });
  await passed(Date.now() + 2 * LEFT_BEHIND_MS);
  const thawedAt = Date.now();
  const after = await invoke({ wait: true });
  expect(after.pid).toBe(pid);
  expect(after.timerRanAt >= thawedAt).toBe(freeze);
});

test.each([true, false])(
  'frozen: %s. When a connection that was closed meanwhile is noticed',
  async (freeze) => {
    await run(freeze);
    const server = createServer((_request, response) => response.end('hello'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const { port } = server.address() as AddressInfo;
    const { pid } = await invoke({ url: `http://127.0.0.1:${port}` });
    const [socket] = await connected;
    // What the server closes before the process is stopped, the process may notice.
    await passed(Date.now() + LEFT_BEHIND_MS);
    const closed = once(socket, 'close');
    server.closeAllConnections();
    await closed;
    await passed(Date.now() + LEFT_BEHIND_MS);
    const thawedAt = Date.now();
    const after = await invoke({ wait: true });
    expect(after.pid).toBe(pid);
    expect(after.socketClosedAt >= thawedAt).toBe(freeze);
    server.close();
  },
);

test('a frozen process ends with the stack', async () => {
  await run(true);
  const { pid } = await invoke({});
  await fixture.cloud.stop(new AbortController().signal);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

test('a frozen process does not outlive a runner that is killed', async () => {
  await run(false);
  const thaw = new URL('../../infra/local/lambda/orphan-thaw.ts', import.meta.url).href;
  // Stands for the runner: a process like a function's, frozen, that ends when nobody is on the line.
  const runner = spawn(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import { spawn } from 'node:child_process';
       import { startOrphanThaw } from ${JSON.stringify(thaw)};
       const child = spawn('cat', { stdio: ['pipe', 'inherit', 'ignore'], detached: true });
       process.kill(child.pid, 'SIGSTOP');
       startOrphanThaw().add(child.pid);
       console.log('frozen');
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(createInterface({ input: runner.stdout }), 'line');
  // Both have the stream: it is closed when both have ended.
  const closed = once(runner, 'close');
  runner.kill('SIGKILL');
  await closed;
});
