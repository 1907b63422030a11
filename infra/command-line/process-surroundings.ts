import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import type { Surroundings } from './surroundings.ts';

/** The surroundings of this process. */
export function processSurroundings(): Surroundings {
  const interruption = new AbortController();
  // Once: a second Ctrl-C ends the process as it always does.
  process.once('SIGINT', () => interruption.abort());
  process.once('SIGTERM', () => interruption.abort());
  // Who reads the output may stop reading, as `head` does: the command goes on, and says how it ended.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unlessNobodyReads);
  return {
    environment: process.env,
    stackFile: fileURLToPath(new URL('../../.local/stack.json', import.meta.url)),
    say: (text) => process.stdout.write(`${text}\n`),
    complain: (text) => process.stderr.write(`${text}\n`),
    interruption: interruption.signal,
    ...(process.stderr.isTTY && { terminal: process.stderr }),
    ...(process.stdin.isTTY && process.stdout.isTTY && { answer: askAtTerminal }),
  };
}

function unlessNobodyReads(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

async function askAtTerminal(question: string): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}
