import { describe, expect, test } from 'vitest';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import {
  DataverseForbidden,
  DataverseRejected,
  DataverseUnauthorized,
  DataverseUnavailable,
  DataverseUnreadable,
  TokenRefused,
} from '../../../shared/dataverse/errors.ts';
import type { AccessToken, TokenSource } from '../../../shared/dataverse/token.ts';
import {
  connectionOf,
  dataverseError,
  hangingFetch,
  json,
  networkError,
  scriptedFetch,
  type SeenRequest,
} from './fakes.ts';

const ROOT = 'https://contoso.crm4.dynamics.com/api/data/v9.2/';
const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER_ID = '7c9e6679-7425-40de-944b-e07fc1f90ae7';
const CORRELATION_ID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';
const SELECT =
  '$select=contactid,versionnumber,firstname,lastname,emailaddress1,telephone1,statecode,merged,_masterid_value';

/** A row as it stands in an answer: `versionnumber` is a bare 64-bit number. */
function row(changes: Record<string, unknown> = {}, versionDigits = '9007199254740993'): string {
  const columns = {
    '@odata.etag': 'W/"9007199254740993"',
    contactid: ID,
    firstname: 'Ada',
    lastname: 'Lovelace',
    emailaddress1: null,
    telephone1: '+44 20',
    statecode: 0,
    merged: false,
    _masterid_value: null,
    ...changes,
  };
  return JSON.stringify(columns).replace(/^\{/, `{"versionnumber":${versionDigits},`);
}

function page(rows: string[], nextLink?: string): Response {
  const link = nextLink === undefined ? '' : `,"@odata.nextLink":${JSON.stringify(nextLink)}`;
  return new Response(`{"value":[${rows.join(',')}]${link}}`);
}

const NOW_MS = Date.parse('2026-11-22T10:00:00Z');

/** Tokens that can be replaced until so many were issued. */
function numberedTokens(replaceable = Infinity) {
  let issued = 0;
  const dropped: string[] = [];
  let held: AccessToken | undefined;
  const tokens: TokenSource = {
    async get() {
      held ??= { value: `token-${++issued}`, issuedAtMs: NOW_MS, expiresAtMs: NOW_MS + 1 };
      return held;
    },
    async drop(token) {
      if (issued > replaceable) return false;
      dropped.push(token.value);
      if (held?.value === token.value) held = undefined;
      return true;
    },
  };
  return { tokens, dropped };
}

function clientWith(
  answer: (request: SeenRequest, count: number) => Response | Error,
  { replaceable = Infinity } = {},
) {
  const { fetch, requests } = scriptedFetch(answer);
  const { tokens, dropped } = numberedTokens(replaceable);
  const client = createDataverseClient({
    connection: connectionOf(),
    tokens,
    fetch,
    timeoutMs: 1000,
    parallelRequests: 4,
    correlationId: () => CORRELATION_ID,
    now: () => NOW_MS,
  });
  return { client, requests, dropped };
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error,
  );
}

describe('a request', () => {
  test('carries the headers of the Web API', async () => {
    const { client, requests } = clientWith(() => new Response(row()));
    await client.getContact(ID.toUpperCase());
    expect(requests[0]?.url).toBe(`${ROOT}contacts(${ID})?${SELECT}`);
    expect(Object.fromEntries(requests[0]?.headers ?? [])).toMatchObject({
      accept: 'application/json',
      authorization: 'Bearer token-1',
      'odata-version': '4.0',
      'odata-maxversion': '4.0',
      'if-none-match': 'null',
      'x-ms-client-request-id': CORRELATION_ID,
    });
  });

  test.each([undefined, 'not a guid', 'a\nb'])('goes without the request id %j', async (id) => {
    const { fetch, requests } = scriptedFetch(() => new Response(row()));
    const client = createDataverseClient({
      connection: connectionOf(),
      tokens: numberedTokens().tokens,
      fetch,
      timeoutMs: 1000,
      parallelRequests: 1,
      correlationId: () => id,
    });
    await client.getContact(ID);
    expect(requests[0]?.headers.has('x-ms-client-request-id')).toBe(false);
  });

  test('is never redirected: the token would go along', async () => {
    const { client, requests } = clientWith(() => Response.redirect(`${ROOT}WhoAmI`));
    await expect(client.getContact(ID)).rejects.toMatchObject({ reason: 'redirected' });
    expect(requests.map(({ redirect }) => redirect)).toEqual(['manual']);
  });

  test('never takes a place in the URL that is not an id', async () => {
    const { client, requests } = clientWith(() => new Response(row()));
    await expect(client.getContact(`${ID})/x(`)).rejects.toBeInstanceOf(TypeError);
    await expect(client.readContacts([`${ID}'] or true`])).rejects.toBeInstanceOf(TypeError);
    await expect(client.updateContact('*', {}, { ifMatch: '*' })).rejects.toBeInstanceOf(TypeError);
    expect(requests).toEqual([]);
  });
});

