import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from './error-code.ts';

/** A server whose starter was killed takes this long to notice and go; one that is stopping may write much first. */
const GRACE_RUNNING_MS = 1000;
const GRACE_STOPPING_MS = 10_000;
const POLL_MS = 50;

/**
 * Makes way for a server on `pgdata`: waits for one that is on its way down, and removes the lock file
 * `postmaster.pid` of a dead one whose process id has been given to something else since (PostgreSQL
 * itself clears only those whose id is free). Throws if a server is running there.
 */
export async function awaitUnlocked(pgdata: string): Promise<void> {
  const lockFile = path.join(pgdata, 'postmaster.pid');
  const start = performance.now();
  for (;;) {
    const holder = await readLockFile(lockFile);
    if (holder === undefined || !isAlive(holder.pid)) return;
    const commandLine = await commandLineOf(holder.pid);
    if (commandLine !== undefined && !commandLine.includes(pgdata)) {
      await rm(lockFile, { force: true });
      return;
    }
    const graceMs = holder.stopping ? GRACE_STOPPING_MS : GRACE_RUNNING_MS;
    if (performance.now() - start > graceMs) {
      throw new Error(
        `A PostgreSQL server (process ${holder.pid}) already runs on ${pgdata}: stop it first, or use another data directory.`,
      );
    }
    await delay(POLL_MS);
  }
}

/** The file's first line is the process id, its eighth the state (src/include/utils/pidfile.h). */
async function readLockFile(file: string): Promise<{ pid: number; stopping: boolean } | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
  return { pid, stopping: lines[7]?.trim() === 'stopping' };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) !== 'ESRCH';
  }
}

async function commandLineOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await readFile(`/proc/${pid}/cmdline`, 'utf8');
    const { stdout } = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', `${pid}`]);
    return stdout;
  } catch {
    return undefined;
  }
}
