import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import {
  type Answer,
  listenOnLoopback,
  type LoopbackServer,
  readBody,
} from '../loopback-server.ts';
import type { FunctionDefinition } from '../template/definitions.ts';
import type { Outcome } from './execution-environment.ts';
import { logTail } from './function-log.ts';
import { type InvokeOptions, type LocalFunction, MAX_EVENT_BYTES } from './function.ts';
import type { ManagedMapping } from '../queues/managed-mapping.ts';
import { LambdaError, RequestTooLargeError } from './lambda-error.ts';
import { answerMappings } from './mappings-api.ts';

export interface LambdaApiRequest {
  readonly functions: readonly LocalFunction[];
  readonly mappings: readonly ManagedMapping[];
  invoke(target: LocalFunction, event: unknown, options: InvokeOptions): Promise<Outcome>;
  /** Takes an event that nobody waits for. */
  invokeLater(target: LocalFunction, event: unknown, requestId: string): void;
}

/** "Invoke" in the Lambda API reference. */
const PATH = /^\/2015-03-31\/functions\/(?<name>[^/]+)\/invocations$/;
/** The function's name or a part of its ARN, with a version or without. */
const FUNCTION_NAME =
  /^(arn:aws:lambda:)?([a-z]{2}-[a-z]+-\d:)?(\d{12}:)?(function:)?(?<name>[\w-]+)(:(?<qualifier>\$LATEST|[\w-]+))?$/;
/** Quota of a payload that nobody waits for. */
const MAX_ASYNCHRONOUS_BYTES = 1024 * 1024;
const MAX_CLIENT_CONTEXT_BYTES = 3583;

/**
 * Starts the part of Lambda's API that is used here. Any AWS client can call a function: by its folder's
 * name (`sweep`), by its own name, or by its ARN; and turn event source mappings off and on. Requests
 * have to be signed, but whose signature it is does not matter.
 */
export function startLambdaApi(api: LambdaApiRequest): Promise<LoopbackServer> {
  return listenOnLoopback(0, async (request) => {
    const requestId = randomUUID();
    try {
      return await serve(request, requestId, api);
    } catch (error) {
      if (error instanceof LambdaError) return refusal(error, requestId);
      return refusal(new LambdaError('ServiceException', 500, String(error)), requestId);
    }
  });
}

async function serve(
  request: IncomingMessage,
  requestId: string,
  api: LambdaApiRequest,
): Promise<Answer> {
  const { headers, method } = request;
  const body = await readBody(request, MAX_EVENT_BYTES);
  if (headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true) {
    const message = 'Missing Authentication Token';
    throw new LambdaError('MissingAuthenticationTokenException', 403, message);
  }
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const aboutMappings = answerMappings(
    { method: method ?? '', url, body: body ?? Buffer.alloc(0) },
    api.mappings,
  );
  if (aboutMappings !== undefined) return json(aboutMappings, requestId);
  const name = PATH.exec(url.pathname)?.groups?.['name'];
  if (method !== 'POST' || name === undefined) {
    const message = 'Only Invoke and event source mappings are served here.';
    throw new LambdaError('UnknownOperationException', 404, message);
  }
  const target = find(api.functions, decodeURIComponent(name), url.searchParams.get('Qualifier'));
  const invocationType = textOf(headers['x-amz-invocation-type']) ?? 'RequestResponse';
  const clientContext = clientContextOf(textOf(headers['x-amz-client-context']));
  const limitBytes = invocationType === 'Event' ? MAX_ASYNCHRONOUS_BYTES : MAX_EVENT_BYTES;
  if (body === undefined || body.length > limitBytes) {
    const bytes = body?.length ?? Number(headers['content-length']);
    throw new RequestTooLargeError(bytes, invocationType, limitBytes);
  }
  const event = eventOf(body);
  switch (invocationType) {
    case 'DryRun':
      return empty(204, requestId);
    case 'Event':
      api.invokeLater(target, event, requestId);
      return empty(202, requestId);
    case 'RequestResponse': {
      const logBegins = target.log.size();
      const outcome = await api.invoke(target, event, { requestId, clientContext });
      const log = headers['x-amz-log-type'] === 'Tail' ? target.log.since(logBegins) : undefined;
      return result(outcome, requestId, log);
    }
    default:
      throw new LambdaError(
        'InvalidParameterValueException',
        400,
        `InvocationType ${invocationType} is none of RequestResponse, Event, DryRun`,
      );
  }
}

/** Only the version that the template describes exists here: `$LATEST`. */
function find(
  functions: readonly LocalFunction[],
  nameOrArn: string,
  qualifierParameter: string | null,
): LocalFunction {
  const { name, qualifier = qualifierParameter } = FUNCTION_NAME.exec(nameOrArn)?.groups ?? {};
  const target = functions.find(({ definition }) => isCalled(definition, name));
  if (target !== undefined && (qualifier ?? '$LATEST') === '$LATEST') return target;
  const wanted = qualifier === null ? nameOrArn : `${nameOrArn}:${qualifier}`;
  throw new LambdaError('ResourceNotFoundException', 404, `Function not found: ${wanted}`, {
    Type: 'User',
  });
}

const isCalled = (definition: FunctionDefinition, name: string | undefined): boolean =>
  definition.title === name || definition.name === name;

/** @throws LambdaError */
function eventOf(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new LambdaError(
      'InvalidRequestContentException',
      400,
      'Could not parse request body into json',
    );
  }
}

/** @throws LambdaError */
function clientContextOf(header: string | undefined): unknown {
  if (header === undefined) return undefined;
  try {
    if (header.length > MAX_CLIENT_CONTEXT_BYTES) throw new RangeError('too long');
    return JSON.parse(Buffer.from(header, 'base64').toString());
  } catch {
    throw new LambdaError(
      'InvalidRequestContentException',
      400,
      'Client context must be a valid Base64-encoded JSON object.',
    );
  }
}

function result(outcome: Outcome, requestId: string, log: string | undefined): Answer {
  const payload = 'error' in outcome ? JSON.stringify(outcome.error) : outcome.payload;
  return {
    statusCode: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amz-executed-version': '$LATEST',
      // What the handler throws is `Unhandled` too: current runtimes know nothing else.
      ...('error' in outcome && { 'x-amz-function-error': 'Unhandled' }),
      ...(log !== undefined && { 'x-amz-log-result': logTail(log, requestId).toString('base64') }),
    },
    body: Buffer.from(payload),
  };
}

function json(
  { status, body }: { readonly status: number; readonly body: object },
  requestId: string,
): Answer {
  return {
    statusCode: status,
    headers: { 'content-type': 'application/json', 'x-amzn-requestid': requestId },
    body: Buffer.from(JSON.stringify(body)),
  };
}

function empty(statusCode: number, requestId: string): Answer {
  return { statusCode, headers: { 'x-amzn-requestid': requestId }, body: Buffer.alloc(0) };
}

function refusal({ type, status, message, details }: LambdaError, requestId: string): Answer {
  return {
    statusCode: status,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amzn-errortype': type,
    },
    body: Buffer.from(JSON.stringify({ Type: 'User', message, ...details })),
  };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.[0];
}
