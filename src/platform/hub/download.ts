import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectory } from '../directory';
import { UserError } from '../errors';
import { authorization, refusal, type HubAccess, type HubFile } from './repository';
import {
  DEFAULT_STALL_TIMEOUT_MS,
  fetchOnce,
  fetchWithRetry,
  Transient,
  withRetries,
  type RetryOptions,
} from './http-retry';

/**
 * Downloads files of the hub: a part that is there is continued, a file that is there and right is left alone, and
 * nothing has its real name before its checksum has been seen to be right.
 */
export interface DownloadOptions extends RetryOptions {
  /** The file goes to `<directory>/<path in the repository>`. */
  readonly directory: string;
  readonly token: string | null;
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

const WRONG_CHECKSUM_TRIES = 2;

/**
 * Returns the path of the complete file.
 * @throws UserError SOURCE_CORRUPT, SOURCE_NOT_FOUND, SOURCE_DENIED, SOURCE_UNAVAILABLE, DISK_FULL
 */
export async function downloadHubFile(file: HubFile, options: DownloadOptions): Promise<string> {
  const path = join(options.directory, ...file.path.split('/'));
  const partial = `${path}.partial`;
  // It got its name after its checksum was right, so its size is enough to know it by.
  if ((await sizeOf(path)) === file.sizeBytes) return path;
  await makeDirectory(dirname(path));
  for (let attempt = 1; attempt <= WRONG_CHECKSUM_TRIES; attempt++) {
    let bytesDone = await sizeOf(partial);
    await withRetries(
      file.path,
      options,
      async () => {
        bytesDone = await fetchRest(file, partial, options, (done) => {
          bytesDone = done;
          options.onProgress?.(done, file.sizeBytes);
        });
      },
      () => bytesDone,
    );
    if (await isIntact(file, partial)) {
      await rename(partial, path);
      return path;
    }
    await rm(partial);
  }
  throw new UserError(
    'SOURCE_CORRUPT',
    `${file.path} arrived with another checksum than the hub says, ${WRONG_CHECKSUM_TRIES} times. Try again later.`,
  );
}

/**
 * A small file that says something of the others, read without being kept.
 * @throws UserError as `downloadHubFile` does
 */
export async function readHubJson({ url, path }: HubFile, options: HubAccess): Promise<unknown> {
  const response = await fetchWithRetry(url, authorization(options.token), path, options);
  if (!response.ok) {
    await response.body?.cancel();
    throw refusal(response.status, path);
  }
  try {
    return JSON.parse(await response.text()) as unknown;
  } catch (cause) {
    throw new UserError('SOURCE_CORRUPT', `${path} on the hub is no JSON.`, {}, { cause });
  }
}

/** Fetches what is missing of the file; returns its size when it is whole. */
async function fetchRest(
  file: HubFile,
  partial: string,
  options: DownloadOptions,
  onProgress: (bytesDone: number) => void,
): Promise<number> {
  let start = await sizeOf(partial);
  if (start === file.sizeBytes) return start;
  if (start > file.sizeBytes) {
    await rm(partial);
    start = 0;
  }
  const range: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  const response = await fetchOnce(file.url, { ...authorization(options.token), ...range }, options);
  if (response.status === 416) {
    await response.body?.cancel();
    await rm(partial, { force: true });
    throw new Transient('the hub could not continue the file');
  }
  if (!response.ok || !response.body) {
    await response.body?.cancel();
    throw refusal(response.status, file.path);
  }
  // A server that does not know ranges sends everything again.
  const isContinued = response.status === 206 && response.headers.get('content-range')?.startsWith(`bytes ${start}-`);
  const handle = await open(partial, isContinued ? 'a' : 'w');
  let done = isContinued ? start : 0;
  try {
    for await (const chunk of watched(response.body, options)) {
      await handle.appendFile(chunk);
      done += chunk.length;
      onProgress(done);
    }
    await handle.sync();
  } catch (error) {
    throw isDiskFull(error) ? diskFull(file.path, options.directory, error) : error;
  } finally {
    await handle.close();
  }
  if (done < file.sizeBytes) throw new Transient(`the transfer ended after ${done} of ${file.sizeBytes} bytes`);
  return done;
}

/** The body's chunks; no chunk for too long, or a broken connection, is a Transient. */
async function* watched(body: ReadableStream<Uint8Array>, options: RetryOptions): AsyncGenerator<Uint8Array> {
  const stallMs = options.stallTimeoutMs ?? DEFAULT_STALL_TIMEOUT_MS;
  const reader = body.getReader();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const stalled = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Transient(`no data for ${stallMs / 1000} s`)), stallMs);
      });
      try {
        const { done, value } = await Promise.race([reader.read(), stalled]);
        if (done) return;
        yield value;
      } catch (error) {
        if (error instanceof Transient || options.signal?.aborted) throw error;
        throw new Transient(`the transfer broke off (${(error as Error).message})`);
      } finally {
        clearTimeout(timer);
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function isDiskFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

function diskFull(name: string, directory: string, cause: unknown): UserError {
  return new UserError(
    'DISK_FULL',
    `the disk of ${directory} is full, in the middle of ${name}. Make room and run the command again: what was fetched is kept.`,
    {},
    { cause },
  );
}

/** Whether a file is what the hub says, to the last byte. */
export async function isIntact({ checksum, sizeBytes }: HubFile, path: string): Promise<boolean> {
  if ((await sizeOf(path)) !== sizeBytes) return false;
  let hash: Hash;
  if (checksum.kind === 'sha256') {
    hash = createHash('sha256');
  } else {
    // Git hashes a header with the length before the bytes.
    hash = createHash('sha1').update(`blob ${sizeBytes}\0`);
  }
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex') === checksum.hex;
}

function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}
