import { closeSync, fstatSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';

/** The log file of a function: its environments and the runner append to it, a line is one write. */
export interface FunctionLog {
  /** For the environments' standard output and error. */
  readonly descriptor: number;
  /** One of Lambda's own lines (`platform.start` and the like). */
  writePlatformLine(type: string, record: object): void;
  /** Bytes written so far. */
  size(): number;
  /** What has been written from a position on. */
  since(position: number): string;
  close(): void;
}

/** Begins a log anew. */
export function openFunctionLog(file: string): FunctionLog {
  writeFileSync(file, '', { mode: 0o600 });
  const descriptor = openSync(file, 'a+');
  const size = (): number => fstatSync(descriptor).size;
  return {
    descriptor,
    writePlatformLine(type, record) {
      const line = JSON.stringify({ time: new Date().toISOString(), type, record });
      writeSync(descriptor, `${line}\n`);
    },
    size,
    since(position) {
      const content = Buffer.alloc(size() - position);
      const read = readSync(descriptor, content, 0, content.length, position);
      return content.toString('utf8', 0, read);
    },
    close: () => closeSync(descriptor),
  };
}

/** What `LogType: Tail` gives ("Invoke" in the Lambda API reference). */
const TAIL_BYTES = 4096;

/**
 * The end of what one invocation has logged. Other environments of the function write into the same
 * file meanwhile; lines that name another request are theirs. Pure.
 */
export function logTail(text: string, requestId: string): Buffer {
  const own = text.split('\n').filter((line) => {
    const named = requestOf(line);
    return named === undefined || named === requestId;
  });
  return Buffer.from(own.join('\n')).subarray(-TAIL_BYTES);
}

/** Request that a line of Lambda, of `console` or of Powertools' logger names. */
function requestOf(line: string): unknown {
  try {
    const parsed = JSON.parse(line);
    return parsed?.record?.requestId ?? parsed?.requestId ?? parsed?.function_request_id;
  } catch {
    // Something that the function wrote past its logger.
    return undefined;
  }
}
