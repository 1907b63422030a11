import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { messages } from '../../../shared/observability/messages.ts';

const guide = readFileSync(new URL('../../../docs/log-messages.md', import.meta.url), 'utf8');
const rows = new Map(
  [...guide.matchAll(/^\| ([A-Z]{2}-\d{3}) \| (\w+) \| [^|]+ \| ([^|]+) \|/gm)].map(
    ([, code = '', level, means]) => [code, { level, means }],
  ),
);

describe('the guide to log messages', () => {
  test.each(Object.values(messages))('$code: says its level and its text', (message) => {
    const { code, level, text } = message;
    expect(rows.get(code)).toEqual({ level, means: expect.stringContaining(text) });
  });

  test('has no code that is not logged', () => {
    const codes: string[] = Object.values(messages).map(({ code }) => code);
    expect([...rows.keys()].toSorted()).toEqual(codes.toSorted());
  });
});
