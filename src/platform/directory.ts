import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it. Node's own `recursive` never comes to an end where a directory that exists
 * says that a new one in it does not, as /proc does.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const parent = dirname(path);
    if (code === 'ENOENT' && parent !== path) {
      await makeDirectory(parent);
      await mkdir(path).catch((again: unknown) => rethrowUnlessThere(path, again));
    } else {
      await rethrowUnlessThere(path, error);
    }
  }
}

/** Somebody else may have made it a moment ago; other errors than "it exists" can hide that it is there, too. */
async function rethrowUnlessThere(path: string, error: unknown): Promise<void> {
  const isThere = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isThere) throw error;
}
