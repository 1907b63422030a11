import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  cp,
  lchown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { PostgresBinaries } from './binaries.ts';
import { canReach, ownerOf, type RunAs, spawnPlan } from './run-as.ts';

/** Name of the database and of the role that owns it. */
export const DATABASE_NAME = 'consenthub';

/** A database cluster on disk, ready to be served. */
export interface Cluster {
  /** PostgreSQL's own data directory (PGDATA). */
  readonly pgdata: string;
  /** Password of the role `consenthub`. */
  readonly password: string;
}

/** The environment that PostgreSQL's programs get: none of the caller's credentials or `PG…` settings. */
export const POSTGRES_ENVIRONMENT: NodeJS.ProcessEnv = {
  PATH: process.env['PATH'],
  // Messages are read by this code.
  LC_ALL: 'C',
  TZ: 'UTC',
};

/** Takes half a second; a slow disk under load may need far longer, but not minutes. */
const INITDB_TIMEOUT_MS = 60_000;

/**
 * TCP from this machine only. `password` (in clear, on loopback) because Neon's driver sends the
 * password together with the start-up message, before it could answer a challenge.
 */
const HOST_BASED_AUTHENTICATION = `host all ${DATABASE_NAME} 127.0.0.1/32 password\n`;

const RELOCATION_LINK = 'relocated';

/**
 * Opens the cluster below `dataDirectory`, making it if there is none. What an interrupted start
 * left behind is never taken for a cluster: it appears complete, by a rename.
 */
export async function openCluster(
  dataDirectory: string,
  binaries: PostgresBinaries,
  runAs: RunAs,
  sync: boolean,
): Promise<Cluster> {
  const home = await homeOf(dataDirectory, runAs);
  const directory = path.join(home, 'cluster');
  if (!(await exists(directory))) await createCluster(home, directory, binaries, runAs, sync);
  const pgdata = path.join(directory, 'pgdata');
  await handOver(pgdata, runAs);
  return { pgdata, password: await readFile(path.join(directory, 'password'), 'utf8') };
}

/**
 * A copy of the binaries that `runAs` can reach, or the binaries themselves if it can. The copy is
 * kept below the temporary directory and shared by later starts.
 */
export async function reachableBinaries(
  binaries: PostgresBinaries,
  runAs: RunAs,
): Promise<PostgresBinaries> {
  if (canReach(runAs, 'program', binaries.postgres)) return binaries;
  const root = temporaryPath('binaries', binaries.root);
  if (!(await isOwnDirectory(root))) {
    const staging = await mkdtemp(`${root}-`);
    await cp(binaries.root, staging, { recursive: true, verbatimSymlinks: true });
    await openToEverybody(staging);
    // Another start may have been quicker; its copy is as good.
    await rename(staging, root).catch(() => rm(staging, { recursive: true }));
  }
  const move = (file: string) => path.join(root, path.relative(binaries.root, file));
  const copy = { root, initdb: move(binaries.initdb), postgres: move(binaries.postgres) };
  if (canReach(runAs, 'program', copy.postgres)) return copy;
  throw new Error(
    `PostgreSQL cannot be run: ${binaries.root} and ${os.tmpdir()} are closed to it.`,
  );
}

/** `dataDirectory`, or the place below the temporary directory that stands in for it. */
async function homeOf(dataDirectory: string, runAs: RunAs): Promise<string> {
  await mkdir(dataDirectory, { recursive: true });
  const home = await realpath(dataDirectory);
  const link = path.join(home, RELOCATION_LINK);
  const relocated = await readlink(link).catch(() => undefined);
  if (relocated !== undefined) {
    if (await isOwnDirectory(relocated)) return relocated;
    // The temporary directory has been emptied since.
    await rm(link);
  }
  if (canReach(runAs, 'directory', home)) return home;
  const target = temporaryPath('data', home);
  // What stands there belonged to a data directory that was wiped.
  if (await isOwnDirectory(target)) await rm(target, { recursive: true });
  await mkdir(target);
  await chmod(target, 0o711);
  const cluster = path.join(home, 'cluster');
  if (await exists(cluster)) {
    const moved = path.join(target, 'cluster');
    await cp(cluster, moved, { recursive: true, verbatimSymlinks: true });
    // A copy keeps the owners of files, but not those of directories.
    await giveTo(moved, ownerOf({ kind: 'self' }));
    await rm(cluster, { recursive: true });
  }
  if (!canReach(runAs, 'directory', target)) {
    throw new Error(`PostgreSQL's data cannot be kept in ${home}: the server may not enter it.`);
  }
  await symlink(target, link);
  return target;
}

