import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LocalCredentials } from './queues/sqs-server.ts';
import type { OutsideSystems } from './outside/outside-systems.ts';
import type { Interpretation } from './template/interpret.ts';
import { TemplateError } from './template/template.ts';

/** What the secrets of the template hold, by the last part of their names. */
function valuesOf(outside: OutsideSystems): Readonly<Record<string, string>> {
  return {
    'audit-key': outside.auditKey,
    'webhook-secret': outside.webhookSecret,
    'dynamics-client-secret': outside.clientSecret,
    'database-url': outside.databaseUrl,
    'upstash-redis-rest-token': outside.redisRestToken,
  };
}

/**
 * Creates the secrets of the template with the values that belong to this stack.
 *
 * @returns ARN of each secret, by its name.
 * @throws TemplateError for a secret that the runner has no value for.
 */
export async function createSecrets(
  endpoint: string,
  { region, ...credentials }: LocalCredentials,
  interpretation: Interpretation,
  outside: OutsideSystems,
): Promise<Map<string, string>> {
  const client = new SecretsManagerClient({ endpoint, region, credentials });
  const values = valuesOf(outside);
  const arns = new Map<string, string>();
  try {
    for (const resource of interpretation.resources) {
      if (resource.type !== 'AWS::SecretsManager::Secret') continue;
      const name = resource.properties()['Name'];
      const purpose = typeof name === 'string' ? name.split('/').at(-1) : undefined;
      const value = values[purpose ?? ''];
      if (typeof name !== 'string' || value === undefined) {
        throw new TemplateError(
          `${resource.logicalId}: the local runner has no value for this secret`,
        );
      }
      const created = await client.send(
        new CreateSecretCommand({ Name: name, SecretString: value }),
      );
      arns.set(name, created.ARN ?? '');
    }
  } finally {
    client.destroy();
  }
  return arns;
}
