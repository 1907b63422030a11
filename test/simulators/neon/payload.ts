import { z } from 'zod';
import { NeonError } from './errors.ts';

const Statement = z.object({
  query: z.string(),
  params: z.array(z.unknown()).default([]),
  arrayMode: z.boolean().optional(),
});

const Payload = z.union([Statement, z.object({ queries: z.array(Statement) })]);

export type Statement = z.infer<typeof Statement>;
export type Payload = z.infer<typeof Payload>;

/**
 * Reads the body of a request: one statement, or the statements of a transaction.
 * Throws a `NeonError` (400) if it is something else, or holds half of a surrogate pair: the proxy's
 * JSON parser refuses those, where JavaScript's lets them pass.
 */
export function parsePayload(body: string): Payload {
  let json: unknown;
  try {
    json = JSON.parse(body, (_key, value: unknown) => {
      if (typeof value !== 'string' || value.isWellFormed()) return value;
      throw new SyntaxError('lone leading surrogate in hex escape');
    });
  } catch (error) {
    throw unreadable(error instanceof Error ? error.message : 'not JSON');
  }
  const payload = Payload.safeParse(json);
  if (!payload.success) throw unreadable('data did not match any variant of untagged enum Payload');
  return payload.data;
}

function unreadable(why: string): NeonError {
  return new NeonError(400, `could not parse the HTTP request body: ${why}`);
}
