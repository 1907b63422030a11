import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { overview } from '../../infra/local/overview.ts';
import { startStack } from '../../infra/local/stack.ts';
import { executionContext, signatureOf } from '../support/execution-context.ts';
import { assemblyOfRun } from './assembly-setup.ts';

/**
 * Nothing is described twice: what is wrong in the template breaks the local stack, and what is printed
 * leads to the cause.
 */
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'consenthub-template-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

interface Template {
  Resources: Record<
    string,
    { Type: string; Properties: Record<string, unknown> & { Environment?: { Variables: object } } }
  >;
}
type Resource = Template['Resources'][string];

/** Starts a stack whose template was changed; hands over its lines and stops it. */
async function withTemplate(
  change: (resources: Template['Resources']) => void,
  use: (stack: Awaited<ReturnType<typeof startStack>>, lines: readonly string[]) => Promise<void>,
) {
  const stateDirectory = await mkdtemp(join(directory, 'state-'));
  const assembly = join(stateDirectory, 'changed');
  const synthesized = assemblyOfRun();
  if (synthesized === undefined) throw new Error('nothing was synthesised');
  await cp(synthesized, assembly, { recursive: true });
  const file = join(assembly, 'ConsentHubDynamics.template.json');
  const template = JSON.parse(await readFile(file, 'utf8')) as Template;
  change(template.Resources);
  await writeFile(file, JSON.stringify(template));
  const lines: string[] = [];
  const stack = await startStack({
    port: 0,
    stateDirectory,
    assembly,
    environment: {},
    schedules: false,
    report: (line) => lines.push(line),
  });
  try {
    await use(stack, lines);
  } finally {
    await stack.stop({ force: true });
  }
}

function find(resources: Template['Resources'], type: string, id: string): Resource {
  const found = Object.entries(resources).find(
    ([logicalId, resource]) => resource.Type === type && logicalId.startsWith(id),
  );
  if (found === undefined) throw new Error(`no ${type} ${id}`);
  return found[1];
}

function takeVariable(resources: Template['Resources'], id: string, variable: string) {
  const { Environment: environment } = find(resources, 'AWS::Lambda::Function', id).Properties;
  Reflect.deleteProperty(environment?.Variables ?? {}, variable);
}

/** Takes an action out of the policy of a function's role. */
function takeAction(resources: Template['Resources'], id: string, action: string) {
  const { Properties: properties } = find(resources, 'AWS::IAM::Policy', id);
  const document = properties['PolicyDocument'] as { Statement: { Action: string | string[] }[] };
  const Statement = document.Statement.filter((statement) => statement.Action !== action);
  properties['PolicyDocument'] = { ...document, Statement };
}

async function postWebhook({ details }: Awaited<ReturnType<typeof startStack>>) {
  const body = JSON.stringify(
    executionContext({ OrganizationId: details.dataverseOrganizationId }),
  );
  return fetch(`${details.apiUrl}/api/dynamics/webhook`, {
    method: 'POST',
    headers: { 'x-dynamics-signature': signatureOf(body, details.webhookSecret) },
    body,
  });
}

describe('a change of the template', () => {
  test('that renames the route: the old one is not there any more', async () => {
    await withTemplate(
      (resources) => {
        find(resources, 'AWS::ApiGatewayV2::Route', 'api').Properties['RouteKey'] = 'POST /renamed';
      },
      async (stack) => {
        expect((await postWebhook(stack)).status).toBe(404);
      },
    );
  });

  test('that takes away the permission to invoke receive-webhook: webhooks fail, the runner says why', async () => {
    await withTemplate(
      (resources) => {
        find(resources, 'AWS::Lambda::Permission', 'api').Properties['Principal'] = 'nobody';
      },
      async (stack, lines) => {
        expect((await postWebhook(stack)).status).toBe(500);
        expect(lines.join('\n')).toContain('apigateway.amazonaws.com may not invoke');
      },
    );
  });

  test('that takes the event source mapping away: the start says that nothing calls the function', async () => {
    await withTemplate(
      (resources) => {
        for (const [id, { Type: type }] of Object.entries(resources)) {
          if (type === 'AWS::Lambda::EventSourceMapping' && id.startsWith('contact')) {
            Reflect.deleteProperty(resources, id);
          }
        }
      },
      async (stack) => {
        expect((await postWebhook(stack)).status).toBe(200);
        expect(overview(stack, 'stack.json')).toContain('Nothing calls sync-contact.');
      },
    );
  });

  test('that takes a variable away from receive-webhook: webhooks are refused, the log names it', async () => {
    await withTemplate(
      (resources) => takeVariable(resources, 'receivewebhook', 'CONTACT_QUEUE_URL'),
      async (stack) => {
        expect((await postWebhook(stack)).status).toBe(503);
        const log = await readFile(join(stack.logDirectory, 'receive-webhook.log'), 'utf8');
        expect(log).toContain('CONTACT_QUEUE_URL: missing');
      },
    );
  });

  test('that takes the grant to send away from receive-webhook: webhooks are refused, the runner says why', async () => {
    await withTemplate(
      (resources) => takeAction(resources, 'receivewebhook', 'sqs:SendMessage'),
      async (stack, lines) => {
        expect((await postWebhook(stack)).status).toBe(503);
        expect(lines.join('\n')).toMatch(
          /is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:\S+:contact-events /,
        );
      },
    );
  });

  test('that takes a variable away from sync-contact: the runner says that it fails, and why', async () => {
    await withTemplate(
      (resources) => takeVariable(resources, 'synccontact', 'DYNAMICS_ORG_URL'),
      async (stack, lines) => {
        expect((await postWebhook(stack)).status).toBe(200);
        await expect
          .poll(() => lines.join('\n'), { timeout: 20_000 })
          .toContain('DYNAMICS_ORG_URL: missing');
      },
    );
  });

  test('that takes a variable away from migrate-database: the start ends, as the deploy would', async () => {
    await expect(
      withTemplate(
        (resources) => takeVariable(resources, 'migratedatabase', 'DATABASE_URL_SECRET_ARN'),
        async () => {},
      ),
    ).rejects.toThrow(/DATABASE_URL_SECRET_ARN: missing/);
  });
});
