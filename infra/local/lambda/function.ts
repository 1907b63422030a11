import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { FunctionDefinition } from '../template/definitions.ts';
import {
  type ExecutionEnvironment,
  type Outcome,
  startEnvironment,
} from './execution-environment.ts';
import { type FunctionLog, openFunctionLog } from './function-log.ts';
import type { OrphanThaw } from './orphan-thaw.ts';
import { RequestTooLargeError, ThrottledError } from './lambda-error.ts';

export interface InvokeOptions {
  /** Made up if left out. */
  readonly requestId?: string;
  /** What the caller says about itself: `context.clientContext`. */
  readonly clientContext?: unknown;
}

/** A function that can be invoked, with its pool of execution environments. */
export interface LocalFunction {
  readonly definition: FunctionDefinition;
  readonly log: FunctionLog;
  /**
   * Invokes the function and waits for its end; waits for a free environment if all are busy.
   *
   * @throws ThrottledError if the function's reserved concurrency is used up.
   * @throws RequestTooLargeError
   */
  invoke(event: unknown, options?: InvokeOptions): Promise<Outcome>;
  /** Processes alive now. */
  processIds(): number[];
  /** Of those, the ones that are at an invocation. */
  busyProcessIds(): number[];
  /** Ends the processes, whatever they are doing. */
  stop(): Promise<void>;
}

/** What Lambda measures. */
export type FunctionEvent =
  | {
      readonly kind: 'invoked';
      readonly failed: boolean;
      /** Undefined where the function could not even be started. */
      readonly durationMs: number | undefined;
    }
  | { readonly kind: 'throttled' };

export interface FunctionHost {
  readonly bootstrap: string;
  readonly logDirectory: string;
  readonly region: string;
  /** Variables that AWS or the local stack adds to those of the template. */
  readonly variables: Readonly<Record<string, string>>;
  /** Variables with the access key of one environment. */
  credentials(definition: FunctionDefinition): Readonly<Record<string, string>>;
  /** Environments of one function at the same time; AWS allows a thousand, a laptop does not. */
  readonly maxEnvironments: number;
  /** Stops processes between invocations; absent: they go on running. */
  readonly freeze?: OrphanThaw;
  /** Told about each invocation when it is over, and about those that are refused. */
  readonly onInvocation?: (functionName: string, event: FunctionEvent) => void;
}

/** "Function invocation payload" in the Lambda quotas: 6 MB each for request and response. */
export const MAX_EVENT_BYTES = 6 * 1024 * 1024;
/** A response is let through with what surrounds it. */
const MAX_RESPONSE_BYTES = MAX_EVENT_BYTES + 100;

const STOPPED: Outcome = {
  error: { errorType: 'Runtime.ExitError', errorMessage: 'the local stack is stopping' },
};

/**
 * Prepares a function: opens its log, starts nothing. Environments are created when an invocation
 * finds none idle, and are used again as long as they live.
 */
