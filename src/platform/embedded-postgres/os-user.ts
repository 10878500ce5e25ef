import { spawn } from 'node:child_process';
import { chmod, chown, readFile, stat } from 'node:fs/promises';
import { makeDirectory } from '../directory';
import { UserError } from '../errors';

/**
 * PostgreSQL refuses to run as root. Started by root, it runs as the OS user `postgres` or `nobody`; nothing here
 * creates users.
 */
export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Ends every message about a PostgreSQL that cannot run here. */
export function waysOut(): string {
  const here = isRoot()
    ? 'Start as an ordinary user, or set DATA_DIR to a place on a local disk that every user may enter'
    : 'Give this user write access to it, or set DATA_DIR to another directory on a local disk';
  return `${here}, or set DATABASE_URL to a PostgreSQL of your own.`;
}

/** The user PostgreSQL runs as when we are root. @throws UserError DATABASE_UNAVAILABLE where there is none. */
export async function findServiceUser(): Promise<OsUser> {
  const accounts = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const account = accounts.find(([accountName]) => accountName === name);
    // nobody is -2 on macOS; the system calls want it unsigned.
    if (account) return { name, uid: Number(account[2]) >>> 0, gid: Number(account[3]) >>> 0 };
  }
  throw new UserError(
    'DATABASE_UNAVAILABLE',
    `PostgreSQL refuses to run as root, and this system has no user postgres or nobody to run it as. ${waysOut()}`,
  );
}

/** The spawn options that make a child run as `user`; null is ourselves. */
export function identity(user: OsUser | null): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {};
}

/**
 * Whether `user` passes the shell's `test FLAG` on all `paths`. Asked by doing, as that user: mode bits alone do not
 * tell about access lists or network file systems.
 * @throws UserError DATABASE_UNAVAILABLE where this process may not become that user
 */
export function canAccess(user: OsUser, flag: '-x' | '-r' | '-w', paths: readonly string[]): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const script = `for path; do test ${flag} "$path" || exit 1; done`;
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...paths], { ...identity(user), cwd: '/', stdio: 'ignore' });
    child.on('exit', (code) => resolve(code === 0));
    child.on('error', (error) =>
      reject(
        new UserError(
          'DATABASE_UNAVAILABLE',
          `PostgreSQL refuses to run as root, and this process may not start it as the user ${user.name} (${error.message}). ${waysOut()}`,
          {},
          { cause: error },
        ),
      ),
    );
  });
}

/**
 * Sees to it that `user` can enter `directory`; false where a directory above it bars the way. A private (0700)
 * directory of root's is opened to the group of that user only, and only for passing through.
 */
export async function letPass(user: OsUser, directory: string): Promise<boolean> {
  if (await canAccess(user, '-x', [directory])) return true;
  const { uid, gid, mode } = await stat(directory);
  if (uid !== 0 || (mode & 0o077) !== 0) return false;
  await chown(directory, uid, user.gid);
  await chmod(directory, 0o710);
  if (await canAccess(user, '-x', [directory])) return true;
  await chmod(directory, mode & 0o7777);
  await chown(directory, uid, gid);
  return false;
}

/**
 * Makes the directory in which root keeps what `user` cannot reach in its own place.
 * @throws UserError DATABASE_UNAVAILABLE where that fails or `user` cannot get there either
 */
export async function openStateRoot(stateRoot: string, user: OsUser, because: string): Promise<void> {
  const why = await makeDirectory(stateRoot)
    // The umask may have taken the passage away.
    .then(() => chmod(stateRoot, 0o755))
    .then(
      async () => ((await canAccess(user, '-x', [stateRoot])) ? null : `${user.name} cannot enter it`),
      (error: Error) => error.message,
    );
  if (why === null) return;
  throw new UserError(
    'DATABASE_UNAVAILABLE',
    `PostgreSQL refuses to run as root. The user ${user.name} that it would run as ${because}, and ${stateRoot} cannot be used instead: ${why}. ${waysOut()}`,
  );
}
