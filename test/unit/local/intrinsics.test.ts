import { describe, expect, test } from 'vitest';
import {
  NO_VALUE,
  referencesOf,
  resolve,
  type Scope,
} from '../../../infra/local/template/intrinsics.ts';

const scope: Scope = {
  ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : `ref:${name}`),
  getAtt: (logicalId, attribute) => `att:${logicalId}.${attribute}`,
  importValue: (name) => `import:${name}`,
  condition: (name) => name === 'Yes',
  findInMap: (...path) => `map:${path.join('/')}`,
};

describe('resolve', () => {
  test.each<[unknown, unknown]>([
    [{ Ref: 'Queue' }, 'ref:Queue'],
    [{ 'Fn::GetAtt': ['Queue', 'Arn'] }, 'att:Queue.Arn'],
    [{ 'Fn::GetAtt': 'Nested.Outputs.Name' }, 'att:Nested.Outputs.Name'],
    [{ 'Fn::Join': [':', ['a', { Ref: 'B' }, 3]] }, 'a:ref:B:3'],
    [{ 'Fn::Join': ['', { 'Fn::Split': ['-', 'a-b'] }] }, 'ab'],
    [{ 'Fn::Sub': 'x-${A}-${B.Arn}-${!C}' }, 'x-ref:A-att:B.Arn-${C}'],
    [{ 'Fn::Sub': ['${A}/${Own}', { Own: { Ref: 'B' } }] }, 'ref:A/ref:B'],
    [{ 'Fn::Select': [1, { 'Fn::Split': [',', 'a,b'] }] }, 'b'],
    [{ 'Fn::If': ['Yes', 1, 2] }, 1],
    [{ 'Fn::If': ['No', 1, 2] }, 2],
    [{ 'Fn::ImportValue': { 'Fn::Sub': '${S}:X' } }, 'import:ref:S:X'],
    [{ 'Fn::FindInMap': ['M', { Ref: 'R' }, 'k'] }, 'map:M/ref:R/k'],
    [{ 'Fn::Or': [{ 'Fn::Equals': ['a', 'b'] }, { 'Fn::Not': [{ Condition: 'No' }] }] }, true],
    [{ 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Equals': [{ Ref: 'A' }, 'ref:A'] }] }, true],
    [{ a: { Ref: 'AWS::NoValue' }, b: [1, { Ref: 'AWS::NoValue' }] }, { b: [1] }],
    [
      { Ref: 'A', other: 1 },
      { Ref: 'A', other: 1 },
    ],
    [null, null],
  ])('%j', (value, expected) => {
    expect(resolve(value, scope)).toEqual(expected);
  });

  test.each<[unknown, string]>([
    [{ 'Fn::Cidr': ['10.0.0.0/8', 1, 8] }, 'Fn::Cidr is not supported'],
    [{ 'Fn::Select': [2, ['a', 'b']] }, 'Fn::Select: there is no entry 2'],
    [{ 'Fn::Join': ['', [{ a: 1 }]] }, 'Fn::Join: expected text'],
    [{ 'Fn::If': ['Yes', 1] }, 'Fn::If: expected a list of 3'],
  ])('%j is an error', (value, message) => {
    expect(() => resolve(value, scope)).toThrow(message);
  });
});

test('referencesOf finds what a value needs', () => {
  const value = {
    a: [{ Ref: 'One' }, { 'Fn::GetAtt': ['Two', 'Arn'] }, { 'Fn::GetAtt': 'Three.Arn' }],
    b: { 'Fn::Sub': ['${Four} ${Five.Arn} ${!Six}', { Four: { Ref: 'Seven' } }] },
  };
  expect(referencesOf(value)).toEqual(['One', 'Two', 'Three', 'Five', 'Seven']);
});
