import { Template } from 'aws-cdk-lib/assertions';
import { beforeAll, describe, expect, test } from 'vitest';
import { environment as connectionStatus } from '../../../functions/connection-status/env.ts';
import { environment as migrateDatabase } from '../../../functions/migrate-database/env.ts';
import { environment as receiveWebhook } from '../../../functions/receive-webhook/env.ts';
import { environment as reconcileContacts } from '../../../functions/reconcile-contacts/env.ts';
import { environment as sweep } from '../../../functions/sweep/env.ts';
import { environment as syncConsent } from '../../../functions/sync-consent/env.ts';
import { environment as syncContact } from '../../../functions/sync-contact/env.ts';
import { environment as testConnection } from '../../../functions/test-connection/env.ts';
import { parseEnvironment } from '../../../shared/environment/environment.ts';
import { buildStacks } from './build-stacks.ts';

const FUNCTIONS = {
  'connection-status': connectionStatus,
  'migrate-database': migrateDatabase,
  'receive-webhook': receiveWebhook,
  sweep,
  'reconcile-contacts': reconcileContacts,
  'sync-consent': syncConsent,
  'sync-contact': syncContact,
  'test-connection': testConnection,
};

/** Read by Powertools, in every function. */
const OF_LIBRARIES = new Set(['POWERTOOLS_SERVICE_NAME']);
/** What Lambda sets itself. */
const OF_LAMBDA = { LAMBDA_TASK_ROOT: '/var/task' };
/** A tenant that is not configured is found out. */
const MAY_BE_EMPTY = new Set(['DYNAMICS_TENANT_ID']);
/** Without it, what is safest. */
const HAS_DEFAULT = new Set(['WEBHOOK_AUTHENTICATION']);

let variables: (folder: string) => Record<string, string>;
beforeAll(() => {
  const functions = Object.values(
    Template.fromStack(buildStacks().bridge).findResources('AWS::Lambda::Function'),
  ) as { Properties: { Environment?: { Variables: Record<string, unknown> } } }[];
  variables = (folder) => {
    const found = functions
      .map(({ Properties: { Environment: environment } }) => environment?.Variables ?? {})
      .find((all) => all['POWERTOOLS_SERVICE_NAME'] === folder);
    if (found === undefined) throw new Error(`${folder} is not in the template`);
    return Object.fromEntries(
      Object.entries(found).map(([name, value]) => [name, sample(name, value)]),
    );
  };
});

/** A value that only the deploy knows stands for itself. */
function sample(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (name === 'WEBHOOK_AUTHENTICATION') return 'signature';
  return name.endsWith('_URL') ? 'https://a.example.test' : 'a value';
}

describe.each(Object.entries(FUNCTIONS))('the environment of %s', (folder, schema) => {
  test('is complete', () => {
    expect(() => parseEnvironment(schema, { ...OF_LAMBDA, ...variables(folder) })).not.toThrow();
  });

  test('holds nothing that it does not read', () => {
    const read = new Set(Object.keys(schema.shape));
    const unread = Object.keys(variables(folder)).filter(
      (name) => !read.has(name) && !OF_LIBRARIES.has(name),
    );
    expect(unread).toEqual([]);
  });

  test('lacks nothing unnoticed: each variable is named when it is taken away', () => {
    const all = variables(folder);
    for (const name of Object.keys(all)) {
      if ([OF_LIBRARIES, MAY_BE_EMPTY, HAS_DEFAULT].some((set) => set.has(name))) continue;
      const { [name]: _, ...others } = all;
      expect(() => parseEnvironment(schema, { ...OF_LAMBDA, ...others })).toThrow(
        `${name}: missing`,
      );
    }
  });
});
