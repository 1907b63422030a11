import { createDataverseClient, type DataverseClient } from '../../shared/dataverse/client.ts';
import { CONTACT_FIELDS } from '../../shared/dataverse/fields.ts';
import { pauseKeys } from '../../shared/dataverse/cache-keys.ts';
import { createPause } from '../../shared/dataverse/pause.ts';
import { createTokenSource } from '../../shared/dataverse/token.ts';
import type { DynamicsConnection } from '../../shared/dataverse/connection.ts';
import type { Fetch } from '../../shared/dataverse/http.ts';
import type { SimulatedCache } from './cache.ts';
import { createEntra, type Entra } from './entra.ts';
import { callOutside, type Effect, type Invocation, waitIn } from './invocation.ts';
import type { World } from './world.ts';

export const DATAVERSE_ORGANIZATION_ID = '0a000000-0000-4000-8000-00000000d0d0';
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

/** Beyond what a double can count: a version that passes through a number loses its last digits. */
const FIRST_VERSION = 2n ** 53n;

export const CONSENT_STATUS_VALUES = { Active: 727000000, Partial: 1, Expired: 2, None: 3 };

const CONSENT_STATUS_COLUMN = {
  LogicalName: CONTACT_FIELDS.consentStatus.logicalName,
  OptionSet: {
    Options: Object.entries(CONSENT_STATUS_VALUES).map(([label, value]) => ({
      Value: value,
      Label: { LocalizedLabels: [{ Label: label }] },
    })),
  },
};

const APPLICATION_USER_ID = '0a000000-0000-4000-8000-00000000a0a0';

export const PROFILE_COLUMNS = ['firstname', 'lastname', 'emailaddress1', 'telephone1'] as const;
export type ProfileColumn = (typeof PROFILE_COLUMNS)[number];

export interface Contact {
  readonly id: string;
  /** How the history calls it. */
  readonly name: string;
  readonly columns: Record<string, string | number | boolean | null>;
  version: bigint;
  /** At which version a user last set each column. */
  readonly setByUser: Map<string, bigint>;
  alive: boolean;
  /** How often it was created or restored, and how often deleted. */
  lives: number;
  deaths: number;
}

export type Refusal = 'throttled' | 'server error' | 'unauthorized' | 'forbidden' | 'bare 404';
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
  readonly answer?: (status: number, body: string) => { status: number; body: string };
}

export interface Organization {
  readonly entra: Pick<Entra, 'issued' | 'revocations' | 'slowestMs'>;
  readonly contacts: ReadonlyMap<string, Contact>;
  create(id: string, name: string, columns: Contact['columns']): Contact;
  /** A user changes columns, deletes or restores. */
  change(contact: Contact, columns: Contact['columns']): void;
  remove(contact: Contact): void;
  restore(contact: Contact): void;
  /** All requests are answered like this until it is undefined. */
  outage: Refusal | undefined;
  /** The official client of this project, over a simulated network. */
  clientOf(invocation: Invocation): DataverseClient;
  /** Writes whose acknowledgement a function has seen, in order. */
  readonly acknowledged: readonly { readonly contactId: string; readonly by: Invocation }[];
}

