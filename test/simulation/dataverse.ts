import { createDataverseClient, type DataverseClient } from '../../shared/dataverse/client.ts';
import { pauseKeys } from '../../shared/dataverse/cache-keys.ts';
import { createPause } from '../../shared/dataverse/pause.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import type { Fetch } from '../../shared/dataverse/http.ts';
import type { SimulatedCache } from './cache.ts';
import { createEntra, type Entra } from './entra.ts';
import { callOutside, type Effect, type Invocation, waitIn } from './invocation.ts';
import type { Contact, Organization } from './organization.ts';
import {
  describeRequest,
  errorBody,
  perform,
  targetsOf,
  type WebApiAnswer,
  type WebApiRequest,
} from './web-api.ts';
import type { World } from './world.ts';

export const ORG_URL = 'https://fictitious.crm4.dynamics.com';
const CONNECTION: DynamicsConnection = {
  orgUrl: ORG_URL,
  authorityUrl: 'https://login.microsoftonline.com',
  tenantId: '0a000000-0000-4000-8000-00000000e0e0',
  clientId: 'client',
  clientSecret: 'secret',
};

/** As `shared/lambda/connect.ts`. */
const TIMEOUT_MS = 5_000;
/** An operation may run for two minutes, whether or not the client still waits for it. */
const LATEST_MS = 120_000;
const PARALLEL_REQUESTS = 4;

/** How everything can be answered for a while; `disabled`: the application user, so that no token helps. */
export type Outage = (typeof OUTAGES)[number];
export const OUTAGES = [
  'throttled',
  'server error',
  'unauthorized',
  'forbidden',
  'bare 404',
  'hang',
  'disabled',
] as const;
const REFUSALS = [
  'throttled',
  'server error',
  'unauthorized',
  'forbidden',
  'bare 404',
  'garbled',
] as const;

/** Changes what Dataverse hears or answers: a guard of ours taken out. */
export interface DataverseTampering {
  readonly request?: (headers: Headers) => void;
  readonly answer?: (status: number, body: string, label: string) => WebApiAnswer;
}

export interface Dataverse {
  readonly entra: Pick<Entra, 'issued' | 'late'>;
  /** All requests are answered like this until it is undefined. */
  outage: Outage | undefined;
  /** When functions were told that a token is refused, in order; milliseconds since 1970. */
  readonly refusedAtMs: readonly number[];
  /** So often a container waited in vain for the token that another one asks for. */
  readonly outlastedLocks: number;
  /** The official client of this project, over a simulated network. */
  clientOf(invocation: Invocation): DataverseClient;
  /** Writes whose acknowledgement a function has seen, in order. */
  readonly acknowledged: readonly { readonly contactId: string; readonly by: Invocation }[];
}

