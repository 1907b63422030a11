/** What a command line runs in. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `.local/stack.json` of the local stack. */
  readonly stackFile: string;
  readonly say: (text: string) => void;
  readonly complain: (text: string) => void;
  /** Asks the person at the keyboard; absent where there is nobody. */
  readonly answer?: (question: string) => Promise<string>;
  /** Aborted by Ctrl-C; absent: never. */
  readonly interruption?: AbortSignal;
  /** A terminal that somebody looks at; absent: there is none. */
  readonly terminal?: NodeJS.WritableStream;
}
