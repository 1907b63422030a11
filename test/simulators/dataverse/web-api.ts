import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, failLine, sendAnswer } from '../entra/answer.ts';
import type { EntraSimulator } from '../entra/index.ts';
import { badQuery, DataverseError, errorAnswer, errorCodes } from './errors.ts';
import { type FaultSwitch, serviceFaultAnswer, unauthorizedAnswer } from './faults.ts';
import type { HeldWrites } from './held-writes.ts';
import { executionMs } from './limits/execution-time.ts';
import {
  limitAnswer,
  remainingHeaders,
  type ServiceProtection,
} from './limits/service-protection.ts';
import type { Operation, WebApiRequest } from './operation.ts';
import { operations } from './operations/index.ts';
import type { Organization } from './organization.ts';
import type { createRequestCounter } from './request-counts.ts';

export const WEB_API_PATH = '/api/data/v9.2';

/** Longer addresses are refused; long queries have to go into a `$batch` (query-data-web-api.md). */
const MAX_URL_LENGTH = 32_768;

/** Serves the Web API: faults first, then the token, the service protection limits, the operation. */
export function serveWebApi(
  app: FastifyInstance,
  options: {
    organization: Organization;
    entra: EntraSimulator;
    faultSwitch: FaultSwitch;
    counter: ReturnType<typeof createRequestCounter>;
    heldWrites: HeldWrites;
    protection: ServiceProtection;
    /** Whether the organisation is to be found at its address at all. */
    found: () => boolean;
  },
): void {
  const { organization, entra, counter, heldWrites, protection } = options;
  const authorizationUri = `${entra.url}/${entra.tenantId}/oauth2/authorize`;

  app.all(`${WEB_API_PATH}/*`, serve);
  app.all(WEB_API_PATH, serve);

  async function serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const url = new URL(request.raw.url ?? '/', organization.url);
    const path = decode(url.pathname.slice(WEB_API_PATH.length + 1));
    const operation = operations.find(
      ({ method, path: pattern }) => method === request.method && pattern.test(path),
    );
    counter.request(operation?.name);
    if (!options.found()) {
      counter.answer(404);
      reply.callNotFound();
      return reply;
    }
    const fault = options.faultSwitch.meet(path);
    const call = callOf(request, url, path, operation);
    const refused = authenticate(request) ?? admit(reply, operation, call);
    if (fault.latencyMs) await sleep(fault.latencyMs);
    const carryOut = () => refused ?? answer(request, path, operation, call);
    switch (fault.mode) {
      case 'none':
        return send(carryOut());
      case 'unauthorized':
        return send(unauthorizedAnswer(organization, authorizationUri, true));
      case 'throttled':
      case 'unavailable':
      case 'forbidden':
      case 'not-a-member':
        return send(serviceFaultAnswer(fault.mode, fault, organization));
      case 'hang':
      case 'reset':
      case 'html':
      case 'half':
        counter.answer(undefined);
        return failLine(fault.mode, reply, async () => carryOut());
      case 'apply-late':
        if (refused !== undefined || request.method === 'GET') return send(carryOut());
        heldWrites.hold(carryOut);
        counter.answer(undefined);
        return failLine(fault.line ?? 'hang', reply, async () => carryOut());
    }

    function send(result: Answer): FastifyReply {
      counter.answer(result.status);
      return sendAnswer(reply.headers(remainingHeaders(protection)), result);
    }
  }

  /** The answer to a request without a valid token. */
  function authenticate(request: FastifyRequest): Answer | undefined {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token && entra.validate(token, organization.url) === 'ok') return undefined;
    const hasToken = request.headers.authorization !== undefined;
    return unauthorizedAnswer(organization, authorizationUri, hasToken);
  }

  /** The refusal of a request that exceeds a limit. It counts as concurrent until its answer is out. */
  function admit(
    reply: FastifyReply,
    operation: Operation | undefined,
    call: WebApiRequest,
  ): Answer | undefined {
    reply.raw.once('close', () => {
      protection.end();
    });
    const exceeded = protection.begin(executionMs(operation, call));
    return exceeded && limitAnswer(exceeded);
  }

  function answer(
    request: FastifyRequest,
    path: string,
    operation: Operation | undefined,
    call: WebApiRequest,
  ): Answer {
    try {
      if ((request.raw.url ?? '').length > MAX_URL_LENGTH) {
        throw new DataverseError(414, '', 'The request URL is too long.');
      }
      checkODataVersion(request);
      if (!operation) throw noSuchOperation(path);
      return operation.handle(call, organization);
    } catch (error) {
      if (error instanceof DataverseError) return errorAnswer(error);
      throw error;
    }
  }
}

function callOf(
  request: FastifyRequest,
  url: URL,
  path: string,
  operation: Operation | undefined,
): WebApiRequest {
  return {
    groups: (operation?.path.exec(path) ?? []).slice(1).map((group) => group ?? ''),
    query: url.searchParams,
    headers: request.headers,
    body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  };
}

/** The Web API speaks OData 4.0; it says so to whoever names another version (the code is inferred). */
function checkODataVersion({ headers }: FastifyRequest): void {
  const version = headers['odata-version'];
  const maxVersion = headers['odata-maxversion'];
  const tooOld = typeof maxVersion === 'string' && !(Number(maxVersion) >= 4);
  if ((version === undefined || version === '4.0') && !tooOld) return;
  throw new DataverseError(
    400,
    errorCodes.badQuery,
    'The OData version of the request is not supported. Use OData-Version 4.0.',
  );
}

function noSuchOperation(path: string): DataverseError {
  if (operations.some((operation) => operation.path.test(path))) {
    return new DataverseError(405, '', 'The requested resource does not support this http method.');
  }
  const segment = /^[^(/]*/.exec(path)?.[0] ?? '';
  const { code } = badQuery('');
  return new DataverseError(404, code, `Resource not found for the segment '${segment}'.`);
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
