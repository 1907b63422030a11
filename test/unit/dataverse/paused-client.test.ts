import { describe, expect, test } from 'vitest';
import { createDataverseClient } from '../../../shared/dataverse/client.ts';
import { OUTAGE_FAILURES } from '../../../shared/dataverse/decide-pause.ts';
import { createPause } from '../../../shared/dataverse/pause.ts';
import { REFUSED_TOKEN_SECONDS } from '../../../shared/dataverse/refused-token.ts';
import { createTokenSource } from '../../../shared/dataverse/token.ts';
import {
  connectionOf,
  dataverseError,
  fakeCache,
  json,
  networkError,
  scriptedFetch,
  type SeenRequest,
} from './fakes.ts';

const USER = {
  OrganizationId: '0f8fad5b-d9cb-469f-a165-70867728950e',
  UserId: '7c9e6679-7425-40de-944b-e07fc1f90ae7',
};
const contactId = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const missing = () => json(404, { error: { code: '0x80040217', message: '' } });

/** Containers with one cache, one Entra ID and one organisation, whose answer and clock the test changes. */
function fleet() {
  const clock = { nowMs: 1_800_000_000_000 };
  const now = () => clock.nowMs;
  const cache = fakeCache(now);
  const dataverse = { answer: (_request: SeenRequest): Response | Error => json(200, USER) };
  const { fetch, requests } = scriptedFetch((request) => dataverse.answer(request));
  const entra = scriptedFetch((_request, count) =>
    json(200, { token_type: 'Bearer', expires_in: 3600, access_token: `token-${count}` }),
  );
  const container = (parallelRequests = 4) => {
    const connection = connectionOf();
    const pause = createPause({ key: 'dynamics-pause:test', cache, now });
    return createDataverseClient({
      connection,
      tokens: createTokenSource({ connection, cache, fetch: entra.fetch, now, pause }),
      fetch,
      timeoutMs: 1000,
      parallelRequests,
      now,
      pause,
    });
  };
  /** From now on Dataverse refuses the tokens that were bought until now. */
  const revoke = () => {
    const revoked = new Set(entra.requests.map((_request, index) => `Bearer token-${index + 1}`));
    dataverse.answer = ({ headers }) =>
      revoked.has(headers.get('authorization') ?? '')
        ? new Response('', { status: 401 })
        : json(200, USER);
  };
  return {
    clock,
    cache,
    dataverse,
    requests,
    container,
    revoke,
    bought: () => entra.requests.length,
  };
}

describe('a throttled connection', () => {
  test.each([
    ['seconds', () => '20'],
    ['a date', (nowMs: number) => new Date(nowMs + 20_000).toUTCString()],
  ])('is left alone by all containers for as long as its %s say', async (_form, retryAfter) => {
    const { clock, dataverse, requests, container } = fleet();
    const [one, two] = [container(), container()];
    const header = retryAfter(clock.nowMs);
    dataverse.answer = () => new Response('', { status: 429, headers: { 'retry-after': header } });
    await expect(one.whoAmI()).rejects.toMatchObject({
      name: 'DataverseUnavailable',
      retryAfterSeconds: 20,
    });
    dataverse.answer = () => json(200, USER);
    clock.nowMs += 19_000;
    for (const client of [one, two, container()]) {
      await expect(client.whoAmI()).rejects.toMatchObject({
        name: 'ConnectionPaused',
        retryAfterSeconds: 1,
        outcomeUnknown: false,
      });
      await expect(client.updateContact(contactId(1), {}, { ifMatch: '*' })).rejects.toMatchObject({
        name: 'ConnectionPaused',
        outcomeUnknown: false,
      });
    }
    expect(requests).toHaveLength(1);

    clock.nowMs += 1000;
    for (const client of [one, two]) await expect(client.whoAmI()).resolves.toBeDefined();
  });

  test('is left alone by requests that were waiting for their turn', async () => {
    const { dataverse, requests, container } = fleet();
    dataverse.answer = () => new Response('', { status: 429, headers: { 'retry-after': '20' } });
    const client = container(1);
    await Promise.allSettled([client.whoAmI(), client.whoAmI(), client.whoAmI()]);
    expect(requests).toHaveLength(1);
  });
});