/** Dataverse, as far as the functions use it: contacts in memory, and its Web API with its moods. */
export function createOrganization(
  world: World,
  cache: SimulatedCache,
  on: {
    readonly ownWrite: (contact: Contact) => void;
    /** A contact is shown to a function, or proven to be deleted. */
    readonly read: (by: Invocation, contact: Contact) => void;
  },
  labels: Map<string, string>,
  tampering: DataverseTampering,
): Organization {
  const contacts = new Map<string, Contact>();
  const entra = createEntra(world);
  const acknowledged: { contactId: string; by: Invocation }[] = [];
  let version = FIRST_VERSION;
  const touch = (contact: Contact) => {
    version += 1n;
    contact.version = version;
  };

  function set(contact: Contact, columns: Contact['columns']) {
    Object.assign(contact.columns, columns);
    touch(contact);
  }

  /** Writes that are under way and still waited for, by contact. */
  const writers = new Map<string, Set<Invocation>>();
  async function alone<T>(contact: Contact, by: Invocation, write: () => Promise<T>): Promise<T> {
    const others = writers.get(contact.id) ?? new Set();
    writers.set(contact.id, others);
    if ([...others].some((other) => !other.dead)) {
      world.violation('one writer at a time', `${by.name} writes ${contact.name} besides another`);
    }
    others.add(by);
    try {
      return await write();
    } finally {
      others.delete(by);
    }
  }

  const organization: Organization = {
    entra,
    contacts,
    acknowledged,
    outage: undefined,
    create(id, name, columns) {
      const contact: Contact = {
        id,
        name,
        columns: { ...columns },
        version: 0n,
        setByUser: new Map(),
        alive: true,
        lives: 1,
        deaths: 0,
      };
      touch(contact);
      contacts.set(id, contact);
      labels.set(id, name);
      return contact;
    },
    change(contact, columns) {
      set(contact, columns);
      for (const column of Object.keys(columns)) contact.setByUser.set(column, contact.version);
    },
    remove(contact) {
      contact.alive = false;
      contact.deaths += 1;
    },
    restore(contact) {
      contact.alive = true;
      contact.lives += 1;
      touch(contact);
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
      const request: Request = {
        method: init.method ?? 'GET',
        url,
        headers,
        overEtag,
        body: typeof init.body === 'string' ? (JSON.parse(init.body) as Contact['columns']) : {},
      };
      const target = targetOf(url);
      const contact = target === undefined ? undefined : contacts.get(target);
      return contact !== undefined && request.method === 'PATCH'
        ? alone(contact, invocation, send)
        : send();

      function send() {
        return callOutside(world, invocation, {
          label: describe(request),
          target: 'dataverse',
          effect: () =>
            organization.outage === undefined
              ? effect(request)
              : refuse(organization.outage, request),
          giveUpAfterMs: TIMEOUT_MS,
          latestMs: LATEST_MS,
          unanswered: () => new TypeError('fetch failed'),
          refusals: REFUSALS,
          refuse: (refusal) => refuse(refusal, request),
        });
      }

      function effect(asked: Request): Effect<Response> {
        if (!entra.accepts(headers.get('authorization')?.replace(/^Bearer /, ''))) {
          return { answer: () => responseOf(401, ''), says: '401' };
        }
        const { status, body } = perform(asked, invocation);
        return {
          answer: () => {
            if (status === 204 && target !== undefined) {
              acknowledged.push({ contactId: target, by: invocation });
            }
            return responseOf(status, body);
          },
          says: String(status),
        };
      }

      function refuse(refusal: (typeof REFUSALS)[number], asked: Request): Effect<Response> {
        const retryAfterSeconds = world.random.pick(`${describe(asked)} ${world.now()}`, [1, 60]);
        switch (refusal) {
          case 'throttled':
            return {
              answer: () => responseOf(429, '', { 'retry-after': String(retryAfterSeconds) }),
              says: `429, ${retryAfterSeconds} s`,
            };
          case 'server error':
            return { answer: () => responseOf(503, '<html>'), says: '503' };
          case 'unauthorized':
            entra.revoke();
            return { answer: () => responseOf(401, ''), says: '401, every token is revoked' };
          case 'forbidden':
            return {
              answer: () => responseOf(403, errorBody('0x80040220')),
              says: '403',
            };
          case 'bare 404':
            return { answer: () => responseOf(404, '<html>'), says: '404 without a code' };
          case 'garbled': {
            const { says } = effect(asked);
            return { answer: () => responseOf(200, '{"value":['), says: `${says}, cut off` };
          }
        }
      }
    };

  function perform(
    { method, url, headers, overEtag, body }: Request,
    by: Invocation,
  ): { status: number; body: string } {
    if (url.pathname.endsWith('/WhoAmI')) {
      const who = { OrganizationId: DATAVERSE_ORGANIZATION_ID, UserId: APPLICATION_USER_ID };
      return { status: 200, body: JSON.stringify(who) };
    }
    if (url.pathname.includes('/EntityDefinitions(')) {
      return { status: 200, body: JSON.stringify(CONSENT_STATUS_COLUMN) };
    }
    const id = targetOf(url);
    if (id === undefined) {
      const wanted = decodeURIComponent(url.search).match(GUIDS) ?? [];
      const rows = wanted.flatMap((one) => {
        const contact = contacts.get(one);
        if (contact?.alive !== true) return [];
        on.read(by, contact);
        return [rowOf(contact)];
      });
      return { status: 200, body: `{"value":[${rows.join()}]}` };
    }
    const contact = contacts.get(id);
    if (contact === undefined) return { status: 404, body: errorBody('0x80040217') };
    if (method === 'GET' || !contact.alive) on.read(by, contact);
    if (method === 'GET') {
      return contact.alive
        ? { status: 200, body: rowOf(contact) }
        : { status: 404, body: errorBody('0x80040217') };
    }
    const ifMatch = headers.get('if-match');
    if (!contact.alive) {
      if (ifMatch !== null) return { status: 404, body: errorBody('0x80040217') };
      // Without If-Match a PATCH is an upsert.
      organization.restore(contact);
    }
    if (ifMatch !== null && ifMatch !== '*' && ifMatch !== etagOf(contact)) {
      return { status: 412, body: errorBody('0x80060882') };
    }
    checkOverwritten(contact, Object.keys(body), overEtag);
    set(contact, body);
    on.ownWrite(contact);
    return { status: 204, body: '' };
  }

  function tokenFor(invocation: Invocation): Promise<Response> {
    const sentMs = world.now();
    return callOutside(world, invocation, {
      label: 'token',
      target: 'entra',
      effect: () => {
        const { status, body } = entra.issue();
        return { answer: () => responseOf(status, body), says: 'issued' };
      },
      giveUpAfterMs: TIMEOUT_MS,
      latestMs: LATEST_MS,
      unanswered: () => new TypeError('fetch failed'),
      refusals: ['server error', 'refused'],
      refuse: (refusal) =>
        refusal === 'refused'
          ? {
              answer: () => responseOf(401, '{"error":"invalid_client","error_codes":[7000222]}'),
              says: 'refused',
            }
          : { answer: () => responseOf(503, '<html>'), says: '503' },
    }).finally(() => entra.answered(world.now() - sentMs));
  }

  /** A value that a user has set since the writer read the contact must not be written over. */
  function checkOverwritten(contact: Contact, columns: readonly string[], etag: string | null) {
    const read = /^W\/"(\d+)"$/.exec(etag ?? '')?.[1];
    if (read === undefined) return;
    const unseen = columns.find((column) => (contact.setByUser.get(column) ?? 0n) > BigInt(read));
    if (unseen !== undefined) {
      world.violation('no edit is overwritten unseen', `${unseen} of ${contact.name}`);
    }
  }

  /** Every answer passes here last, on its way to the function. */
  function responseOf(
    status: number,
    body: string,
    headers: Record<string, string> = {},
  ): Response {
    const answer = tampering.answer?.(status, body) ?? { status, body };
    // No stream: reading one would take turns of the event loop that the simulation does not see.
    return {
      status: answer.status,
      headers: new Headers(headers),
      type: 'basic',
      body: [new TextEncoder().encode(answer.body)],
    } as unknown as Response;
  }

  function describe({ method, url, body }: Request): string {
    if (url.pathname.endsWith('/WhoAmI')) return 'WhoAmI';
    if (url.pathname.includes('/EntityDefinitions(')) return 'option values';
    const names = (decodeURIComponent(url.href).match(GUIDS) ?? [])
      .map((id) => contacts.get(id)?.name ?? 'unknown')
      .join(' ');
    return [method, names, method === 'PATCH' ? describeColumns(body) : '']
      .filter(Boolean)
      .join(' ');
  }

  return organization;
}

interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  /** The ETag that our client asked for, whatever became of the header. */
  readonly overEtag: string | null;
  readonly body: Contact['columns'];
}