describe('reading a contact', () => {
  test('keeps every digit of its version', async () => {
    const { client } = clientWith(() => new Response(row({ contactid: ID.toUpperCase() })));
    await expect(client.getContact(ID)).resolves.toEqual({
      found: true,
      contact: {
        contactId: ID,
        version: '9007199254740993',
        etag: 'W/"9007199254740993"',
        firstName: 'Ada',
        lastName: 'Lovelace',
        email: null,
        phone: '+44 20',
        stateCode: 0,
        masterId: null,
      },
    });
  });

  test('finds it missing only on proof', async () => {
    const { client } = clientWith(() => dataverseError(404, '0x80040217'));
    await expect(client.getContact(ID)).resolves.toEqual({ found: false });
  });

  test.each([
    ['a bare 404', () => new Response(null, { status: 404 })],
    ['an HTML 404', () => new Response('<h1>Not Found</h1>', { status: 404 })],
    ['a 404 with an empty code', () => dataverseError(404, '')],
    ['a 404 with another code', () => dataverseError(404, '0x80060888')],
  ])('learns nothing from %s', async (_what, answer) => {
    const { client } = clientWith(answer);
    await expect(client.getContact(ID)).rejects.toBeInstanceOf(DataverseUnreadable);
  });

  test.each([
    ['HTML', '<html>Sign in</html>'],
    ['half a body', row().slice(0, -9)],
    ['nothing', ''],
    ['another contact', row({ contactid: OTHER_ID })],
    ['a name that is missing', row({ firstname: undefined })],
    ['a name that is no text', row({ firstname: 1 })],
    ['a fractional version', row({}, '1.5')],
    ['an ETag that fits no header', row({ '@odata.etag': 'a\nb' })],
    ['200,000 levels', '['.repeat(200_000)],
  ])('takes %s for no answer', async (_what, body) => {
    const { client } = clientWith(() => new Response(body));
    const error = await failureOf(client.getContact(ID));
    expect(error).toBeInstanceOf(DataverseUnavailable);
    expect(error).toMatchObject({ reason: 'malformed-answer', outcomeUnknown: false });
  });
});

describe('reading many contacts', () => {
  test('takes one filtered request', async () => {
    const { client, requests } = clientWith(() =>
      page([row(), row({ contactid: OTHER_ID, firstname: null })]),
    );
    const contacts = await client.readContacts([ID, OTHER_ID.toUpperCase(), ID]);
    expect([...contacts.keys()]).toEqual([ID, OTHER_ID]);
    expect(contacts.get(OTHER_ID)?.firstName).toBeNull();
    expect(requests.map((request) => decodeURIComponent(request.url))).toEqual([
      `${ROOT}contacts?${SELECT}&$filter=Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['${ID}','${OTHER_ID}'])`,
    ]);
  });

  test('takes none for none', async () => {
    const { client, requests } = clientWith(() => page([]));
    expect((await client.readContacts([])).size).toBe(0);
    expect(requests).toEqual([]);
  });

  test('refuses more than fit into a URL', async () => {
    const { client } = clientWith(() => page([]));
    const ids = Array.from({ length: 101 }, (_, n) => ID.slice(0, -3) + String(100 + n));
    await expect(client.readContacts(ids)).rejects.toBeInstanceOf(RangeError);
  });
});

