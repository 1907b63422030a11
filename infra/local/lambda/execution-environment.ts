import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { peakMemoryMb } from './peak-memory.ts';

/** An error as Lambda returns it to whoever invoked the function. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** How an invocation ended: the handler's result as JSON, or why there is none. */
export type Outcome = { readonly payload: string } | { readonly error: FunctionError };

export interface EnvironmentRequest {
  /** The stripped bootstrap script. */
  readonly bootstrap: string;
  readonly taskRoot: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly memoryMb: number;
  /** Stops the process while it has nothing to do. */
  readonly freeze: boolean;
  /** Open log file that takes what the function writes, as it is. */
  readonly logDescriptor: number;
  /** Invocation for which it is started: errors of the init phase name it. */
  readonly requestId: string;
  /** Ends the process, whatever it is doing. */
  readonly signal: AbortSignal;
}

export interface InvocationRequest {
  readonly requestId: string;
  readonly functionArn: string;
  readonly event: unknown;
  /** What the caller says about itself, if it does. */
  readonly clientContext: unknown;
  readonly timeoutMs: number;
}

/** One execution environment: a process that serves one invocation at a time. */
export interface ExecutionEnvironment {
  readonly processId: number | undefined;
  /** False once the process has ended or has been told to: it takes no further invocation. */
  readonly alive: boolean;
  readonly initDurationMs: number;
  /** Resolves when the process has ended. */
  readonly ended: Promise<unknown>;
  /** Highest resident memory seen so far. */
  readonly maxMemoryMb: number;
  /** Never rejects; a process that ends, hangs or is killed meanwhile is an error outcome. */
  invoke(request: InvocationRequest): Promise<Outcome>;
}

type Message =
  | { readonly type: 'ready' }
  | { readonly type: 'result'; readonly payload: string; readonly memoryKb: number }
  | { readonly type: 'error'; readonly error: FunctionError; readonly memoryKb: number }
  | { readonly type: 'fatal'; readonly error: FunctionError };

/** Lambda's limit for the init phase is 10 s; a busy laptop with many cold starts gets more. */
const INIT_TIMEOUT_MS = 30_000;
/** Shares of the function's memory that the managed runtime gives to the JavaScript heap. */
const OLD_SPACE_SHARE = 0.9;
const SEMI_SPACE_SHARE = 0.05;
const KILOBYTES_PER_MEGABYTE = 1024;
/** How often a process at work is asked for its memory. */
const MEMORY_CHECK_MS = 25;

/**
 * Starts a process of its own for a function and waits until its handler is loaded.
 *
 * @returns the environment, or the error with which the init phase ended.
 */
