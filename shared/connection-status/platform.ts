/** What the element needs of the browser besides the document. */
export interface Platform {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** @returns what calls it off. */
  readonly setTimer: (run: () => void, ms: number) => () => void;
}

export const browser: Platform = {
  // Looked up at each call: a page may put its own `fetch` there, for tracing say.
  fetch: (url, init) => fetch(url, init),
  now: () => Date.now(),
  setTimer: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
