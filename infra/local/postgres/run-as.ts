import { spawnSync } from 'node:child_process';

/**
 * Whom the server runs as. PostgreSQL refuses to run as root, so root needs a way to be somebody else:
 * - `self`: an ordinary user runs it as they are.
 * - `namespace`: root enters a user namespace in which its own id is mapped to an ordinary one.
 *   PostgreSQL sees no root, and root's files stay readable, below a 0700 directory of root's too.
 * - `user`: root drops to an unprivileged id.
 * Files that the server cannot reach that way are copied below the temporary directory.
 */
export type RunAs =
  | { readonly kind: 'self' }
  | { readonly kind: 'namespace' }
  | { readonly kind: 'user'; readonly uid: number; readonly gid: number };

/** What to spawn so that `command` runs as `runAs` says. Every wrapper execs: the pid is the command's own. */
export interface SpawnPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/** `nobody` on Linux: has no files and no rights of its own. */
const UNPRIVILEGED_ID = 65_534;

/** Any id but 0 will do inside the namespace: it stands for the root outside. */
const NAMESPACE_ID = 1000;

const PROBE_TIMEOUT_MS = 5000;

/** The best way that works on this machine. Throws if there is none. */
export function chooseRunAs(): RunAs {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const candidates: RunAs[] = [
    { kind: 'namespace' },
    { kind: 'user', uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID },
  ];
  const works = candidates.find((candidate) => idSeenBy(candidate) > 0);
  if (works !== undefined) return works;
  throw new Error(
    'PostgreSQL refuses to run as root, and this root may neither open a user namespace (unshare) ' +
      'nor change to another user. Run as an ordinary user.',
  );
}

/** Wraps a command so that it runs as `runAs`. */
export function spawnPlan(runAs: RunAs, command: string, args: readonly string[]): SpawnPlan {
  switch (runAs.kind) {
    case 'self':
      return { command, args };
    case 'namespace': {
      const ids = [`--map-user=${NAMESPACE_ID}`, `--map-group=${NAMESPACE_ID}`];
      return { command: 'unshare', args: ['--user', ...ids, '--', command, ...args] };
    }
    case 'user':
      return { command, args, uid: runAs.uid, gid: runAs.gid };
    default:
      return runAs satisfies never;
  }
}

/** The ids that have to own the server's files, as seen from here. */
export function ownerOf(runAs: RunAs): { uid: number; gid: number } {
  if (runAs.kind === 'user') return { uid: runAs.uid, gid: runAs.gid };
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Can a program, run as `runAs`, enter this directory or run this file? */
export function canReach(runAs: RunAs, kind: 'directory' | 'program', target: string): boolean {
  const test = kind === 'directory' ? 'cd "$1"' : 'test -r "$1" && test -x "$1"';
  return run(runAs, 'sh', ['-c', test, 'sh', target]).status === 0;
}

function idSeenBy(runAs: RunAs): number {
  const { status, stdout } = run(runAs, 'id', ['-u']);
  return status === 0 ? Number(stdout) : 0;
}

function run(runAs: RunAs, command: string, args: readonly string[]) {
  const { uid, gid, ...plan } = spawnPlan(runAs, command, args);
  return spawnSync(plan.command, plan.args, {
    // The caller's own directory may be closed to the other id.
    cwd: '/',
    encoding: 'utf8',
    timeout: PROBE_TIMEOUT_MS,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
}
