import { spawn } from 'node:child_process';

/** Sees to it that frozen processes do not outlive the runner. */
export interface OrphanThaw extends Disposable {
  add(processId: number): void;
}

/** Ends with its standard input, then thaws whom it has been told of. */
const SCRIPT =
  'while read -r id; do ids="$ids $id"; done; for id in $ids; do kill -CONT "$id"; done';

/**
 * A runner that is killed cannot end its frozen processes, and they cannot notice that it is gone. So
 * a small process of its own notices, and thaws them: they find nobody on the line and end. Thawing
 * does no harm if a number belongs to somebody else by then.
 */
export function startOrphanThaw(): OrphanThaw {
  const guard = spawn('sh', ['-c', SCRIPT], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // Ctrl-C on the terminal must not reach it.
    detached: true,
  });
  guard.unref();
  guard.stdin.on('error', () => undefined);
  return {
    add: (processId) => void guard.stdin.write(`${processId}\n`),
    [Symbol.dispose]: () => void guard.stdin.end(),
  };
}