describe('an outage', () => {
  test('is one when many different requests are not answered', async () => {
    const { clock, dataverse, requests, container } = fleet();
    const client = container();
    dataverse.answer = () => networkError('ECONNRESET');
    for (let n = 1; n <= OUTAGE_FAILURES; n += 1) {
      await expect(client.getContact(contactId(n))).rejects.toMatchObject({ reason: 'network' });
    }
    await expect(container().whoAmI()).rejects.toMatchObject({
      name: 'ConnectionPaused',
      reason: 'server-error',
    });
    expect(requests).toHaveLength(OUTAGE_FAILURES);

    dataverse.answer = missing;
    clock.nowMs += 2000;
    await expect(client.getContact(contactId(1))).resolves.toEqual({ found: false });
  });

  test('is none when one contact is never answered', async () => {
    const { dataverse, container } = fleet();
    const client = container();
    dataverse.answer = () => networkError('ECONNRESET');
    for (let n = 1; n <= 3 * OUTAGE_FAILURES; n += 1) {
      await expect(client.getContact(contactId(1))).rejects.toMatchObject({ reason: 'network' });
    }
  });

  test.each([
    ['an answer', missing],
    ['a refusal', () => json(400, { error: { code: '0x80060888', message: '' } })],
  ])('is none when there is %s in between', async (_what, answer) => {
    const { dataverse, container } = fleet();
    const client = container();
    for (let n = 1; n <= 3 * OUTAGE_FAILURES; n += 1) {
      dataverse.answer = n % OUTAGE_FAILURES === 0 ? answer : () => networkError('ECONNRESET');
      const outcome = await client.getContact(contactId(n)).catch((error: unknown) => error);
      expect(outcome).not.toMatchObject({ name: 'ConnectionPaused' });
    }
  });
});

