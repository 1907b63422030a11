import { describe, expect, test } from 'vitest';
import {
  createRefusedTokenNote,
  isRefusedForGood,
  REFUSED_TOKEN_SECONDS,
} from '../../../shared/dataverse/refused-token.ts';
import type { AccessToken } from '../../../shared/dataverse/sealed-token.ts';
import { connectionOf, fakeCache } from './fakes.ts';

const token = (value: string, boughtAfter?: string): AccessToken => ({
  value,
  issuedAtMs: 0,
  expiresAtMs: 3_600_000,
  ...(boughtAfter === undefined ? {} : { boughtAfter }),
});

/** Some containers around one cache. */
function fleet() {
  const clock = { nowMs: 1_800_000_000_000 };
  const now = () => clock.nowMs;
  const cache = fakeCache(now);
  const container = () => createRefusedTokenNote({ connection: connectionOf(), cache, now });
  return { cache, clock, container };
}

test.each([
  ['bought after the refusal that is noted', token('b', 'refused'), true],
  ['bought after an earlier one', token('b', 'another'), false],
  ['of whose purchase nothing is known', token('b'), false],
])('a token %s', (_what, refused, forGood) => {
  expect(isRefusedForGood(refused, 'refused')).toBe(forGood);
});

describe('the note of a refused token', () => {
  test('is of the first one, for all containers, until it is over', async () => {
    const { clock, container } = fleet();
    const [one, two] = [container(), container()];
    const first = await one.write(token('a'));
    clock.nowMs += (REFUSED_TOKEN_SECONDS - 1) * 1000;
    expect(await two.write(token('b'))).toBe(first);
    expect(await one.write(token('a'))).toBe(first);
    clock.nowMs += 1000;
    const second = await two.write(token('b'));
    expect(second).not.toBe(first);
    expect(await one.write(token('a'))).toBe(second);
  });

  test('does not give the token away', async () => {
    const { cache, container } = fleet();
    await container().write(token('a-secret'));
    expect(JSON.stringify([...cache.entries])).not.toContain('a-secret');
  });

  test('is known to whoever has read it', async () => {
    const { cache, container } = fleet();
    const [one, two] = [container(), container()];
    const noted = await one.write(token('a'));
    expect(two.current()).toBeUndefined();
    two.learn(await cache.get(two.key));
    expect(two.current()).toBe(noted);
    two.learn(null);
    expect(two.current()).toBeUndefined();
  });

  test('is each container’s own without the cache', async () => {
    const { cache, clock, container } = fleet();
    cache.down = true;
    const [one, two] = [container(), container()];
    const first = await one.write(token('a'));
    expect(await one.write(token('b'))).toBe(first);
    expect(await two.write(token('b'))).not.toBe(first);
    one.learn(null);
    expect(one.current()).toBe(first);
    clock.nowMs += REFUSED_TOKEN_SECONDS * 1000;
    expect(one.current()).toBeUndefined();
    expect(await one.write(token('b'))).not.toBe(first);
  });

  test('is not prolonged by who asks for it', async () => {
    const { cache, clock, container } = fleet();
    const note = container();
    await note.write(token('a'));
    clock.nowMs += REFUSED_TOKEN_SECONDS * 500;
    await note.write(token('b'));
    cache.down = true;
    clock.nowMs += REFUSED_TOKEN_SECONDS * 500;
    expect(note.current()).toBeUndefined();
  });
});
