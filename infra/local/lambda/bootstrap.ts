/**
 * What runs inside a function's process: loads the handler and answers invocations one at a time, as
 * the managed runtime of Node.js 24 does. The runner strips the types once and starts the result, so
 * this file imports nothing but Node's own modules.
 *
 * The line to the runner is file descriptor 3, one JSON object a line. It is not Node's IPC, so
 * `process.send` does not exist and a handler sees nothing of it.
 */
import { existsSync, realpathSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

interface Invocation {
  readonly requestId: string;
  readonly functionArn: string;
  readonly deadlineMs: number;
  readonly event: unknown;
  readonly clientContext?: unknown;
}

type Handler = (event: unknown, context: unknown) => unknown;
/** What a module exports: the handler, if the function's configuration is right. */
type Exports = Readonly<Record<string, Handler>> & {
  readonly default?: Readonly<Record<string, Handler>>;
};

const RUNNER_DESCRIPTOR = 3;
/** Exit codes of the managed runtime. */
const EXIT_UNHANDLED_REJECTION = 128;
const EXIT_UNCAUGHT_EXCEPTION = 129;

const environment = process.env;
// Modules are known by their real paths.
const taskRoot = realpathSync(environment['LAMBDA_TASK_ROOT'] ?? '');
const structuredLog = environment['AWS_LAMBDA_LOG_FORMAT'] === 'JSON';
const runner = new Socket({ fd: RUNNER_DESCRIPTOR });
let requestId: string | undefined;

confineModules();
replaceConsole();

// The runner is gone: nobody waits for an answer any more.
runner.on('close', () => process.exit(0));
runner.on('error', () => process.exit(0));
process.on('uncaughtException', (error) => fail(error, EXIT_UNCAUGHT_EXCEPTION));
process.on('unhandledRejection', (reason) => {
  const name = 'Runtime.UnhandledPromiseRejection';
  fail(Object.assign(new Error(String(reason)), { name, reason }), EXIT_UNHANDLED_REJECTION);
});

try {
  const handler = await loadHandler(environment['_HANDLER'] ?? '');
  tell({ type: 'ready' });
  // Invocations come one at a time; the next one is sent only after the answer to the last.
  for await (const line of createInterface({ input: runner })) {
    const invocation: Invocation = JSON.parse(line);
    requestId = invocation.requestId;
    tell(await invoke(handler, invocation));
    requestId = undefined;
  }
} catch (error) {
  fail(error, 1);
}

async function invoke(handler: Handler, invocation: Invocation): Promise<object> {
  const { maxRSS } = process.resourceUsage();
  try {
    const result = await handler(invocation.event, contextOf(invocation));
    const payload = JSON.stringify(result) ?? 'null';
    return { type: 'result', payload, memoryKb: maxRSS };
  } catch (error) {
    console.error('Invoke Error', describe(error));
    return { type: 'error', error: describe(error), memoryKb: maxRSS };
  }
}

/** The context object of the Lambda developer guide, "Using the Lambda context object". */
function contextOf(invocation: Invocation): object {
  return {
    awsRequestId: invocation.requestId,
    functionName: environment['AWS_LAMBDA_FUNCTION_NAME'],
    functionVersion: environment['AWS_LAMBDA_FUNCTION_VERSION'],
    invokedFunctionArn: invocation.functionArn,
    memoryLimitInMB: environment['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'],
    logGroupName: environment['AWS_LAMBDA_LOG_GROUP_NAME'],
    logStreamName: environment['AWS_LAMBDA_LOG_STREAM_NAME'],
    identity: undefined,
    clientContext: invocation.clientContext,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadlineMs - Date.now()),
  };
}

async function loadHandler(handlerName: string): Promise<Handler> {
  const dot = handlerName.indexOf('.', handlerName.lastIndexOf('/') + 1);
  const [file, exportName] = [handlerName.slice(0, dot), handlerName.slice(dot + 1)];
  const candidates = ['.js', '.mjs', '.cjs'].map((extension) => join(taskRoot, file + extension));
  const path = candidates.find((candidate) => existsSync(candidate));
  if (path === undefined) throw named('Runtime.ImportModuleError', `Cannot find module '${file}'`);

  const loaded: Exports = await import(pathToFileURL(path).href).catch(asImportError);
  // The names of a CommonJS module's exports are not always recognised; `default` has them all.
  const handler = loaded[exportName] ?? loaded.default?.[exportName];
  if (typeof handler !== 'function') {
    throw named('Runtime.HandlerNotFound', `${handlerName} is undefined or not exported`);
  }
  if (handler.length > 2) {
    throw named('Runtime.CallbackHandlerDeprecated', 'Node.js 24 has no callback-based handlers');
  }
  return handler;
}

function asImportError(error: unknown): never {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof Error && /^(ERR_)?MODULE_NOT_FOUND$/.test(String(code))) {
    throw named('Runtime.ImportModuleError', error.message);
  }
  throw error;
}

/**
 * A bundle that needs a package which is not in it works in a checkout and fails in AWS. So modules
 * come from the task root and from Node only.
 */
function confineModules(): void {
  const root = `${pathToFileURL(taskRoot).href}/`;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (resolved.url.startsWith(root) || resolved.url.startsWith('node:')) return resolved;
      throw named('Runtime.ImportModuleError', `Cannot find module '${specifier}'`);
    },
  });
}

/** `console` as the managed runtime provides it: with the request's id, one line a call. */
function replaceConsole(): void {
  const levels = {
    trace: 'TRACE',
    debug: 'DEBUG',
    log: 'INFO',
    info: 'INFO',
    warn: 'WARN',
    error: 'ERROR',
  };
  for (const [method, level] of Object.entries(levels)) {
    Object.assign(console, {
      [method]: (...parts: unknown[]) => process.stdout.write(`${logLine(level, parts)}\n`),
    });
  }
}

function logLine(level: string, parts: readonly unknown[]): string {
  const timestamp = new Date().toISOString();
  const plain = parts.map((part) => (part instanceof Error ? describe(part) : part));
  if (structuredLog) {
    const message = plain.length === 1 ? plain[0] : plain.map(asText).join(' ');
    return JSON.stringify({ timestamp, level, requestId, message });
  }
  return [timestamp, requestId ?? 'undefined', level, plain.map(asText).join(' ')]
    .join('\t')
    .replaceAll('\n', '\r');
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined');
}

/** An error as Lambda returns it to whoever invoked the function. */
function describe(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (!(error instanceof Error)) {
    return { errorType: typeof error, errorMessage: String(error), trace: [] };
  }
  const trace = (error.stack ?? '').split('\n');
  return { errorType: error.name, errorMessage: error.message, trace };
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function tell(message: object): void {
  runner.write(`${JSON.stringify(message)}\n`);
}

function fail(error: unknown, exitCode: number): void {
  console.error('Uncaught Exception', describe(error));
  runner.end(`${JSON.stringify({ type: 'fatal', error: describe(error) })}\n`, () =>
    process.exit(exitCode),
  );
}
