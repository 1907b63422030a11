import type * as z from 'zod';
import { parseEnvironment } from '../environment/environment.ts';
import type { Log } from '../observability/log.ts';
import { messages } from '../observability/messages.ts';
import { createSecretReader, createSecretsManagerClient } from '../secrets/secrets.ts';

/**
 * Makes what a function needs on its first invocation, keeps it for the life of the container, and
 * makes it again when a secret was rotated. A failed start is not kept.
 *
 * @param secretsOf variable names of the environment, by what the secret is called in `create`
 * @throws EnvironmentInvalid, SecretUnset, SecretUnavailable, and whatever `create` throws
 */
export function startWithSecrets<Schema extends z.ZodType, Name extends string, Started>(
  schema: Schema,
  secretsOf: (environment: z.output<Schema>) => Readonly<Record<Name, string>>,
  create: (environment: z.output<Schema>, secrets: Readonly<Record<Name, string>>) => Started,
  log: Log,
): () => Promise<Started> {
  let environment: z.output<Schema> | undefined;
  const reader = createSecretReader({
    client: createSecretsManagerClient(),
    onStale: (error) => log(messages.secretRefreshFailed, { errorName: error.name }),
  });
  let made: { readonly with: string; readonly started: Started } | undefined;

  return async () => {
    environment ??= parseEnvironment(schema);
    const arns = Object.entries<string>(secretsOf(environment));
    const values = await Promise.all(
      arns.map(async ([name, arn]) => [name, await reader.read(arn)] as const),
    );
    const key = JSON.stringify(values);
    if (made?.with !== key) {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the names are those of `secretsOf`
      const secrets = Object.fromEntries(values) as Record<Name, string>;
      made = { with: key, started: create(environment, secrets) };
    }
    return made.started;
  };
}