describe('listing contacts', () => {
  test('follows the organisation’s own links', async () => {
    const next = `${ROOT}contacts?$select=contactid&$skiptoken=%3Ccookie%20/%3E`;
    const { client, requests } = clientWith((_request, count) =>
      count === 1 ? page([row()], next) : page([row({ contactid: OTHER_ID })]),
    );
    const first = await client.listContacts({ pageSize: 500 });
    expect(first.nextLink).toBe(next);
    const second = await client.listContacts({ pageSize: 500, nextLink: next });
    expect(second.contacts.map((contact) => contact.contactId)).toEqual([OTHER_ID]);
    expect('nextLink' in second).toBe(false);
    expect(requests.map((request) => request.url)).toEqual([`${ROOT}contacts?${SELECT}`, next]);
    for (const { headers } of requests) expect(headers.get('prefer')).toBe('odata.maxpagesize=500');
  });

  test.each([
    'https://evil.example/api/data/v9.2/contacts?$skiptoken=1',
    'http://contoso.crm4.dynamics.com/api/data/v9.2/contacts',
    'https://contoso.crm4.dynamics.com.evil.example/api/data/v9.2/contacts',
    'https://contoso.crm4.dynamics.com@evil.example/api/data/v9.2/contacts',
    'https://user@contoso.crm4.dynamics.com/api/data/v9.2/contacts',
    'https://contoso.crm4.dynamics.com/api/data/v9.2/systemusers',
    'https://contoso.crm4.dynamics.com/api/data/v9.2/contacts/../accounts',
    '/api/data/v9.2/contacts',
  ])('never follows %s', async (link) => {
    const { client, requests } = clientWith(() => page([row()], link));
    await expect(client.listContacts({ pageSize: 5 })).rejects.toBeInstanceOf(DataverseUnreadable);
    expect(requests).toHaveLength(1);
    await expect(client.listContacts({ pageSize: 5, nextLink: link })).rejects.toBeInstanceOf(
      DataverseUnreadable,
    );
    expect(requests).toHaveLength(1);
  });

  test.each([0, 5001, 1.5])('refuses a page of %s', async (pageSize) => {
    const { client } = clientWith(() => page([]));
    await expect(client.listContacts({ pageSize })).rejects.toBeInstanceOf(RangeError);
  });
});

function updateWith(answer: () => Response | Error, ifMatch = '*') {
  const { client, requests } = clientWith(answer);
  const result = client.updateContact(
    ID,
    { firstname: 'Ada', ch_marketing_sms: false },
    {
      ifMatch,
      tag: 'consenthub',
    },
  );
  return { result, requests };
}

describe('updating a contact', () => {
  test('never creates one', async () => {
    const { result, requests } = updateWith(() => new Response(null, { status: 204 }));
    await expect(result).resolves.toEqual({ outcome: 'updated' });
    expect(requests[0]).toMatchObject({
      method: 'PATCH',
      url: `${ROOT}contacts(${ID})?tag=consenthub`,
      body: '{"firstname":"Ada","ch_marketing_sms":false}',
    });
    expect(Object.fromEntries(requests[0]?.headers ?? [])).toMatchObject({
      'if-match': '*',
      'content-type': 'application/json',
    });
  });

  test('that has moved on is a conflict', async () => {
    const { result, requests } = updateWith(() => dataverseError(412, '0x80060882'), 'W/"7"');
    await expect(result).resolves.toEqual({ outcome: 'conflict' });
    expect(requests[0]?.headers.get('if-match')).toBe('W/"7"');
  });

  test('that does not exist is missing, on proof', async () => {
    const { result } = updateWith(() => dataverseError(404, '0x80040217'));
    await expect(result).resolves.toEqual({ outcome: 'missing' });
    await expect(updateWith(() => new Response('', { status: 404 })).result).rejects.toBeInstanceOf(
      DataverseUnreadable,
    );
  });

  test.each([
    ['a reset', () => networkError('ECONNRESET'), true],
    ['a refused connection', () => networkError('ECONNREFUSED'), false],
    ['an unknown host', () => networkError('ENOTFOUND'), false],
    ['a 500', () => dataverseError(500, ''), true],
    ['a 503', () => new Response('', { status: 503 }), true],
    ['a 429', () => dataverseError(429, '0x80072322'), false],
    ['a redirect', () => Response.redirect('https://example.org'), false],
    ['a sign-in page', () => new Response('<html>', { status: 200 }), true],
  ])('after %s says whether it may have been applied', async (_what, answer, outcomeUnknown) => {
    const error = await failureOf(updateWith(answer).result);
    expect(error).toBeInstanceOf(DataverseUnavailable);
    expect(error).toMatchObject({ outcomeUnknown });
  });

  test('after a time-out may have been applied', async () => {
    const client = createDataverseClient({
      connection: connectionOf(),
      tokens: numberedTokens().tokens,
      fetch: hangingFetch,
      timeoutMs: 5,
      parallelRequests: 1,
    });
    await expect(client.updateContact(ID, {}, { ifMatch: '*' })).rejects.toMatchObject({
      reason: 'timeout',
      outcomeUnknown: true,
    });
    await expect(client.getContact(ID)).rejects.toMatchObject({
      reason: 'timeout',
      outcomeUnknown: false,
    });
  });
});