const GUIDS = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;

const targetOf = (url: URL): string | undefined =>
  /\/contacts\(([0-9a-f-]{36})\)$/.exec(url.pathname)?.[1];

const etagOf = (contact: Contact): string => `W/"${contact.version}"`;

const errorBody = (code: string): string => JSON.stringify({ error: { code, message: '' } });

/** `versionnumber` is written as the number that it is, with all its digits. */
function rowOf(contact: Contact): string {
  const columns = Object.fromEntries(
    PROFILE_COLUMNS.map((column) => [column, contact.columns[column] ?? null]),
  );
  const rest = JSON.stringify({
    contactid: contact.id,
    '@odata.etag': etagOf(contact),
    ...columns,
    statecode: 0,
  });
  return `{"versionnumber":${contact.version},${rest.slice(1)}`;
}

const CHANNEL_COLUMNS = {
  email: CONTACT_FIELDS.marketingEmail.logicalName,
  sms: CONTACT_FIELDS.marketingSms.logicalName,
};

/** What a write or a contact says, without its times. */
export function describeColumns(columns: Contact['columns']): string {
  const status = Object.entries(CONSENT_STATUS_VALUES).find(
    ([, value]) => value === columns[CONTACT_FIELDS.consentStatus.logicalName],
  )?.[0];
  const on = Object.entries(CHANNEL_COLUMNS)
    .filter(([, column]) => columns[column] === true)
    .map(([channel]) => channel);
  const profile = PROFILE_COLUMNS.filter((column) => column in columns).map(
    (column) => `${column}=${columns[column]}`,
  );
  return [status && `${status}[${on.join()}]`, ...profile].filter(Boolean).join(' ');
}