async function createCluster(
  home: string,
  directory: string,
  binaries: PostgresBinaries,
  runAs: RunAs,
  sync: boolean,
): Promise<void> {
  const staging = await mkdtemp(path.join(home, 'new-'));
  try {
    await chmod(staging, 0o711);
    const pgdata = path.join(staging, 'pgdata');
    const password = randomBytes(24).toString('hex');
    await mkdir(pgdata, { mode: 0o700 });
    await handOver(pgdata, runAs);
    await runProgram(runAs, binaries.initdb, [
      `--pgdata=${pgdata}`,
      '--username=postgres',
      '--auth=reject',
      '--encoding=UTF8',
      // The same on every machine, whatever locales it has.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--locale=C',
      ...(sync ? [] : ['--no-sync']),
    ]);
    await runProgram(
      runAs,
      binaries.postgres,
      ['--single', '-D', pgdata, '-c', 'exit_on_error=on', 'postgres'],
      roleAndDatabase(password),
    );
    await writeFile(path.join(pgdata, 'pg_hba.conf'), HOST_BASED_AUTHENTICATION);
    await writeFile(path.join(staging, 'password'), password, { mode: 0o600 });
    await rename(staging, directory);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Two first starts at once: the other one's cluster is the one.
    if (await exists(directory)) return;
    throw error;
  }
}

/**
 * The role has what Neon gives the owner of a database, and is not a superuser: what needs one must
 * fail here too. Single-user mode reads one statement per line.
 */
function roleAndDatabase(password: string): string {
  return [
    `create role ${DATABASE_NAME} login createdb createrole bypassrls password '${password}';`,
    `grant pg_monitor, pg_signal_backend, pg_read_all_data, pg_write_all_data to ${DATABASE_NAME};`,
    `create database ${DATABASE_NAME} owner ${DATABASE_NAME};`,
    '',
  ].join('\n');
}

/** Makes the whole tree belong to the id that the server runs as; PostgreSQL insists on it. */
async function handOver(pgdata: string, runAs: RunAs): Promise<void> {
  const owner = ownerOf(runAs);
  const { uid } = await stat(pgdata);
  if (uid === owner.uid) return;
  if (process.getuid?.() !== 0) {
    throw new Error(
      `The PostgreSQL data in ${pgdata} belongs to another user (id ${uid}): ` +
        'remove it as that user, or run as that user.',
    );
  }
  await giveTo(pgdata, owner);
}

async function giveTo(tree: string, owner: { uid: number; gid: number }): Promise<void> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    await lchown(path.join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
  // Last, so that an interrupted change is begun again.
  await lchown(tree, owner.uid, owner.gid);
}

async function runProgram(runAs: RunAs, program: string, args: readonly string[], input = '') {
  const { command, args: wrapped, ...ids } = spawnPlan(runAs, program, args);
  const child = spawn(command, wrapped, {
    cwd: '/',
    env: POSTGRES_ENVIRONMENT,
    stdio: ['pipe', 'ignore', 'pipe'],
    timeout: INITDB_TIMEOUT_MS,
    ...ids,
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  // A program that ends early closes its input; its status says the rest.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const status = await new Promise<number | string | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (status !== 0) {
    throw new Error(`${path.basename(program)} ended with ${status}:\n${complaints.trim()}`);
  }
}

/** An installation made under a strict umask is closed to others, and so is its copy at first. */
async function openToEverybody(root: string): Promise<void> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isDirectory()) await chmod(file, 0o755);
    if (entry.isFile()) await chmod(file, (await stat(file)).mode & 0o100 ? 0o755 : 0o644);
  }
  await chmod(root, 0o755);
}

/** One place per original, so that it is found again and is not left behind many times. */
function temporaryPath(purpose: string, original: string): string {
  const id = createHash('sha256').update(original).digest('hex').slice(0, 12);
  return path.join(os.tmpdir(), `consenthub-postgres-${purpose}-${id}`);
}

/** False if there is nothing. Throws if somebody else put something there: anyone may write to the temporary directory. */
async function isOwnDirectory(target: string): Promise<boolean> {
  const found = await lstat(target).catch(() => undefined);
  if (found === undefined) return false;
  if (found.isDirectory() && found.uid === process.getuid?.()) return true;
  throw new Error(
    `${target} belongs to another user (id ${found.uid}), but is needed for PostgreSQL's files: ` +
      'remove it as that user, or run as that user.',
  );
}

async function exists(target: string): Promise<boolean> {
  return lstat(target).then(
    () => true,
    () => false,
  );
}
