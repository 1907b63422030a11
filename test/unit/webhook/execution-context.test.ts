import { describe, expect, test } from 'vitest';
import { parseExecutionContext } from '../../../shared/webhook/execution-context.ts';
import {
  CONTACT_ID,
  CORRELATION_ID,
  executionContext,
  OPERATION_ID,
  ORGANIZATION_ID,
  STEP_ID,
} from '../../support/execution-context.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const parsed = {
  messageName: 'Create',
  primaryEntityName: 'contact',
  primaryEntityId: CONTACT_ID,
  organizationId: ORGANIZATION_ID,
  operationId: OPERATION_ID,
  correlationId: CORRELATION_ID,
  owningExtensionId: STEP_ID,
  depth: 1,
  tag: undefined,
};
const wrapped = (value: string) => ({ __type: 'Guid:#System', __value: value });

describe('the body of a webhook', () => {
  test.each([
    ['as documented', executionContext()],
    ['with GUIDs in upper case', executionContext({ PrimaryEntityId: CONTACT_ID.toUpperCase() })],
    [
      'with wrapped GUIDs and dates',
      executionContext({
        PrimaryEntityId: wrapped(CONTACT_ID),
        OrganizationId: wrapped(ORGANIZATION_ID),
        OperationId: wrapped(OPERATION_ID),
        CorrelationId: wrapped(CORRELATION_ID),
        OwningExtension: { Id: wrapped(STEP_ID) },
        OperationCreatedOn: { __type: 'DateTime:#System', __value: '/Date(1506409448000)/' },
      }),
    ],
    [
      'stripped above 256 KB',
      executionContext({
        InputParameters: undefined,
        PreEntityImages: undefined,
        PostEntityImages: undefined,
        ParentContext: undefined,
      }),
    ],
    ['without shared variables', executionContext({ SharedVariables: null })],
  ])('parses %s', (_, body) => {
    expect(parseExecutionContext(bytes(body))).toEqual({ ok: true, context: parsed });
  });

  test('parses slashes that are escaped', () => {
    const text = JSON.stringify(executionContext()).replaceAll('/', '\\/');
    expect(parseExecutionContext(Buffer.from(text))).toEqual({ ok: true, context: parsed });
  });

  test('takes the tag from its own shared variables only', () => {
    const tagged = [{ key: 'tag', value: 'consenthub' }];
    const own = parseExecutionContext(bytes(executionContext({ SharedVariables: tagged })));
    expect(own).toMatchObject({ ok: true, context: { tag: 'consenthub' } });
    const parent = executionContext({
      ParentContext: executionContext({ SharedVariables: tagged }),
    });
    expect(parseExecutionContext(bytes(parent))).toMatchObject({
      ok: true,
      context: { tag: undefined },
    });
  });

  test('keeps nothing of the person', () => {
    const text = JSON.stringify(parseExecutionContext(bytes(executionContext())));
    expect(text).not.toMatch(/Ada|Fictitious|example\.test/);
  });

  test.each([
    ['is empty', Buffer.from(''), 'not_json'],
    ['is no JSON', Buffer.from('<html>'), 'not_json'],
    ['is cut off', bytes(executionContext()).subarray(0, 200), 'not_json'],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'not_utf8'],
    ['is deeply nested', Buffer.from('['.repeat(200_000)), 'not_json'],
    ['is an array', bytes([]), 'not_an_execution_context'],
    ['is null', bytes(null), 'not_an_execution_context'],
    [
      'has no organisation',
      bytes(executionContext({ OrganizationId: undefined })),
      'not_an_execution_context',
    ],
    [
      'has no GUID as id',
      bytes(executionContext({ PrimaryEntityId: "1' or '1'='1" })),
      'not_an_execution_context',
    ],
  ])('is refused if it %s', (_, body, problem) => {
    expect(parseExecutionContext(body)).toMatchObject({ ok: false, problem });
  });

  test('deep nesting in a field that is not read does no harm', () => {
    const text = JSON.stringify(executionContext()).replace(
      '"InputParameters":',
      `"X":${'['.repeat(200_000)}${']'.repeat(200_000)},"InputParameters":`,
    );
    expect(parseExecutionContext(Buffer.from(text))).toEqual({ ok: true, context: parsed });
  });

  test('keys of the prototype do no harm', () => {
    const text = JSON.stringify(executionContext()).replace(
      '{',
      '{"__proto__":{"Depth":99},"constructor":{"prototype":{"tag":"x"}},',
    );
    expect(parseExecutionContext(Buffer.from(text))).toEqual({ ok: true, context: parsed });
    expect(({} as Record<string, unknown>)['Depth']).toBeUndefined();
  });

  test('names the fields that are wrong, never their values', () => {
    const body = bytes(executionContext({ OrganizationId: 'Ada', OperationId: 7 }));
    expect(parseExecutionContext(body)).toEqual({
      ok: false,
      problem: 'not_an_execution_context',
      fields: ['OperationId', 'OrganizationId'],
      about: { messageName: 'Create', primaryEntityName: 'contact' },
    });
  });
});
