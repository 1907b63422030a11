import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseContactEvent } from '../../../shared/queue/contact-event.ts';
import { parseExecutionContext } from '../../../shared/webhook/execution-context.ts';
import { verifySignature } from '../../../shared/webhook/signature.ts';
import { executionContext, signatureOf } from '../../support/execution-context.ts';

/** The same cases at every run; a failure prints the one that broke. */
const runs = { seed: 20_261_122, numRuns: 500 };

/** A genuine body with one value somewhere replaced by anything. */
const mutated = fc
  .tuple(fc.constantFrom(...Object.keys(executionContext())), fc.jsonValue({ maxDepth: 4 }))
  .map(([field, value]) => JSON.stringify(executionContext({ [field]: value })));

test('no signature, timestamp or body makes the check throw, and none passes by chance', () => {
  fc.assert(
    fc.property(
      fc.uint8Array(),
      fc.option(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{64}$/)), { nil: undefined }),
      fc.option(fc.string(), { nil: undefined }),
      (rawBody, signature, timestamp) => {
        const verdict = verifySignature({ rawBody, signature, timestamp }, ['secret'], 0);
        expect(['missing', 'malformed', 'mismatch']).toContain(verdict);
      },
    ),
    runs,
  );
});

test('any byte of a signed body that changes breaks the signature', () => {
  const body = Buffer.from(JSON.stringify(executionContext()));
  const signature = signatureOf(body, 'secret');
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const rawBody = Buffer.from(body);
      rawBody[at] = (rawBody[at] ?? 0) ^ change;
      const request = { rawBody, signature, timestamp: undefined };
      expect(verifySignature(request, ['secret'], 0)).toBe('mismatch');
    }),
    runs,
  );
});

test('no body makes the parser throw, and only ids, kinds and a tag come out of it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), mutated, fc.json(), fc.string()), (body) => {
      const parsed = parseExecutionContext(Buffer.from(body));
      const problem = parsed.ok ? 'none' : parsed.problem;
      expect(['none', 'not_utf8', 'not_json', 'not_an_execution_context']).toContain(problem);
      const text = JSON.stringify(parsed);
      expect(text).not.toMatch(/Ada|Fictitious|example\.test/);
    }),
    runs,
  );
});

test('no message makes the parser of the queue throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
      expect(parseContactEvent(body).ok).toBe(false);
    }),
    runs,
  );
});