describe('a token that is refused', () => {
  test('is replaced once', async () => {
    const { client, requests, dropped } = clientWith((_request, count) =>
      count === 1 ? new Response(null, { status: 401 }) : new Response(row()),
    );
    expect((await client.getContact(ID)).found).toBe(true);
    expect(dropped).toEqual(['token-1']);
    expect(requests.map(({ headers }) => headers.get('authorization'))).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('and is not to be replaced any more ends the request', async () => {
    const { client, requests, dropped } = clientWith(() => new Response(null, { status: 401 }), {
      replaceable: 1,
    });
    await expect(client.getContact(ID)).rejects.toBeInstanceOf(DataverseUnauthorized);
    expect(requests).toHaveLength(2);
    expect(dropped).toEqual(['token-1']);
  });

  test('is replaced once more if its replacement is an older one from the cache', async () => {
    const { client, requests, dropped } = clientWith((_request, count) =>
      count <= 2 ? new Response(null, { status: 401 }) : new Response(row()),
    );
    expect((await client.getContact(ID)).found).toBe(true);
    expect(dropped).toEqual(['token-1', 'token-2']);
    expect(requests).toHaveLength(3);
  });

  test('three times ends the request, whatever else could be tried', async () => {
    const { client, requests } = clientWith(() => new Response(null, { status: 401 }));
    await expect(client.getContact(ID)).rejects.toBeInstanceOf(DataverseUnauthorized);
    expect(requests).toHaveLength(3);
  });

  test('by Entra ID already ends the request before it is made', async () => {
    const { fetch, requests } = scriptedFetch(() => new Response(row()));
    const client = createDataverseClient({
      connection: connectionOf(),
      tokens: { get: () => Promise.reject(new TokenRefused([7000222])), drop: async () => false },
      fetch,
      timeoutMs: 1000,
      parallelRequests: 1,
    });
    await expect(client.updateContact(ID, {}, { ifMatch: '*' })).rejects.toBeInstanceOf(
      TokenRefused,
    );
    expect(requests).toEqual([]);
  });
});

describe('an answer that is no success', () => {
  test('403 is forbidden', async () => {
    const { client } = clientWith(() => dataverseError(403, '0x80040220'));
    const error = await failureOf(client.readContacts([ID]));
    expect(error).toBeInstanceOf(DataverseForbidden);
    expect(error).toMatchObject({ code: '0x80040220' });
  });

  test('403 is unauthorised to who is not a member of the organisation, and costs no token', async () => {
    const { client, requests, dropped } = clientWith(() => dataverseError(403, '0x80072560'));
    await expect(client.readContacts([ID])).rejects.toBeInstanceOf(DataverseUnauthorized);
    expect(requests).toHaveLength(1);
    expect(dropped).toEqual([]);
  });

  test.each([400, 405, 413, 415])('%s is rejected', async (status) => {
    const { client } = clientWith(() => dataverseError(status, '0x80060888'));
    const error = await failureOf(client.readContacts([ID]));
    expect(error).toBeInstanceOf(DataverseRejected);
    expect(error).toMatchObject({ status, code: '0x80060888', outcomeUnknown: false });
  });

  test.each([
    ['17', 17],
    ['Sun, 22 Nov 2026 10:00:30 GMT', 30],
    ['Sun, 22 Nov 2026 09:00:00 GMT', 0],
    ['999999999', 3600],
    ['soon', undefined],
  ])('429 with Retry-After %j says how long to wait', async (header, seconds) => {
    const { client } = clientWith(() =>
      dataverseError(429, '0x80072322', { 'retry-after': header }),
    );
    await expect(client.getContact(ID)).rejects.toMatchObject({
      reason: 'throttled',
      retryAfterSeconds: seconds,
    });
  });

  test('says nothing of what Dataverse wrote, nor of the token', async () => {
    for (const answer of [
      () => dataverseError(400, 'Ada Lovelace'),
      () => dataverseError(500, '0x80040216'),
      () => new Response(row({ firstname: 7, lastname: 'Lovelace' })),
      () => new TypeError('Headers.append: "Bearer token-1" is an invalid header value.'),
    ]) {
      const error = await failureOf(clientWith(answer).client.getContact(ID));
      expect(error).toBeInstanceOf(Error);
      const told = JSON.stringify(error, ['name', 'message', 'stack', 'cause', 'code']);
      expect(told + String(error)).not.toMatch(/Lovelace|token-1/);
      expect(error).not.toHaveProperty('cause');
    }
  });

  test('is not read on beyond all bounds', async () => {
    const megabyte = new Uint8Array(1024 * 1024).fill(0x20);
    let sent = 0;
    const endless = () =>
      new Response(
        new ReadableStream({
          pull(controller) {
            sent += 1;
            controller.enqueue(megabyte);
          },
        }),
      );
    await expect(clientWith(endless).client.getContact(ID)).rejects.toMatchObject({
      reason: 'oversized-answer',
    });
    expect(sent).toBeLessThan(20);
  });
});

describe('the organisation', () => {
  test('says who it is', async () => {
    const { client, requests } = clientWith((_request, count) =>
      count === 1
        ? json(200, {
            BusinessUnitId: OTHER_ID,
            UserId: OTHER_ID.toUpperCase(),
            OrganizationId: ID.toUpperCase(),
          })
        : json(200, { name: 'Contoso' }),
    );
    await expect(client.whoAmI()).resolves.toEqual({ organizationId: ID, userId: OTHER_ID });
    await expect(client.getOrganizationName(ID)).resolves.toBe('Contoso');
    expect(requests.map(({ url }) => url)).toEqual([
      `${ROOT}WhoAmI`,
      `${ROOT}organizations(${ID})?$select=name`,
    ]);
  });
});

test('no more requests than allowed are under way at once', async () => {
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const client = createDataverseClient({
    connection: connectionOf(),
    tokens: numberedTokens().tokens,
    fetch: async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => waiting.push(resolve));
      running -= 1;
      throw networkError('ECONNRESET');
    },
    timeoutMs: 1000,
    parallelRequests: 3,
  });
  const results = Array.from({ length: 8 }, () => failureOf(client.getContact(ID)));
  const all = Promise.all(results);
  for (let released = 0; released < 8; ) {
    await new Promise((resolve) => setImmediate(resolve));
    for (const release of waiting.splice(0)) {
      released += 1;
      release();
    }
  }
  await all;
  expect(most).toBe(3);
});

