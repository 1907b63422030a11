import { z } from 'zod';
import { type Backend, OK, type Reply } from './backend.ts';
import { RedisError } from './redis-error.ts';

// Half of a surrogate pair has no UTF-8: on the way to Redis it becomes U+FFFD.
const Argument = z
  .union([z.string(), z.number(), z.boolean()])
  .transform((argument) => String(argument).toWellFormed());
const CommandLine = z.tuple([Argument], Argument);
const CommandLines = z.array(CommandLine);

/** Turns strings into what the caller asked for: themselves, or base64. */
export type Encode = (text: string) => string;

type Outcome = { result: unknown } | { error: string };

export interface RestAnswer {
  readonly status: 200 | 400;
  readonly body: Outcome | Outcome[];
}

/** `POST /`: one command. */
export async function runSingle(
  body: unknown,
  backend: Backend,
  encode: Encode,
): Promise<RestAnswer> {
  const line = CommandLine.safeParse(body);
  if (!line.success) return refused('ERR failed to parse command');
  const outcome = toOutcome(await settled(backend.run(line.data)), encode);
  return { status: 'error' in outcome ? 400 : 200, body: outcome };
}

/** `POST /pipeline`: commands one by one; one that fails does not keep the others. */
export async function runPipeline(
  body: unknown,
  backend: Backend,
  encode: Encode,
): Promise<RestAnswer> {
  const lines = CommandLines.safeParse(body);
  if (!lines.success) return refused('ERR failed to parse pipeline request');
  const outcomes: Outcome[] = [];
  for (const line of lines.data) {
    outcomes.push(toOutcome(await settled(backend.run(line)), encode));
  }
  return { status: 200, body: outcomes };
}

/** `POST /multi-exec`: like a pipeline, but nothing is run if one of the commands cannot be. */
export async function runTransaction(
  body: unknown,
  backend: Backend,
  encode: Encode,
): Promise<RestAnswer> {
  const lines = CommandLines.safeParse(body);
  if (!lines.success) return refused('ERR failed to parse transaction request');
  const replies = await settled(backend.transaction(lines.data));
  if (replies instanceof RedisError) return refused(replies.message);
  return { status: 200, body: replies.map((reply) => toOutcome(reply, encode)) };
}

async function settled<T>(replying: Promise<T>): Promise<T | RedisError> {
  try {
    return await replying;
  } catch (error) {
    if (error instanceof RedisError) return error;
    throw error;
  }
}

function refused(error: string): RestAnswer {
  return { status: 400, body: { error } };
}

function toOutcome(reply: Reply | RedisError, encode: Encode): Outcome {
  return reply instanceof RedisError ? { error: reply.message } : { result: toJson(reply, encode) };
}

function toJson(reply: Reply, encode: Encode): unknown {
  if (reply === OK) return 'OK';
  if (typeof reply === 'string') return encode(reply);
  return Array.isArray(reply) ? reply.map((item) => toJson(item, encode)) : reply;
}
