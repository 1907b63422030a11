import { expect, test } from 'vitest';
import { neededPermissions } from '../../../infra/local/iam/needed-permissions.ts';

const PLACE = { region: 'eu-central-1', accountId: '000000000000' };
const QUEUE = 'arn:aws:sqs:eu-central-1:000000000000:events';
const PLAIN = 'arn:aws:sqs:eu-central-1:000000000000:plain';
const SECRET = 'arn:aws:secretsmanager:eu-central-1:000000000000:secret:app/one-AbCdEf';
const KEY = 'arn:aws:kms:eu-central-1:000000000000:key/one';

const policies = {
  roles: new Map(),
  resources: new Map(),
  encryptionKeys: new Map([
    [QUEUE, KEY],
    [SECRET, KEY],
  ]),
  secretArns: new Map([['app/one', SECRET]]),
};

const needed = (target: string, body: unknown) =>
  neededPermissions({ target, body }, policies, PLACE)?.map(
    ({ action, resourceArn }) => `${action} ${resourceArn}`,
  );
const events = { QueueUrl: 'http://127.0.0.1:1/000000000000/events' };
const plain = { QueueUrl: 'http://127.0.0.1:1/000000000000/plain' };
const KEY_TO_SEND = [`kms:GenerateDataKey ${KEY}`, `kms:Decrypt ${KEY}`];

test.each([
  ['AmazonSQS.SendMessage', events, [`sqs:SendMessage ${QUEUE}`, ...KEY_TO_SEND]],
  ['AmazonSQS.SendMessageBatch', events, [`sqs:SendMessage ${QUEUE}`, ...KEY_TO_SEND]],
  ['AmazonSQS.SendMessage', plain, [`sqs:SendMessage ${PLAIN}`]],
  ['AmazonSQS.ReceiveMessage', events, [`sqs:ReceiveMessage ${QUEUE}`, `kms:Decrypt ${KEY}`]],
  ['AmazonSQS.DeleteMessageBatch', events, [`sqs:DeleteMessage ${QUEUE}`]],
  ['AmazonSQS.GetQueueUrl', { QueueName: 'events' }, [`sqs:GetQueueUrl ${QUEUE}`]],
  ['AmazonSQS.ListQueues', {}, ['sqs:ListQueues *']],
  [
    'secretsmanager.GetSecretValue',
    { SecretId: SECRET },
    [`secretsmanager:GetSecretValue ${SECRET}`, `kms:Decrypt ${KEY}`],
  ],
  [
    'secretsmanager.GetSecretValue',
    { SecretId: 'app/one' },
    [`secretsmanager:GetSecretValue ${SECRET}`, `kms:Decrypt ${KEY}`],
  ],
  [
    'secretsmanager.DescribeSecret',
    { SecretId: SECRET },
    [`secretsmanager:DescribeSecret ${SECRET}`],
  ],
])('%s %j', (target, body, permissions) => {
  expect(needed(target, body)).toEqual(permissions);
});

test('a service that is not there', () => {
  expect(needed('', {})).toBeUndefined();
  expect(needed('DynamoDB_20120810.GetItem', {})).toBeUndefined();
});

test('the key is used by the service, for this queue', () => {
  const [, key] =
    neededPermissions({ target: 'AmazonSQS.ReceiveMessage', body: events }, policies, PLACE) ?? [];
  expect(key?.context).toEqual({
    'kms:ViaService': 'sqs.eu-central-1.amazonaws.com',
    'kms:CallerAccount': '000000000000',
    'kms:EncryptionContext:aws:sqs:arn': QUEUE,
  });
});
