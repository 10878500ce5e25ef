import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';

/**
 * Where audio bytes live: addressed by their SHA-256, never altered. Two adapters, disk and S3, with one suite of tests.
 *
 * What lives in audio/: bytes, formats, URLs. What must not: samples, SQL, GraphQL.
 */
export interface AudioStore {
  /**
   * Stores `bytes` under `sha256` unless they are there already. When it returns the bytes survive a crash, and
   * nobody ever sees a part of them.
   */
  put(sha256: string, bytes: Uint8Array, mediaType: string): Promise<void>;
  has(sha256: string): Promise<boolean>;
  /** The bytes as a stream. Rejects with a NotFound error where they are missing. */
  open(sha256: string): Promise<Readable>;
  /** Takes the bytes away, where they are there: only for bytes that no row names. */
  delete(sha256: string): Promise<void>;
  /** Clears away what writers that died have left unfinished. */
  sweep(): Promise<void>;
  /** A URL under which anyone can stream the bytes, with range requests, until `expiresAt`. */
  signedUrl(sha256: string, mediaType: string, expiresAt: Date): Promise<string>;
  /** @throws UserError STORAGE_UNAVAILABLE */
  check(): Promise<void>;
}

export class AudioNotFound extends Error {
  override readonly name = 'AudioNotFound';
  constructor(readonly sha256: string) {
    super(`no audio with SHA-256 ${sha256} in the store`);
  }
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
