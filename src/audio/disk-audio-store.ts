import { randomUUID } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { access, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../platform/directory';
import { UserError } from '../platform/errors';
import { AudioNotFound, type AudioStore } from './audio-store';
import { signPath } from './url-signature';

/** Path prefix under which the HTTP server serves files of this store. */
export const AUDIO_PATH = '/audio';

/** Where files lie while they are written, on the same file system. */
const PARTIAL_DIRECTORY = 'partial';
/** Writing a file takes a fraction of a second; nobody still writes one that was not touched for as long. */
const ABANDONED_MS = 60_000;

export interface DiskAudioStoreOptions {
  readonly directory: string;
  readonly signingKey: Uint8Array;
  /** Base of the URLs, read late: with PORT=0 it is known only when the server listens. */
  readonly publicUrl: () => string;
}

/** Files `<directory>/ab/cd/abcd….wav`, the embedded default. */
export class DiskAudioStore implements AudioStore {
  constructor(private readonly options: DiskAudioStoreOptions) {}

  async put(sha256: string, bytes: Uint8Array): Promise<void> {
    if (await this.has(sha256)) return;
    const path = join(this.options.directory, relativePath(sha256));
    await makeDirectory(dirname(path));
    // Written aside, synced, then renamed: a crash leaves a stray temporary file, never a part under the real name.
    const temporary = join(this.options.directory, PARTIAL_DIRECTORY, randomUUID());
    await makeDirectory(dirname(temporary));
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  async has(sha256: string): Promise<boolean> {
    return stat(join(this.options.directory, relativePath(sha256))).then(
      () => true,
      () => false,
    );
  }

  delete(sha256: string): Promise<void> {
    return rm(join(this.options.directory, relativePath(sha256)), { force: true });
  }

  async sweep(): Promise<void> {
    const directory = join(this.options.directory, PARTIAL_DIRECTORY);
    const names = await readdir(directory).catch(() => []);
    for (const name of names) {
      const path = join(directory, name);
      const modified = await stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => Date.now(),
      );
      if (Date.now() - modified > ABANDONED_MS) await rm(path, { force: true });
    }
  }

  async open(sha256: string) {
    if (!(await this.has(sha256))) throw new AudioNotFound(sha256);
    return createReadStream(join(this.options.directory, relativePath(sha256)));
  }

  signedUrl(sha256: string, _mediaType: string, expiresAt: Date): Promise<string> {
    const path = `${AUDIO_PATH}/${sha256}.wav`;
    const expires = Math.floor(expiresAt.getTime() / 1000);
    const query = new URLSearchParams({
      expires: String(expires),
      signature: signPath(this.options.signingKey, path, expires),
    });
    return Promise.resolve(`${this.options.publicUrl()}${path}?${query.toString()}`);
  }

  async check(): Promise<void> {
    try {
      await makeDirectory(this.options.directory);
      await access(this.options.directory, constants.R_OK | constants.W_OK);
    } catch (error) {
      throw new UserError(
        'STORAGE_UNAVAILABLE',
        `cannot write audio to ${this.options.directory}: ${(error as Error).message}. Give this user the directory, or set DATA_DIR to another.`,
        {},
        { cause: error },
      );
    }
  }
}

/** Where a file lies under the store's directory. Two levels keep directories small at millions of files. */
export function relativePath(sha256: string): string {
  return join(sha256.slice(0, 2), sha256.slice(2, 4), `${sha256}.wav`);
}
