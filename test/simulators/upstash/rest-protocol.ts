import { z } from 'zod';
import { OK, type Reply } from './commands/command.ts';
import { findCommand } from './commands/index.ts';
import { RedisError } from './redis-error.ts';
import type { Store } from './store.ts';

const Argument = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const CommandLine = z.tuple([Argument], Argument);
const CommandLines = z.array(CommandLine);
type CommandLine = z.infer<typeof CommandLine>;

/** Turns strings into what the caller asked for: themselves, or base64. */
export type Encode = (text: string) => string;

type Outcome = { result: unknown } | { error: string };

export interface RestAnswer {
  readonly status: 200 | 400;
  readonly body: Outcome | Outcome[];
}

/** `POST /`: one command. */
export function runSingle(body: unknown, store: Store, encode: Encode): RestAnswer {
  const line = CommandLine.safeParse(body);
  if (!line.success) return refused('ERR failed to parse command');
  const outcome = run(line.data, store, encode);
  return { status: 'error' in outcome ? 400 : 200, body: outcome };
}

/** `POST /pipeline`: commands one by one; one that fails does not keep the others. */
export function runPipeline(body: unknown, store: Store, encode: Encode): RestAnswer {
  const lines = CommandLines.safeParse(body);
  if (!lines.success) return refused('ERR failed to parse pipeline request');
  return { status: 200, body: lines.data.map((line) => run(line, store, encode)) };
}

/** `POST /multi-exec`: like a pipeline, but nothing is run if one of the commands cannot be. */
export function runTransaction(body: unknown, store: Store, encode: Encode): RestAnswer {
  const lines = CommandLines.safeParse(body);
  if (!lines.success) return refused('ERR failed to parse transaction request');
  try {
    for (const [name, ...args] of lines.data) findCommand(name, args.length);
  } catch (error) {
    const { error: why } = failure(error);
    return refused(`EXECABORT Transaction discarded because of previous errors: ${why}`);
  }
  return { status: 200, body: lines.data.map((line) => run(line, store, encode)) };
}

function run([name, ...args]: CommandLine, store: Store, encode: Encode): Outcome {
  try {
    const command = findCommand(name, args.length);
    return { result: toJson(command.run(args, store), encode) };
  } catch (error) {
    return failure(error);
  }
}

function failure(error: unknown): { error: string } {
  if (error instanceof RedisError) return { error: error.message };
  throw error;
}

function refused(error: string): RestAnswer {
  return { status: 400, body: { error } };
}

function toJson(reply: Reply, encode: Encode): unknown {
  if (reply === OK) return 'OK';
  if (typeof reply === 'string') return encode(reply);
  return Array.isArray(reply) ? reply.map((item) => toJson(item, encode)) : reply;
}
