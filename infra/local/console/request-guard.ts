/** What the guard looks at of a request; headers as they came. */
export interface GuardedRequest {
  readonly method: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * Why a request is refused, or undefined if it is served. The console acts without a password, so only
 * its own page may drive it. A page elsewhere gives itself away by its `Origin`, and one that has made its
 * own name lead to this machine (DNS rebinding) by the `Host`. Pure.
 *
 * @param port of the console
 */
export function refusalOf(request: GuardedRequest, port: number): string | undefined {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];
  const { method, host = '', origin, contentType = '' } = request;
  if (!hosts.includes(host)) return 'The console answers on this machine only, under its own name.';
  if (origin !== undefined && origin !== `http://${host}`) {
    return 'Only the page of the console may call it.';
  }
  if (method === 'GET') return undefined;
  // Browsers send the origin with every other method; a form of another page cannot send JSON.
  if (origin === undefined) return 'A request that changes something has to say its origin.';
  return /^application\/json(;|$)/.test(contentType) ? undefined : 'Only JSON is taken.';
}
