import { randomBytes } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isAlive } from './postmaster';

/** Directories are made under a passing name and then renamed: one that has its real name is complete. */

export function stagingPath(parent: string, name: string): string {
  return join(parent, `${name}.new-${process.pid}-${randomBytes(6).toString('hex')}`);
}

/** Whether a rename failed because somebody else was faster. */
export function isTaken(error: unknown): boolean {
  return ['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Removes what processes that died in the middle have left in `parent`. */
export async function removeInterrupted(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = /^postgres.*\.new-(\d+)-[0-9a-f]+$/.exec(name)?.[1];
    if (pid === undefined || isAlive(Number(pid))) continue;
    // An initdb that outlived its parent may still be writing: then the next start removes the rest.
    await rm(join(parent, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** Of the path itself; a link that leads nowhere exists. */
export function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}