export async function startEnvironment(
  request: EnvironmentRequest,
): Promise<ExecutionEnvironment | { readonly error: FunctionError }> {
  const startedAt = performance.now();
  const flags = [
    `--max-old-space-size=${Math.floor(request.memoryMb * OLD_SPACE_SHARE)}`,
    `--max-semi-space-size=${Math.floor(request.memoryMb * SEMI_SPACE_SHARE)}`,
  ];
  const child = spawn(process.execPath, [...flags, request.bootstrap], {
    cwd: request.taskRoot,
    env: { ...request.variables },
    stdio: ['ignore', request.logDescriptor, request.logDescriptor, 'pipe'],
    // A process group of its own: Ctrl-C on the terminal must not reach a function at work.
    detached: true,
  });
  const line = child.stdio[3];
  if (!(line instanceof Duplex)) throw new Error('there is no line to the process');
  line.on('error', () => undefined);
  const exited = new Promise<string>((settle) => {
    child.once('error', (error) => settle(`Runtime cannot be started: ${error.message}`));
    child.once('close', (code, signal) => settle(exitReason(code, signal)));
  });
  // It ends a frozen process, too.
  const kill = (): boolean => child.kill('SIGKILL');
  const alive = (): boolean =>
    child.exitCode === null && child.signalCode === null && !child.killed;
  const setFrozen = (frozen: boolean): void => {
    // Not `child.kill`, which would say from then on that the process was killed.
    if (request.freeze && child.pid !== undefined && alive()) {
      process.kill(child.pid, frozen ? 'SIGSTOP' : 'SIGCONT');
    }
  };
  const isOverMemory = (): boolean =>
    child.pid !== undefined && (peakMemoryMb(child.pid) ?? 0) > request.memoryMb;
  request.signal.addEventListener('abort', kill);
  if (request.signal.aborted) kill();
  void exited.then(() => request.signal.removeEventListener('abort', kill));

  let receive: ((message: Message) => void) | undefined;
  let fatal: FunctionError | undefined;
  createInterface({ input: line })
    // It hands on the errors of its input. A broken line says that the process is dead, as `exited` does.
    .on('error', () => undefined)
    .on('line', (text) => {
      const message: Message = JSON.parse(text);
      if (message.type === 'fatal') fatal = message.error;
      else receive?.(message);
    });
  /** Waits for the answer to what was sent last; the process may end or hang instead. */
  const answer = async (requestId: string, timeoutMs: number): Promise<Message> => {
    const { promise, resolve } = Promise.withResolvers<Message>();
    receive = resolve;
    const failed = (errorType: string, what: string): Message => ({
      type: 'fatal',
      error: fatal ?? { errorType, errorMessage: `RequestId: ${requestId} Error: ${what}` },
    });
    const timer = setTimeout(() => {
      const seconds = (timeoutMs / 1000).toFixed(2);
      resolve(failed('Sandbox.Timedout', `Task timed out after ${seconds} seconds`));
    }, timeoutMs);
    const outOfMemory = (): Message => failed('Runtime.OutOfMemory', exitReason(null, 'SIGKILL'));
    const watch = setInterval(() => {
      if (isOverMemory()) resolve(outOfMemory());
    }, MEMORY_CHECK_MS);
    const ended = exited.then((reason) => failed('Runtime.ExitError', reason));
    const first = await Promise.race([promise, ended]);
    clearTimeout(timer);
    clearInterval(watch);
    receive = undefined;
    // Between two looks it may have had more than it may, and Lambda would have killed it then.
    const message = first.type !== 'fatal' && isOverMemory() ? outOfMemory() : first;
    if (message.type === 'fatal') {
      kill();
      await exited;
    }
    return message;
  };

  const first = await answer(request.requestId, INIT_TIMEOUT_MS);
  if (first.type === 'fatal' || first.type === 'error') return { error: first.error };

  const environment = {
    processId: child.pid,
    ended: exited,
    initDurationMs: performance.now() - startedAt,
    maxMemoryMb: 0,
    get alive() {
      return alive();
    },
    async invoke({ timeoutMs, ...invocation }: InvocationRequest) {
      const { requestId } = invocation;
      setFrozen(false);
      const deadlineMs = Date.now() + timeoutMs;
      line.write(`${JSON.stringify({ ...invocation, deadlineMs })}\n`);
      const message = await answer(requestId, timeoutMs);
      if ('memoryKb' in message) {
        const reportedMb = message.memoryKb / KILOBYTES_PER_MEGABYTE;
        environment.maxMemoryMb = Math.ceil(peakMemoryMb(child.pid ?? 0) ?? reportedMb);
      }
      setFrozen(true);
      if (message.type === 'result') return { payload: message.payload };
      if (message.type === 'ready') throw new Error('a function answered twice');
      return { error: message.error };
    },
  };
  return environment;
}

/** Signals as Lambda writes them. */
const SIGNALS: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: 'aborted',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGTERM: 'terminated',
};

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNALS[signal] ?? signal}`;
  if (code === 0) return 'Runtime exited without providing a reason';
  return `Runtime exited with error: exit status ${code}`;
}