describe('updating several contacts', () => {
  const updates = [ID, OTHER_ID].map((contactId) => ({ contactId, fields: { firstname: 'Ada' } }));

  test('takes one request, which creates none', async () => {
    const { client, requests } = clientWith(() => new Response(null, { status: 204 }));
    await expect(client.updateContacts(updates, { tag: 'consenthub' })).resolves.toEqual({
      outcome: 'updated',
    });
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: `${ROOT}contacts/Microsoft.Dynamics.CRM.UpdateMultiple?tag=consenthub`,
    });
    expect(JSON.parse(requests[0]?.body ?? '')).toEqual({
      Targets: [ID, OTHER_ID].map((contactid) => ({
        '@odata.type': 'Microsoft.Dynamics.CRM.contact',
        contactid,
        firstname: 'Ada',
      })),
    });
  });

  test('of which one does not exist changes none', async () => {
    const { client } = clientWith(() => dataverseError(404, '0x80040217'));
    await expect(client.updateContacts(updates, {})).resolves.toEqual({ outcome: 'missing' });
  });

  test.each([
    ['a reset', () => networkError('ECONNRESET')],
    ['a sign-in page', () => new Response('<html>', { status: 200 })],
    ['a 503', () => new Response('', { status: 503 })],
  ])('after %s may have been applied to all', async (_what, answer) => {
    const { client } = clientWith(answer);
    await expect(client.updateContacts(updates, {})).rejects.toMatchObject({
      outcomeUnknown: true,
    });
  });

  test('refuses none, too many, one twice, and what is no id', async () => {
    const { client, requests } = clientWith(() => new Response(null, { status: 204 }));
    const many = Array.from({ length: 101 }, (_, n) => ({
      contactId: ID.slice(0, -3) + String(100 + n),
      fields: {},
    }));
    for (const wrong of [[], many, [...updates, ...updates]]) {
      await expect(client.updateContacts(wrong, {})).rejects.toBeInstanceOf(RangeError);
    }
    const noId = [{ contactId: 'x', fields: {} }];
    await expect(client.updateContacts(noId, {})).rejects.toBeInstanceOf(TypeError);
    expect(requests).toEqual([]);
  });
});
