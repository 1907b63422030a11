import * as z from 'zod';
import { LoggableError } from '../errors/loggable-error.ts';

/** Thrown at start-up: names what is missing or malformed in the function's environment, never a value. */
export class EnvironmentInvalid extends LoggableError {
  override readonly name = 'EnvironmentInvalid';
}

/**
 * Parses the variables that a function needs. The only reader of `process.env` in `shared`.
 * @throws EnvironmentInvalid
 */
export function parseEnvironment<T extends z.ZodType>(
  schema: T,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): z.output<T> {
  const parsed = schema.safeParse(environment);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    (issue) =>
      `${issue.path.join('.')}: ${issue.code === 'invalid_type' ? 'missing' : 'malformed'}`,
  );
  throw new EnvironmentInvalid(
    `The function's environment is not complete. Check these variables in its configuration: ${problems.join(', ')}`,
  );
}
