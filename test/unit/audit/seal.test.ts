import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createChainCheck } from '../../../shared/audit/check-chain.ts';
import { createSealer, NO_CHAIN, type SealableRow, sealRows } from '../../../shared/audit/seal.ts';
import { AT, id, row } from '../../support/sealable-rows.ts';

const KEY = 'a key of this test';
const sealer = createSealer(KEY);
const rows = [1, 2, 3, 4, 5].map(row);
const chain = () =>
  sealRows(sealer, rows, undefined, AT).map((seal, n) => ({
    seal,
    row: rows[n],
  }));
type Chain = ReturnType<typeof chain>;

describe('a seal', () => {
  test('is HMAC-SHA256 over canonical JSON: names in order, nothing left out', () => {
    const text =
      `{"action":"consent_granted","checksum":"c","consent_id":null,"event_id":"event 1","id":"${id(1)}",` +
      `"new_values":"{\\"amount\\": 1.0}","old_values":null,"organization_id":"${id(1)}","outcome":"applied",` +
      `"patient_id":"${id(2)}","source":"consenthub","timestamp":"${AT}","user_id":null}`;
    const hash = createHmac('sha256', KEY).update(text).digest('hex');
    const link = JSON.stringify([1, id(1), hash, AT, '']);
    expect(sealRows(sealer, [row(1)], undefined, AT)).toEqual([
      {
        number: 1,
        auditId: id(1),
        rowHash: hash,
        sealedAt: AT,
        chain: createHmac('sha256', KEY).update(link).digest('hex'),
      },
    ]);
  });

  test.each(Object.keys(row(1)))('is another one if %s is another one', (column) => {
    for (const other of ['another', null]) {
      const changed = { ...row(1), [column]: other };
      if (row(1)[column as keyof SealableRow] === other) continue;
      expect(sealer.rowHash(changed)).not.toBe(sealer.rowHash(row(1)));
    }
  });

  test('is another one with another key', () => {
    const other = createSealer('another key');
    expect(other.rowHash(row(1))).not.toBe(sealer.rowHash(row(1)));
  });

  test('goes on after the newest one, whatever the pieces are', () => {
    const [first, second] = sealRows(sealer, rows.slice(0, 2), undefined, AT);
    const rest = sealRows(sealer, rows.slice(2), second, AT);
    expect([first, second, ...rest]).toEqual(chain().map(({ seal }) => seal));
  });
});

describe('a chain', () => {
  const changed = (at: number, seal: Partial<Chain[number]['seal']>) => (sealed: Chain) =>
    sealed.map((one, n) => (n === at ? { ...one, seal: { ...one.seal, ...seal } } : one));
  const rowIs = (at: number, other: SealableRow | undefined) => (sealed: Chain) =>
    sealed.map((one, n) => (n === at ? { ...one, row: other } : one));
  const third = { number: 3, auditId: id(3) };

  test.each<[string, (sealed: Chain) => Chain, readonly unknown[]]>([
    ['untouched', (sealed) => sealed, []],
    ['a row altered', rowIs(2, { ...row(3), outcome: 'x' }), [{ kind: 'altered', ...third }]],
    ['a row taken away', rowIs(2, undefined), [{ kind: 'missing', ...third }]],
    [
      'the first seal taken away',
      (sealed) => sealed.slice(1),
      [{ kind: 'seals_missing', from: 1, to: 1 }],
    ],
    [
      'two seals taken away',
      (sealed) => sealed.toSpliced(1, 2),
      [{ kind: 'seals_missing', from: 2, to: 3 }],
    ],
    [
      'a seal taken away, and the others numbered anew',
      (sealed) =>
        sealed.toSpliced(3, 1).map((one, n) => ({ ...one, seal: { ...one.seal, number: n + 1 } })),
      [{ kind: 'seal_altered', number: 4, auditId: id(5) }],
    ],
    [
      'two seals exchanged',
      ([a, b, c, ...rest]) =>
        [a, c, b, ...rest].map((one, n) => ({
          ...(one as Chain[number]),
          seal: { ...(one as Chain[number]).seal, number: n + 1 },
        })),
      [
        { kind: 'seal_altered', number: 2, auditId: id(3) },
        { kind: 'seal_altered', number: 3, auditId: id(2) },
        { kind: 'seal_altered', number: 4, auditId: id(4) },
      ],
    ],
    ['a time altered', changed(2, { sealedAt: 'then' }), [{ kind: 'seal_altered', ...third }]],
    ['a chain altered', changed(2, { chain: 'forged' }), [{ kind: 'seal_altered', ...third }]],
    [
      'a row and its hash altered',
      (sealed) => {
        const other = { ...row(3), outcome: 'x' };
        const forged = createSealer('guessed').rowHash(other);
        return changed(2, { rowHash: forged })(rowIs(2, other)(sealed));
      },
      [
        { kind: 'seal_altered', ...third },
        { kind: 'altered', ...third },
      ],
    ],
  ])('%s', (_, change, findings) => {
    const check = createChainCheck(sealer);
    expect(change(chain()).flatMap((sealed) => check(sealed))).toEqual(findings);
  });

  test('made with another key is altered throughout', () => {
    const check = createChainCheck(createSealer('another key'));
    const kinds = chain().flatMap((sealed) => check(sealed).map(({ kind }) => kind));
    expect(kinds).toEqual(rows.flatMap(() => ['seal_altered', 'altered']));
  });

  test('begins with nothing before it', () => {
    const [first] = chain();
    if (first === undefined) throw new Error('no seal');
    expect(sealer.chain(first.seal, NO_CHAIN)).toBe(first.seal.chain);
  });
});