describe('a connection whose application user is refused', () => {
  test('is soon tried again once a minute only, and resumes by itself', async () => {
    const { clock, dataverse, requests, container, bought } = fleet();
    const client = container();
    dataverse.answer = () => new Response('', { status: 401 });
    await expect(client.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    expect(bought()).toBe(2);
    for (const seconds of [5, 20, 60, 60]) {
      const before = requests.length;
      clock.nowMs += (seconds - 1) * 1000;
      for (const other of [client, container()]) {
        await expect(other.whoAmI()).rejects.toMatchObject({
          name: 'ConnectionPaused',
          reason: 'credentials-refused',
          retryAfterSeconds: 1,
        });
      }
      expect(requests).toHaveLength(before);
      clock.nowMs += 1000;
      await expect(client.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
      expect(requests).toHaveLength(before + 1);
    }
    expect(bought()).toBe(2);

    clock.nowMs += 60_000;
    dataverse.answer = () => json(200, USER);
    await expect(client.whoAmI()).resolves.toBeDefined();
    await expect(container().whoAmI()).resolves.toBeDefined();

    dataverse.answer = () => new Response('', { status: 401 });
    await expect(client.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    await expect(client.whoAmI()).rejects.toMatchObject({ retryAfterSeconds: 5 });
  });

  test('is left alone for longer each time, also if every try is a new container’s', async () => {
    const { clock, dataverse, container } = fleet();
    dataverse.answer = () => new Response('', { status: 401 });
    for (const seconds of [5, 20, 60, 60]) {
      await expect(container().whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
      await expect(container().whoAmI()).rejects.toMatchObject({ retryAfterSeconds: seconds });
      clock.nowMs += seconds * 1000;
    }
  });

  test('is tried by one container first', async () => {
    const { clock, dataverse, requests, container } = fleet();
    dataverse.answer = () => new Response('', { status: 401 });
    await expect(container().whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    for (const seconds of [5, 20, 60]) {
      clock.nowMs += seconds * 1000;
      const before = requests.length;
      await Promise.allSettled(Array.from({ length: 20 }, () => container().whoAmI()));
      expect(requests.length - before).toBe(1);
    }
    clock.nowMs += 60_000;
    dataverse.answer = () => json(200, USER);
    await expect(container().whoAmI()).resolves.toBeDefined();
    for (const other of [container(), container()]) {
      await expect(other.whoAmI()).resolves.toBeDefined();
    }
  });

  test('is tried by another one if the first does not come back', async () => {
    const { cache, clock, dataverse, container } = fleet();
    dataverse.answer = () => new Response('', { status: 401 });
    await expect(container().whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    clock.nowMs += 5_000;
    await cache.setIfAbsent('dynamics-pause:test:try', '1', 15);
    dataverse.answer = () => json(200, USER);
    await expect(container().whoAmI()).rejects.toMatchObject({
      name: 'ConnectionPaused',
      reason: 'credentials-refused',
      retryAfterSeconds: 2,
    });
    clock.nowMs += 15_000;
    await expect(container().whoAmI()).resolves.toBeDefined();
  });

  test.each([
    ['the same container', false],
    ['a new container', true],
  ])('costs one token for as long as the refusal is noted, if %s tries', async (_who, isNew) => {
    const { clock, dataverse, container, bought } = fleet();
    const client = container();
    dataverse.answer = () => new Response('', { status: 401 });
    const startMs = clock.nowMs;
    for (let minutes = 0; minutes < 30; minutes += 1) {
      const notes = 1 + Math.floor((clock.nowMs - startMs) / (REFUSED_TOKEN_SECONDS * 1000));
      await (isNew ? container() : client).whoAmI().catch(() => undefined);
      expect(bought()).toBe(1 + notes);
      clock.nowMs += 60_000;
    }
  });

  test('costs one token per container, for as long as it knows of the refusal, without the cache', async () => {
    const { cache, clock, dataverse, container, bought } = fleet();
    cache.down = true;
    dataverse.answer = () => new Response('', { status: 401 });
    const containers = [container(), container()];
    for (let seconds = 0; seconds < REFUSED_TOKEN_SECONDS; seconds += 60) {
      for (const one of containers) {
        await expect(one.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
      }
      expect(bought()).toBe(4);
      clock.nowMs += 60_000;
    }
  });

  test('is left alone at once by a container that holds another refused token', async () => {
    const { cache, clock, dataverse, container, bought } = fleet();
    const late = container();
    await late.whoAmI();
    cache.entries.clear();
    const early = container();
    await early.whoAmI();
    dataverse.answer = () => new Response('', { status: 401 });
    await expect(early.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    expect(bought()).toBe(3);
    for (let tries = 0; tries < 3; tries += 1) {
      clock.nowMs += 60_000;
      await expect(late.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    }
    expect(bought()).toBe(3);
  });

  test('is left alone as well if the user is not a member of the organisation, for no token', async () => {
    const { clock, dataverse, requests, container, bought } = fleet();
    dataverse.answer = () => dataverseError(403, '0x80072560');
    for (const seconds of [5, 20, 60]) {
      await expect(container().whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
      const before = requests.length;
      await expect(container().whoAmI()).rejects.toMatchObject({
        name: 'ConnectionPaused',
        reason: 'credentials-refused',
        retryAfterSeconds: seconds,
      });
      expect(requests).toHaveLength(before);
      clock.nowMs += seconds * 1000;
    }
    expect(bought()).toBe(1);
  });

  test('is left alone for five seconds after requests that were refused together', async () => {
    const { dataverse, container } = fleet();
    const client = container();
    dataverse.answer = () => new Response('', { status: 401 });
    await Promise.allSettled([1, 2, 3, 4].map(() => client.whoAmI()));
    await expect(client.whoAmI()).rejects.toMatchObject({ retryAfterSeconds: 5 });
  });
});

describe('a token that is revoked', () => {
  test('is replaced once for all containers, whichever of them they hold', async () => {
    const { cache, container, revoke, bought } = fleet();
    const [one, two] = [container(), container()];
    await one.whoAmI();
    cache.entries.clear();
    await two.whoAmI();
    revoke();
    for (const client of [one, two, container()]) {
      await expect(client.whoAmI()).resolves.toBeDefined();
    }
    expect(bought()).toBe(3);
  });

  test('is replaced once by requests that are refused together', async () => {
    const { container, revoke, bought } = fleet();
    const client = container();
    await client.whoAmI();
    revoke();
    await Promise.all([1, 2, 3, 4].map(() => client.whoAmI()));
    expect(bought()).toBe(2);
  });

  test('is replaced again when the last refusal is forgotten, and until then tried for no token', async () => {
    const { clock, container, revoke, bought } = fleet();
    const [one, two] = [container(), container()];
    await one.whoAmI();
    await two.whoAmI();
    revoke();
    await expect(one.whoAmI()).resolves.toBeDefined();
    await expect(two.whoAmI()).resolves.toBeDefined();

    revoke();
    await expect(two.whoAmI()).rejects.toMatchObject({ name: 'DataverseUnauthorized' });
    clock.nowMs += 1000;
    await expect(one.whoAmI()).rejects.toMatchObject({ name: 'ConnectionPaused' });
    expect(bought()).toBe(2);

    clock.nowMs += REFUSED_TOKEN_SECONDS * 1000;
    for (const client of [one, two]) await expect(client.whoAmI()).resolves.toBeDefined();
    expect(bought()).toBe(3);

    clock.nowMs += REFUSED_TOKEN_SECONDS * 1000;
    revoke();
    for (const client of [two, one]) await expect(client.whoAmI()).resolves.toBeDefined();
    expect(bought()).toBe(4);
  });
});
