import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../platform/errors';

/**
 * Writes to a file, which has its name only when it is whole, or to standard output.
 * @param output a path; undefined or `-`: standard output
 * @throws UserError BAD_USER_INPUT where the file cannot be written
 */
export async function writeOutput(stream: Readable, output: string | undefined): Promise<void> {
  if (output === undefined || output === '-') {
    try {
      await pipeline(stream, process.stdout, { end: false });
    } catch (error) {
      // The reader has had enough ("| head").
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
    return;
  }
  // Under another name until it is whole: an interrupted command leaves no half of a set.
  const partial = `${output}.${randomUUID()}.partial`;
  try {
    await pipeline(stream, createWriteStream(partial, { flags: 'wx' }));
    await rename(partial, output);
  } catch (error) {
    await rm(partial, { force: true });
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new UserError('BAD_USER_INPUT', `cannot write ${output}: ${message}`, {}, { cause: error });
  }
}
