import { expect, test } from 'vitest';
import { liveFeed } from '../../../infra/local/console/live-feed.ts';

/** A feed of what is read, with its beat in the test's hands. */
function setUp(read: () => Promise<object>) {
  const beats = new Set<() => void>();
  const feed = liveFeed(
    400,
    {
      every(intervalMs, beat) {
        expect(intervalMs).toBe(400);
        beats.add(beat);
        return { [Symbol.dispose]: () => beats.delete(beat) };
      },
    },
    read,
  );
  return { feed, beats };
}

test('who listens is told the state and each change of it, and nothing twice', async () => {
  let state = 1;
  const { feed } = setUp(async () => ({ state }));
  const told: string[] = [];
  using _listening = feed.listen((text) => told.push(text));
  await feed.look();
  await feed.look();
  state = 2;
  await feed.look();
  expect(told).toEqual(['{"state":1}', '{"state":2}']);
});

test('who comes later is told at once what is known', async () => {
  const { feed } = setUp(async () => ({ known: true }));
  using _first = feed.listen(() => undefined);
  await feed.look();
  const told: string[] = [];
  using _second = feed.listen((text) => told.push(text));
  expect(told).toEqual(['{"known":true}']);
});

test('it beats only while somebody listens', () => {
  const { feed, beats } = setUp(async () => ({}));
  expect(beats.size).toBe(0);
  const first = feed.listen(() => undefined);
  const second = feed.listen(() => undefined);
  expect(beats.size).toBe(1);
  first[Symbol.dispose]();
  expect(beats.size).toBe(1);
  second[Symbol.dispose]();
  expect(beats.size).toBe(0);
});

test('a look that fails is passed over, and the next one tells', async () => {
  let fails = true;
  const { feed } = setUp(async () => {
    if (fails) throw new Error('not now');
    return { well: true };
  });
  const told: string[] = [];
  using _listening = feed.listen((text) => told.push(text));
  await feed.look();
  fails = false;
  await feed.look();
  expect(told).toEqual(['{"well":true}']);
});

test('one look at a time', async () => {
  let looks = 0;
  const gate = Promise.withResolvers<object>();
  const { feed } = setUp(() => {
    looks += 1;
    return gate.promise;
  });
  const both = Promise.all([feed.look(), feed.look()]);
  gate.resolve({});
  await both;
  expect(looks).toBe(1);
});