/** An organisation behind its Web API, as far as the functions use it, with its moods. */
export function createDataverse(
  world: World,
  cache: SimulatedCache,
  organization: Organization,
  /** A contact is shown to a function, or proven to be deleted. */
  onRead: (by: Invocation, contact: Contact) => void,
  tampering: DataverseTampering,
): Dataverse {
  const { contacts } = organization;
  const entra = createEntra(world);
  const acknowledged: { contactId: string; by: Invocation }[] = [];
  const refusedAtMs: number[] = [];
  let outlastedLocks = 0;

  /** Writes that are under way and still waited for, by contact. */
  const writers = new Map<string, Set<Invocation>>();
  async function alone<T>(
    written: readonly string[],
    by: Invocation,
    write: () => Promise<T>,
  ): Promise<T> {
    for (const id of written) {
      const others = writers.get(id) ?? new Set();
      writers.set(id, others);
      if ([...others].some((other) => !other.dead)) {
        const name = contacts.get(id)?.name;
        world.violation('one writer at a time', `${by.name} writes ${name} besides another`);
      }
      others.add(by);
    }
    try {
      return await write();
    } finally {
      for (const id of written) writers.get(id)?.delete(by);
    }
  }

  const dataverse: Dataverse = {
    entra,
    acknowledged,
    outage: undefined,
    refusedAtMs,
    get outlastedLocks() {
      return outlastedLocks;
    },
    clientOf(invocation) {
      const now = () => world.now() + invocation.skewMs;
      const remembered = cache.of(invocation);
      const pause = createPause({ key: pauseKeys(CONNECTION).dataverse, cache: remembered, now });
      return createDataverseClient({
        connection: CONNECTION,
        tokens: createTokenSource({
          connection: CONNECTION,
          cache: remembered,
          fetch: fetchOf(invocation),
          pause,
          now,
          random: () => world.random.unit(`${invocation.name} token`),
          wait: (ms) => waitIn(world, invocation, ms),
          observe: (event) => {
            if (event === 'lock-outlasted') outlastedLocks += 1;
          },
        }),
        fetch: fetchOf(invocation),
        timeoutMs: TIMEOUT_MS,
        parallelRequests: PARALLEL_REQUESTS,
        pause,
        now,
      });
    },
  };

  const fetchOf =
    (invocation: Invocation): Fetch =>
    async (input, init = {}) => {
      const url = new URL(input instanceof URL || typeof input === 'string' ? input : input.url);
      const headers = new Headers(init.headers);
      if (url.origin === CONNECTION.authorityUrl) return tokenFor(invocation);
      const overEtag = headers.get('if-match');
      tampering.request?.(headers);
      const request: WebApiRequest = {
        method: init.method ?? 'GET',
        url,
        headers,
        overEtag,
        body: typeof init.body === 'string' ? init.body : undefined,
      };
      const label = describeRequest(contacts, request);
      const written = targetsOf(request).map(({ id }) => id);
      const answerOf = (
        ...answer: [status: number, body: string, headers?: Record<string, string>]
      ) => responseOf(label, ...answer);
      return alone(written, invocation, () =>
        callOutside(world, invocation, {
          label,
          target: 'dataverse',
          effect: () =>
            dataverse.outage === undefined ? effect(request) : refuse(dataverse.outage, request),
          giveUpAfterMs: TIMEOUT_MS,
          latestMs: LATEST_MS,
          unanswered: () => new TypeError('fetch failed'),
          refusals: REFUSALS,
          refuse: (refusal) => refuse(refusal, request),
        }),
      );

      function refusedToken(): Response {
        refusedAtMs.push(world.now());
        return answerOf(401, '');
      }

      function effect(asked: WebApiRequest): Effect<Response> {
        if (!entra.accepts(headers.get('authorization')?.replace(/^Bearer /, ''))) {
          return { answer: refusedToken, says: '401' };
        }
        const { status, body } = perform(organization, asked, (contact) =>
          onRead(invocation, contact),
        );
        return {
          answer: () => {
            if (status === 204) {
              for (const contactId of written) acknowledged.push({ contactId, by: invocation });
            }
            return answerOf(status, body);
          },
          says: String(status),
        };
      }

      function refuse(
        refusal: Outage | (typeof REFUSALS)[number],
        asked: WebApiRequest,
      ): Effect<Response> {
        const retryAfterSeconds = world.random.pick(`${label} ${world.now()}`, [1, 60]);
        switch (refusal) {
          case 'throttled':
            return {
              answer: () => answerOf(429, '', { 'retry-after': String(retryAfterSeconds) }),
              says: `429, ${retryAfterSeconds} s`,
            };
          case 'server error':
            return { answer: () => answerOf(503, '<html>'), says: '503' };
          case 'unauthorized':
            entra.revoke();
            return { answer: refusedToken, says: '401, every token is revoked' };
          case 'disabled':
            return { answer: refusedToken, says: '401, the user is disabled' };
          case 'hang':
            return { answer: undefined, says: 'nothing' };
          case 'forbidden':
            return {
              answer: () => answerOf(403, errorBody('0x80040220')),
              says: '403',
            };
          case 'bare 404':
            return { answer: () => answerOf(404, '<html>'), says: '404 without a code' };
          case 'garbled': {
            const { says } = effect(asked);
            return { answer: () => answerOf(200, '{"value":['), says: `${says}, cut off` };
          }
        }
      }
    };

  function tokenFor(invocation: Invocation): Promise<Response> {
    const answered = entra.asked();
    return callOutside(world, invocation, {
      label: 'token',
      target: 'entra',
      effect: () => {
        const { status, body } = entra.issue();
        return { answer: () => responseOf('token', status, body), says: 'issued' };
      },
      giveUpAfterMs: TIMEOUT_MS,
      latestMs: LATEST_MS,
      unanswered: () => new TypeError('fetch failed'),
      refusals: ['server error', 'refused'],
      refuse: (refusal) =>
        refusal === 'refused'
          ? {
              answer: () =>
                responseOf('token', 401, '{"error":"invalid_client","error_codes":[7000222]}'),
              says: 'refused',
            }
          : { answer: () => responseOf('token', 503, '<html>'), says: '503' },
    }).finally(answered);
  }

  /** Every answer passes here last, on its way to the function. */
  function responseOf(
    label: string,
    status: number,
    body: string,
    headers: Record<string, string> = {},
  ): Response {
    const answer = tampering.answer?.(status, body, label) ?? { status, body };
    // No stream: reading one would take turns of the event loop that the simulation does not see.
    return {
      status: answer.status,
      headers: new Headers(headers),
      type: 'basic',
      body: [new TextEncoder().encode(answer.body)],
    } as unknown as Response;
  }

  return dataverse;
}
