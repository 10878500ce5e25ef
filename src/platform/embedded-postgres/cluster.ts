import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chown,
  lchown,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { makeDirectory } from '../directory';
import { UserError } from '../errors';
import { findBinaries, reachableBinaries, type Binaries } from './binaries';
import { canAccess, findServiceUser, identity, isRoot, letPass, openStateRoot, waysOut } from './os-user';
import type { OsUser } from './os-user';
import { exists, isTaken, removeInterrupted, stagingPath } from './staging';

/** A PostgreSQL data directory that is ready to be started, and what it takes to start it. */
export interface Cluster {
  /** Real path: `<dataDir>/postgres`, or where that links to. */
  readonly directory: string;
  readonly binaries: Binaries;
  /** Whom the server must run as; null: as ourselves. */
  readonly user: OsUser | null;
  readonly password: string;
}

/** The role that owns everything in the cluster. */
export const ROLE = 'conceptcaps';

/** In the cluster itself: the two cannot be parted, and come into being in one step. PostgreSQL ignores the file. */
const PASSWORD_FILE = 'conceptcaps.password';

/**
 * The cluster of a data directory, made if there is none. Root puts below `stateRoot` what the user that PostgreSQL
 * runs as cannot reach in its own place.
 * @throws UserError DATABASE_UNAVAILABLE
 */
export async function openCluster(dataDir: string, stateRoot: string, log: Logger): Promise<Cluster> {
  await makeDirectory(dataDir).catch((error: Error) => {
    throw unavailable(
      `The data directory ${dataDir} cannot be made: ${error.message}. Set DATA_DIR to another.`,
      error,
    );
  });
  const installed = await findBinaries();
  const place = join(dataDir, 'postgres');
  if (!(await exists(place))) await createCluster(dataDir, stateRoot, installed, log);

  const directory = await realpath(place).catch((error: Error) => {
    throw unavailable(`${place} links to a directory that is not there. Put it back, or remove the link.`, error);
  });
  const user = await ownerToRunAs(directory);
  await checkVersion(directory, installed);
  if (user) await checkPassage(user, directory, dataDir);
  return {
    directory,
    binaries: user ? await reachableBinaries(installed, user, stateRoot, log) : installed,
    user,
    password: await readPassword(directory),
  };
}

/** A cluster runs as its owner, whoever of its owner and root starts it. */
async function ownerToRunAs(directory: string): Promise<OsUser | null> {
  const { uid, gid } = await stat(directory);
  if (!isRoot()) {
    if (uid === process.getuid?.()) return null;
    throw unavailable(
      `The database in ${directory} belongs to another user (uid ${uid}). Start as that user or as root, or set DATA_DIR to another directory.`,
    );
  }
  if (uid !== 0) return { name: `with uid ${uid}`, uid, gid };
  // A backup that root has copied back.
  const user = await findServiceUser();
  for (const path of await readdir(directory, { recursive: true })) {
    await lchown(join(directory, path), user.uid, user.gid);
  }
  await chown(directory, user.uid, user.gid);
  return user;
}

async function checkVersion(directory: string, binaries: Binaries): Promise<void> {
  const found = await readFile(join(directory, 'PG_VERSION'), 'utf8').catch((error: Error) => {
    throw unavailable(
      `${directory} is not a PostgreSQL database directory (${error.message}). Move it away, or set DATA_DIR to another directory.`,
      error,
    );
  });
  if (found.trim() === binaries.majorVersion) return;
  throw unavailable(
    `The database in ${directory} was made by PostgreSQL ${found.trim()}; this release brings PostgreSQL ${binaries.majorVersion}. Use the release that made it to dump it, or set DATA_DIR to another directory and import again.`,
  );
}

async function checkPassage(user: OsUser, directory: string, dataDir: string): Promise<void> {
  if (await canAccess(user, '-w', [directory])) return;
  if ((await letPass(user, dataDir)) && (await canAccess(user, '-w', [directory]))) return;
  throw unavailable(
    `PostgreSQL refuses to run as root, and the user ${user.name} that owns ${directory} cannot get there. Move the data directory to a place that every user may enter and set DATA_DIR, or open the directories above it with chmod o+x.`,
  );
}

