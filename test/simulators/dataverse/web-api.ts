import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Answer, failLine, sendAnswer } from '../entra/answer.ts';
import type { EntraSimulator } from '../entra/index.ts';
import { badQuery, DataverseError, errorAnswer } from './errors.ts';
import { type FaultSwitch, serviceFaultAnswer, unauthorizedAnswer } from './faults.ts';
import type { HeldWrites } from './held-writes.ts';
import type { Operation } from './operation.ts';
import { operations } from './operations/index.ts';
import type { Organization } from './organization.ts';
import type { createRequestCounter } from './request-counts.ts';

export const WEB_API_PATH = '/api/data/v9.2';

/** Longer addresses are refused; long queries have to go into a `$batch` (query-data-web-api.md). */
const MAX_URL_LENGTH = 32_768;

/** Serves the Web API: faults first, then the token, then the operation. */
export function serveWebApi(
  app: FastifyInstance,
  options: {
    organization: Organization;
    entra: EntraSimulator;
    faultSwitch: FaultSwitch;
    counter: ReturnType<typeof createRequestCounter>;
    heldWrites: HeldWrites;
  },
): void {
  const { organization, entra, counter, heldWrites } = options;
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
    const fault = options.faultSwitch.meet(path);
    if (fault.latencyMs) await sleep(fault.latencyMs);

    const refused = authenticate(request);
    const carryOut = () => refused ?? answer(request, url, path, operation);
    switch (fault.mode) {
      case 'none':
        return send(carryOut());
      case 'unauthorized':
        return send(unauthorizedAnswer(organization, authorizationUri, true));
      case 'throttled':
      case 'unavailable':
      case 'forbidden':
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
      return sendAnswer(reply, result);
    }
  }

  /** The answer to a request without a valid token. */
  function authenticate(request: FastifyRequest): Answer | undefined {
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token && entra.validate(token, organization.url) === 'ok') return undefined;
    const hasToken = request.headers.authorization !== undefined;
    return unauthorizedAnswer(organization, authorizationUri, hasToken);
  }

  function answer(
    request: FastifyRequest,
    url: URL,
    path: string,
    operation: Operation | undefined,
  ): Answer {
    try {
      if ((request.raw.url ?? '').length > MAX_URL_LENGTH) {
        throw new DataverseError(414, '', 'The request URL is too long.');
      }
      if (!operation) throw noSuchOperation(path);
      return operation.handle(
        {
          groups: (operation.path.exec(path) ?? []).slice(1).map((group) => group ?? ''),
          query: url.searchParams,
          headers: request.headers,
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
        },
        organization,
      );
    } catch (error) {
      if (error instanceof DataverseError) return errorAnswer(error);
      throw error;
    }
  }
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
