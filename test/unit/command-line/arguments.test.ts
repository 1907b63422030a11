import { expect, test } from 'vitest';
import { type Accepted, parseArguments } from '../../../infra/command-line/arguments.ts';

const COMMANDS: ReadonlyMap<string, Accepted> = new Map([
  ['setup', { options: { organization: { type: 'string' }, 'dry-run': { type: 'boolean' } } }],
  ['letters', { options: {}, maxWords: 2 }],
]);
const parse = (...args: string[]) => parseArguments(args, (name) => COMMANDS.get(name));

test('a command, the common options and its own', () => {
  const parsed = parse('setup', '--local', '--json', '--organization', 'one', '--dry-run');
  expect(parsed).toMatchObject({ name: 'setup', local: true, json: true, yes: false });
  expect(parsed.text('organization')).toBe('one');
  expect([parsed.flag('dry-run'), parsed.flag('yes')]).toEqual([true, false]);
});

test('words after the command, as many as it takes', () => {
  expect(parse('letters', '--yes', 'show', 'one').words).toEqual(['show', 'one']);
  expect(parse('letters').words).toEqual([]);
});

test('common options before the command', () => {
  const parsed = parse('--local', '--yes', 'setup', '--organization', 'one');
  expect(parsed).toMatchObject({ name: 'setup', local: true, yes: true, words: [] });
  expect(parsed.text('organization')).toBe('one');
});

test('help needs no command', () => {
  expect(parse('--help')).toMatchObject({ name: undefined, help: true });
});

test.each([
  [['paint'], 'paint: not understood'],
  [['letters', 'show', 'one', 'two', 'three'], 'two three: not understood'],
  [['setup', 'everything'], 'everything: not understood'],
  [['setup', '--colour'], "Unknown option '--colour'"],
  [['--organization', 'one'], "Unknown option '--organization'"],
])('%j is refused', (args, reason) => {
  expect(() => parse(...args)).toThrow(reason);
});