export function localFunction(definition: FunctionDefinition, host: FunctionHost): LocalFunction {
  const log = openFunctionLog(join(host.logDirectory, `${definition.title}.log`));
  const ended = new AbortController();
  const variables = variablesOf(definition, host);
  const idle: ExecutionEnvironment[] = [];
  const all = new Set<ExecutionEnvironment>();
  const waiting: (() => void)[] = [];
  const underWay = new Set<Promise<unknown>>();
  let busy = 0;
  const measure = (event: FunctionEvent): void => host.onInvocation?.(definition.name, event);

  const serve = async (
    event: unknown,
    { requestId = randomUUID(), clientContext }: InvokeOptions,
  ): Promise<Outcome> => {
    if (ended.signal.aborted) return STOPPED;
    let environment = idle.pop();
    while (environment !== undefined && !environment.alive) {
      all.delete(environment);
      environment = idle.pop();
    }
    const cold = environment === undefined;
    if (environment === undefined) {
      const { taskRoot, memoryMb } = definition;
      const started = await startEnvironment({
        bootstrap: host.bootstrap,
        taskRoot,
        variables: { ...variables, ...host.credentials(definition) },
        memoryMb,
        logDescriptor: log.descriptor,
        requestId,
        freeze: host.freeze !== undefined,
        signal: ended.signal,
      });
      if ('error' in started) {
        log.writePlatformLine('platform.initReport', {
          status: 'error',
          errorType: started.error.errorType,
        });
        measure({ kind: 'invoked', failed: true, durationMs: undefined });
        return started;
      }
      environment = started;
      all.add(environment);
      if (started.processId !== undefined) host.freeze?.add(started.processId);
    }
    log.writePlatformLine('platform.start', { requestId, version: '$LATEST' });
    const startedAt = performance.now();
    const timeoutMs = definition.timeoutSeconds * 1000;
    const functionArn = definition.arn;
    const outcome = limited(
      await environment.invoke({ requestId, functionArn, event, clientContext, timeoutMs }),
    );
    const durationMs = performance.now() - startedAt;
    log.writePlatformLine('platform.report', {
      requestId,
      status: statusOf(outcome),
      metrics: {
        durationMs: Number(durationMs.toFixed(3)),
        billedDurationMs: Math.ceil(durationMs + (cold ? environment.initDurationMs : 0)),
        memorySizeMB: definition.memoryMb,
        maxMemoryUsedMB: environment.maxMemoryMb,
        ...(cold && { initDurationMs: Number(environment.initDurationMs.toFixed(3)) }),
      },
    });
    measure({ kind: 'invoked', failed: 'error' in outcome, durationMs });
    if (environment.alive) idle.push(environment);
    else all.delete(environment);
    return outcome;
  };

  const takeTurn = async (event: unknown, options: InvokeOptions): Promise<Outcome> => {
    // A turn that is handed over keeps `busy` as it is, so that nobody can slip in between.
    if (busy < host.maxEnvironments) busy += 1;
    else await new Promise<void>((proceed) => waiting.push(proceed));
    try {
      return await serve(event, options);
    } finally {
      const next = waiting.shift();
      if (next === undefined) busy -= 1;
      else next();
    }
  };

  return {
    definition,
    log,
    async invoke(event, options = {}) {
      const bytes = Buffer.byteLength(JSON.stringify(event) ?? 'null');
      if (bytes > MAX_EVENT_BYTES) {
        throw new RequestTooLargeError(bytes, 'RequestResponse', MAX_EVENT_BYTES);
      }
      if (underWay.size >= (definition.reservedConcurrency ?? Number.POSITIVE_INFINITY)) {
        measure({ kind: 'throttled' });
        throw new ThrottledError();
      }
      const invocation = takeTurn(event, options);
      underWay.add(invocation);
      const forget = (): boolean => underWay.delete(invocation);
      invocation.then(forget, forget);
      return await invocation;
    },
    processIds: () => idsOf(all),
    busyProcessIds: () => idsOf([...all].filter((entry) => !idle.includes(entry))),
    async stop() {
      ended.abort();
      await Promise.allSettled([...underWay, ...[...all].map((entry) => entry.ended)]);
      log.close();
    },
  };
}

function idsOf(environments: Iterable<ExecutionEnvironment>): number[] {
  return [...environments].filter(({ alive }) => alive).flatMap(({ processId }) => processId ?? []);
}

function limited(outcome: Outcome): Outcome {
  if ('error' in outcome || Buffer.byteLength(outcome.payload) <= MAX_RESPONSE_BYTES)
    return outcome;
  const errorMessage = `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`;
  return { error: { errorType: 'Function.ResponseSizeTooLarge', errorMessage } };
}

function statusOf(outcome: Outcome): string {
  if ('payload' in outcome) return 'success';
  return outcome.error.errorType === 'Sandbox.Timedout' ? 'timeout' : 'error';
}

/** The template's variables and those of the Lambda developer guide, "Defined runtime variables". */
function variablesOf(definition: FunctionDefinition, host: FunctionHost): Record<string, string> {
  return {
    ...definition.environment,
    AWS_REGION: host.region,
    AWS_DEFAULT_REGION: host.region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_LAMBDA_LOG_FORMAT: definition.logFormat,
    AWS_LAMBDA_LOG_GROUP_NAME: definition.logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: 'local',
    LAMBDA_TASK_ROOT: definition.taskRoot,
    _HANDLER: definition.handler,
    TZ: ':UTC',
    ...host.variables,
  };
}
