import { setTimeout as delay } from 'node:timers/promises';
import { type Answer, listenOnLoopback } from '../../infra/local/loopback-server.ts';

/** The token that this API accepts. */
export const TOKEN = 'operator-token';

/** What is answered to a request: a body with its status, nothing at all, or a cut connection. */
export type Scripted = { readonly status: number; readonly body: unknown } | 'hang' | 'cut';

/**
 * A page's server: the pages, their modules, and an API that answers as it is told to.
 *
 * @param files by path, with their content types
 */
export async function startStatusApi(
  files: Readonly<Record<string, { readonly type: string; readonly body: string }>>,
) {
  let status: Scripted = 'hang';
  let test: Scripted = 'hang';
  let requests: string[] = [];
  const closing = new AbortController();
  const saidTo = (request: string): Scripted | undefined => {
    if (request === 'GET /api/dynamics/status') return status;
    return request === 'POST /api/dynamics/test' ? test : undefined;
  };

  const server = await listenOnLoopback(0, async ({ method, url = '/', headers }) => {
    const { pathname } = new URL(url, 'http://page.example.test');
    const file = files[pathname];
    if (file !== undefined) return answer(200, file.type, file.body);
    if (!pathname.startsWith('/api/')) return json(404, { message: 'Not Found' });
    requests.push(`${method} ${pathname} ${headers.authorization}`);
    const said = saidTo(`${method} ${pathname}`);
    if (said === undefined) return json(404, { message: 'Not Found' });
    if (said === 'cut') throw new Error('cut');
    if (said === 'hang') {
      await delay(2 ** 31 - 1, undefined, { signal: closing.signal });
      throw new Error('closing');
    }
    if (headers.authorization !== `Bearer ${TOKEN}`) return json(401, { message: 'Unauthorized' });
    return json(said.status, said.body);
  });

  return {
    url: server.url,
    answerStatus(next: Scripted) {
      status = next;
    },
    answerTest(next: Scripted) {
      test = next;
    },
    /** Requests to the API since the last time: method, path, authorization. */
    takeRequests(): string[] {
      const taken = requests;
      requests = [];
      return taken;
    },
    async close() {
      closing.abort();
      await server.close(0);
    },
  };
}

export type StatusApi = Awaited<ReturnType<typeof startStatusApi>>;

const json = (statusCode: number, body: unknown) =>
  answer(statusCode, 'application/json', JSON.stringify(body));

const answer = (statusCode: number, type: string, body: string): Answer => ({
  statusCode,
  headers: { 'content-type': type },
  body: Buffer.from(body),
});
