import type { FastifyRequest } from 'fastify';
import * as z from 'zod';
import { guidPattern } from '../tables/read-columns.ts';

/** A request to the control API that it refuses. */
export class ControlError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Reads a request's JSON body; 400 with what is wrong. No body counts as `{}`. */
export function readBody<T>(request: FastifyRequest, schema: z.ZodType<T>): T {
  const text = Buffer.isBuffer(request.body) ? request.body.toString() : '';
  let body: unknown;
  try {
    body = text === '' ? {} : JSON.parse(text);
  } catch {
    throw new ControlError(400, 'The body is not JSON.');
  }
  const result = schema.safeParse(body);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}

/** The contact id in a path, lower-case; 400 if it is not a GUID. */
export function contactIdIn(request: FastifyRequest<{ Params: { id: string } }>): string {
  const { id } = request.params;
  if (!guidPattern.test(id)) throw new ControlError(400, `'${id}' is not a GUID.`);
  return id.toLowerCase();
}
