import { expect, test } from 'vitest';
import { unusedGrants } from '../../../infra/local/iam/unused-grants.ts';

const ROLE = 'arn:aws:iam::000000000000:role/one';
const QUEUE = 'arn:aws:sqs:eu-central-1:000000000000:events';
const OTHER = 'arn:aws:sqs:eu-central-1:000000000000:other';

const granted = (...statements: object[]) => ({
  roles: new Map([[ROLE, [{ name: 'policy', policy: { Statement: statements } }]]]),
});
const used = (action: string, resourceArn: string, roleArn = ROLE) => ({
  roleArn,
  action,
  resourceArn,
});

test('every action on every resource counts for itself', () => {
  const policies = granted({
    Effect: 'Allow',
    Action: ['sqs:SendMessage', 'sqs:ReceiveMessage'],
    Resource: [QUEUE, OTHER],
  });
  expect(unusedGrants(policies, [used('sqs:SendMessage', QUEUE)])).toEqual([
    used('sqs:SendMessage', OTHER),
    used('sqs:ReceiveMessage', QUEUE),
    used('sqs:ReceiveMessage', OTHER),
  ]);
});

test('a grant is used by what it covers', () => {
  const policies = granted({ Effect: 'Allow', Action: 'sqs:Send*', Resource: '*' });
  expect(unusedGrants(policies, [used('sqs:SendMessage', QUEUE)])).toEqual([]);
  expect(unusedGrants(policies, [used('sqs:ReceiveMessage', QUEUE)])).toHaveLength(1);
});

test('not by another role; a denial is no grant', () => {
  const policies = granted(
    { Effect: 'Allow', Action: 'sqs:SendMessage', Resource: QUEUE },
    { Effect: 'Deny', Action: 'sqs:*', Resource: OTHER },
  );
  const other = used('sqs:SendMessage', QUEUE, `${ROLE}-two`);
  expect(unusedGrants(policies, [other])).toEqual([used('sqs:SendMessage', QUEUE)]);
});
