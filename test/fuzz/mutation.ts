import * as fc from 'fast-check';
import { personal } from './personal-data.ts';

/** What stands in the place of a value: its JSON, or so many arrays or objects around nothing. */
type Value = { readonly json: string } | { readonly nest: '[' | '{'; readonly levels: number };

/**
 * One thing that is done to the bytes of a JSON object. Kept as small data, so that a failure can show
 * it; positions are taken modulo the length.
 */
export type Mutation =
  | { readonly kind: 'flip'; readonly at: number; readonly bits: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly at: number }
  | { readonly kind: 'truncate'; readonly at: number }
  | { readonly kind: 'replace-all'; readonly bytes: Uint8Array }
  /** The key once more, at the end, where it wins over the first. */
  | { readonly kind: 'override'; readonly key: string; readonly value: Value }
  /** A further key, at the start. */
  | { readonly kind: 'prepend'; readonly key: string; readonly value: Value }
  | { readonly kind: 'rename'; readonly key: string };

/** The deepest JSON that is tried: many times what a recursive parser or walker survives. */
const DEEP_LEVELS = 200_000;

const BYTE_ORDER_MARK = Uint8Array.of(0xef, 0xbb, 0xbf);
const NOT_UTF8 = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0]];

const position = fc.nat();

const flip = fc.record({
  kind: fc.constant('flip' as const),
  at: position,
  bits: fc.integer({ min: 1, max: 255 }),
});
const truncate = fc.record({ kind: fc.constant('truncate' as const), at: position });

/** Changes that leave other bytes than there were, whatever they are applied to. */
export const alteration: fc.Arbitrary<Mutation> = fc.oneof(
  flip,
  fc.record({
    kind: fc.constant('insert' as const),
    at: position,
    bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('remove' as const), at: position }),
  truncate,
);

const deep: fc.Arbitrary<Value> = fc.record({
  nest: fc.constantFrom('[', '{'),
  levels: fc.constantFrom(1, 1_000, DEEP_LEVELS),
});

const value: fc.Arbitrary<Value> = fc.oneof(
  { arbitrary: fc.json({ maxDepth: 3 }).map((json) => ({ json })), weight: 6 },
  { arbitrary: personal.map((text) => ({ json: JSON.stringify(text) })), weight: 4 },
  {
    arbitrary: fc
      .constantFrom(
        'null',
        '1e999',
        '-1e999',
        '-0',
        '9007199254740993',
        '9'.repeat(400),
        '""',
        String.raw`"\u0000"`,
        String.raw`"\ud800"`,
        '{"__value":null}',
        '{"__type":"Guid:#System","__value":{"__value":"x"}}',
        '[{"key":"tag","value":"consenthub"}]',
        '[{"key":"__proto__","value":{}}]',
      )
      .map((json) => ({ json })),
    weight: 6,
  },
  { arbitrary: deep, weight: 1 },
);

/** Keys that mean something to JavaScript rather than to the sender. */
const reservedKey = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'then');

/** Whatever can be done to a JSON object that has these keys. */
export const mutation = (keys: readonly string[]): fc.Arbitrary<Mutation> => {
  const key = fc.constantFrom(...keys);
  return fc.oneof(
    { arbitrary: alteration, weight: 4 },
    {
      arbitrary: fc.record({
        kind: fc.constantFrom('override' as const, 'prepend' as const),
        key: fc.oneof({ arbitrary: key, weight: 3 }, reservedKey, personal),
        value,
      }),
      weight: 8,
    },
    { arbitrary: fc.record({ kind: fc.constant('rename' as const), key }), weight: 2 },
    {
      arbitrary: fc.record({
        kind: fc.constant('insert' as const),
        at: position,
        bytes: fc.constantFrom(...NOT_UTF8).map((bytes) => Uint8Array.from(bytes)),
      }),
      weight: 1,
    },
    {
      arbitrary: fc.constant({ kind: 'insert' as const, at: 0, bytes: BYTE_ORDER_MARK }),
      weight: 1,
    },
    {
      arbitrary: fc.record({
        kind: fc.constant('replace-all' as const),
        bytes: fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.json().map(bytesOf)),
      }),
      weight: 2,
    },
  );
};

/** The bytes after the mutation, always a new buffer. */
export function mutate(bytes: Buffer, change: Mutation): Buffer {
  switch (change.kind) {
    case 'flip': {
      const copy = Buffer.from(bytes);
      const at = change.at % Math.max(bytes.length, 1);
      if (bytes.length > 0) copy[at] = (copy[at] ?? 0) ^ change.bits;
      return copy;
    }
    case 'insert': {
      const at = change.at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, at), change.bytes, bytes.subarray(at)]);
    }
    case 'remove': {
      const at = change.at % Math.max(bytes.length, 1);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    }
    case 'truncate':
      return Buffer.from(bytes.subarray(0, change.at % Math.max(bytes.length, 1)));
    case 'replace-all':
      return Buffer.from(change.bytes);
    case 'override': {
      const end = bytes.lastIndexOf('}');
      const member = Buffer.from(`,${memberText(change.key, change.value)}`);
      return end === -1
        ? member
        : Buffer.concat([bytes.subarray(0, end), member, bytes.subarray(end)]);
    }
    case 'prepend': {
      const start = bytes.indexOf('{') + 1;
      const member = Buffer.from(`${memberText(change.key, change.value)},`);
      return Buffer.concat([bytes.subarray(0, start), member, bytes.subarray(start)]);
    }
    case 'rename': {
      const at = bytes.indexOf(`"${change.key}"`);
      return at === -1
        ? Buffer.from(bytes)
        : Buffer.concat([bytes.subarray(0, at + 1), Buffer.from('x'), bytes.subarray(at + 1)]);
    }
  }
}

function memberText(key: string, of: Value): string {
  return `${JSON.stringify(key)}:${'json' in of ? of.json : nested(of)}`;
}

function nested({ nest, levels }: Extract<Value, { nest: string }>): string {
  return nest === '['
    ? `${'['.repeat(levels)}${']'.repeat(levels)}`
    : `${'{"":'.repeat(levels)}0${'}'.repeat(levels)}`;
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}
