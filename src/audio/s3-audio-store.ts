import { Client, S3Error } from 'minio';
import type { Readable } from 'node:stream';
import type { S3Config } from '../platform/config';
import { UserError } from '../platform/errors';
import { withTimeout } from '../platform/timeout';
import { AudioNotFound, type AudioStore } from './audio-store';

/** The client itself waits for ever. */
const TIMEOUT_MS = 10_000;
/** For the longest clip, 30 s of stereo, over a slow line. */
const PUT_TIMEOUT_MS = 60_000;

/** Objects `audio/<sha256>.wav` in an S3-compatible bucket (MinIO, SeaweedFS, Garage, AWS ...). */
export class S3AudioStore implements AudioStore {
  private readonly client: Client;
  /** Presigns only, against the host that clients see; it opens no connection, as the region is given. */
  private readonly presigner: Client;

  constructor(private readonly config: S3Config) {
    this.client = clientFor(config.endpoint, config);
    this.presigner = clientFor(config.publicEndpoint, config);
  }

  async put(sha256: string, bytes: Uint8Array, mediaType: string): Promise<void> {
    if (await this.has(sha256)) return;
    const metadata = { 'Content-Type': mediaType, 'Cache-Control': 'private, max-age=31536000, immutable' };
    const name = objectName(sha256);
    const put = this.client.putObject(this.config.bucket, name, Buffer.from(bytes), bytes.length, metadata);
    await withTimeout(put, PUT_TIMEOUT_MS);
  }

  async has(sha256: string): Promise<boolean> {
    try {
      await withTimeout(this.client.statObject(this.config.bucket, objectName(sha256)), TIMEOUT_MS);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }

  async open(sha256: string): Promise<Readable> {
    try {
      return await this.client.getObject(this.config.bucket, objectName(sha256));
    } catch (error) {
      if (isNotFound(error)) throw new AudioNotFound(sha256);
      throw error;
    }
  }

  async delete(sha256: string): Promise<void> {
    await withTimeout(this.client.removeObject(this.config.bucket, objectName(sha256)), TIMEOUT_MS);
  }

  /** An upload that was broken off leaves nothing: these objects are small enough to come in one piece. */
  sweep(): Promise<void> {
    return Promise.resolve();
  }

  signedUrl(sha256: string, mediaType: string, expiresAt: Date): Promise<string> {
    const now = new Date();
    const seconds = Math.max(1, Math.floor((expiresAt.getTime() - now.getTime()) / 1000));
    return this.presigner.presignedGetObject(
      this.config.bucket,
      objectName(sha256),
      seconds,
      { 'response-content-type': mediaType },
      now,
    );
  }

  /** Makes the bucket where it is missing. */
  async check(): Promise<void> {
    try {
      if (!(await withTimeout(this.client.bucketExists(this.config.bucket), TIMEOUT_MS))) {
        await this.client.makeBucket(this.config.bucket, this.config.region);
      }
    } catch (error) {
      // Another replica made it in between.
      if (error instanceof S3Error && error.code === 'BucketAlreadyOwnedByYou') return;
      throw new UserError(
        'STORAGE_UNAVAILABLE',
        `the S3 store at ${this.config.endpoint} (bucket "${this.config.bucket}") does not answer: ${(error as Error).message}. Check S3_ENDPOINT, S3_REGION, S3_BUCKET, S3_ACCESS_KEY and S3_SECRET_KEY.`,
        {},
        { cause: error },
      );
    }
  }
}

function clientFor(endpoint: string, config: S3Config): Client {
  const url = new URL(endpoint);
  const useSSL = url.protocol === 'https:';
  return new Client({
    endPoint: url.hostname,
    port: url.port ? Number(url.port) : useSSL ? 443 : 80,
    useSSL,
    accessKey: config.accessKey,
    secretKey: config.secretKey,
    region: config.region,
  });
}

function objectName(sha256: string): string {
  return `audio/${sha256}.wav`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof S3Error && ['NoSuchKey', 'NotFound'].includes(error.code ?? '');
}