async function readPassword(directory: string): Promise<string> {
  const file = join(directory, PASSWORD_FILE);
  const password = await readFile(file, 'utf8').catch((error: Error) => {
    throw unavailable(
      `The password of the embedded database cannot be read: ${error.message}. Put the file back from a backup, or set DATA_DIR to another directory.`,
      error,
    );
  });
  return password.trim();
}

/**
 * Runs initdb beside the final place and then renames: a crash leaves nothing half made, and of two processes that
 * start at once both go on with the cluster of the one that renamed first.
 */
async function createCluster(dataDir: string, stateRoot: string, installed: Binaries, log: Logger): Promise<void> {
  const user = isRoot() ? await findServiceUser() : null;
  const isElsewhere = user !== null && !(await letPass(user, dataDir));
  if (isElsewhere) await openStateRoot(stateRoot, user, `cannot enter ${dataDir}`);
  const parent = isElsewhere ? stateRoot : dataDir;
  const binaries = user ? await reachableBinaries(installed, user, stateRoot, log) : installed;
  const place = join(dataDir, 'postgres');
  const staging = stagingPath(parent, 'postgres');
  try {
    await removeInterrupted(parent);
    await initialise(staging, binaries, user);
    if (!isElsewhere) {
      await rename(join(staging, 'data'), place);
      return;
    }
    const target = join(stateRoot, `cluster-${randomBytes(6).toString('hex')}`);
    await rename(join(staging, 'data'), target);
    await symlink(target, place).catch(async (error: unknown) => {
      await rm(target, { recursive: true, force: true });
      throw error;
    });
    log.warn(
      { dataDir, directory: target },
      `the database lives in ${target}: user ${user.name}, which PostgreSQL runs as, cannot enter ${dataDir}`,
    );
  } catch (error) {
    if (isTaken(error)) return;
    if (error instanceof UserError) throw error;
    throw unavailable(`No database can be made in ${parent}: ${(error as Error).message}. ${waysOut()}`, error);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function initialise(staging: string, binaries: Binaries, user: OsUser | null): Promise<void> {
  const passwordFile = join(staging, 'password');
  const data = join(staging, 'data');
  await mkdir(staging, { mode: 0o700 });
  await writeFile(passwordFile, randomBytes(24).toString('hex'), { mode: 0o600 });
  if (user) for (const path of [staging, passwordFile]) await chown(path, user.uid, user.gid);
  const locale = ['--locale=C', '--encoding=UTF8'];
  const login = ['-U', ROLE, '-A', 'scram-sha-256', `--pwfile=${passwordFile}`];
  await runInitdb(binaries, user, ['-D', data, ...locale, ...login, '--no-instructions']);
  await rename(passwordFile, join(data, PASSWORD_FILE));
}

function runInitdb(binaries: Binaries, user: OsUser | null, options: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(binaries.directory, 'bin', 'initdb'), options, {
      ...identity(user),
      cwd: '/',
      env: { LC_ALL: 'C', PATH: process.env.PATH },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    child.on('error', (error) => reject(cannotRun(binaries, error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`initdb ended with ${signal ?? code}: ${complaint.trim()}`));
    });
  });
}

/** For an error of spawn itself: the program is there, so what is missing is what it needs to run. */
export function cannotRun(binaries: Binaries, error: Error): UserError {
  return unavailable(
    `The PostgreSQL programs in ${binaries.directory} do not run on this system: ${error.message}. They need the GNU C library (on Alpine use an image based on Debian) and a file system mounted without noexec. Otherwise set DATABASE_URL to a PostgreSQL of your own.`,
    error,
  );
}

function unavailable(message: string, cause?: unknown): UserError {
  return new UserError('DATABASE_UNAVAILABLE', message, {}, { cause });
}
