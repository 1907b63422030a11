import { createHash } from 'node:crypto';
import { z } from 'zod';
import { invalidParameter, SecretsManagerError } from '../errors.ts';
import type { SecretStore, SecretValue } from '../store.ts';

/** One action of the API: reads the parameters, changes the store, gives the response. Throws a `SecretsManagerError`. */
export type Operation = (body: unknown, store: SecretStore) => object;

/** What creates a version; the SDK makes up a token where the caller gives none, and it becomes the version's id. */
export const valueShape = {
  ClientRequestToken: z.string().min(32).max(64).optional(),
  SecretString: z.string().min(1).max(65_536).optional(),
  SecretBinary: z.base64().optional(),
};

interface ValueParameters {
  readonly SecretString?: string | undefined;
  readonly SecretBinary?: string | undefined;
}

/** An operation that first checks its parameters against a schema, as the service does. */
export function operation<T>(
  schema: z.ZodType<T>,
  run: (parameters: T, store: SecretStore) => object,
): Operation {
  return (body, store) => {
    const parameters = schema.safeParse(body);
    if (parameters.success) return run(parameters.data, store);
    const [issue] = parameters.error.issues;
    const where = issue?.path.join('.') ?? '';
    throw new SecretsManagerError(
      'ValidationException',
      `1 validation error detected: Value at '${where}' failed to satisfy constraint: ${issue?.message}`,
    );
  };
}

/** The value, or undefined if there is none. */
export function valueOf(parameters: ValueParameters): SecretValue | undefined {
  const { SecretString: text, SecretBinary: binary } = parameters;
  if (text !== undefined && binary !== undefined) {
    throw invalidParameter("You can't specify both SecretString and SecretBinary.");
  }
  if (text !== undefined) return { text };
  return binary === undefined ? undefined : { binary };
}

/** Equal values hash equally: a request that is repeated with its token is told from another one. */
export function fingerprint({ text, binary }: SecretValue): string {
  return createHash('sha256')
    .update(text === undefined ? `b${binary}` : `t${text}`)
    .digest('hex');
}
