import { expect, test } from 'vitest';
import { parseArguments } from '../../../infra/dynamics/arguments.ts';

const optionsOf = (name: string) =>
  name === 'setup'
    ? ({ organization: { type: 'string' }, 'dry-run': { type: 'boolean' } } as const)
    : undefined;
const parse = (...args: string[]) => parseArguments(args, optionsOf);

test('a command, the common options and its own', () => {
  const parsed = parse('setup', '--local', '--json', '--organization', 'one', '--dry-run');
  expect(parsed).toMatchObject({ name: 'setup', local: true, json: true, yes: false });
  expect(parsed.text('organization')).toBe('one');
  expect([parsed.flag('dry-run'), parsed.flag('yes')]).toEqual([true, false]);
});

test('help needs no command', () => {
  expect(parse('--help')).toMatchObject({ name: undefined, help: true });
});

test.each([
  [['paint'], 'paint: not understood'],
  [['setup', 'everything'], 'everything: not understood'],
  [['setup', '--colour'], "Unknown option '--colour'"],
  [['--organization', 'one'], "Unknown option '--organization'"],
])('%j is refused', (args, reason) => {
  expect(() => parse(...args)).toThrow(reason);
});
