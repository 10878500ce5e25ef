import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { AudioNotFound, sha256Of, type AudioStore } from '../src/audio/audio-store';
import { DiskAudioStore } from '../src/audio/disk-audio-store';
import { S3AudioStore } from '../src/audio/s3-audio-store';
import { UserError } from '../src/platform/errors';
import { describeWithService, startMinio } from './support/services';

/** What every audio store promises. */
function describeAudioStore(make: () => Promise<{ store: AudioStore; close: (this: void) => Promise<unknown> }>): void {
  let store: AudioStore;
  let close: (this: void) => Promise<unknown>;
  beforeAll(async () => {
    ({ store, close } = await make());
    await store.check();
  });
  afterAll(() => close?.());

  test('bytes come back as they were put', async () => {
    const bytes = new Uint8Array(randomBytes(300_000));
    const sha256 = sha256Of(bytes);
    expect(await store.has(sha256)).toBe(false);
    await store.put(sha256, bytes, 'audio/wav');
    expect(await store.has(sha256)).toBe(true);
    expect(new Uint8Array(await buffer(await store.open(sha256)))).toEqual(bytes);
  });

  test('putting the same bytes again, and at the same time, is harmless', async () => {
    const bytes = new Uint8Array(randomBytes(50_000));
    const sha256 = sha256Of(bytes);
    await Promise.all(Array.from({ length: 5 }, () => store.put(sha256, bytes, 'audio/wav')));
    await store.put(sha256, bytes, 'audio/wav');
    expect(new Uint8Array(await buffer(await store.open(sha256)))).toEqual(bytes);
  });

  test('opening what is not there is an error of its own', async () => {
    await expect(store.open('0'.repeat(64))).rejects.toBeInstanceOf(AudioNotFound);
  });

  test('forgets bytes that are deleted, and deleting what is not there is harmless', async () => {
    const bytes = randomBytes(100);
    const sha256 = sha256Of(bytes);
    await store.put(sha256, bytes, 'audio/wav');
    await store.delete(sha256);
    expect(await store.has(sha256)).toBe(false);
    await store.delete(sha256);
    await store.put(sha256, bytes, 'audio/wav');
    expect(await store.has(sha256)).toBe(true);
    await store.sweep();
    expect(await store.has(sha256)).toBe(true);
  });

  test('checking again is harmless', async () => {
    await store.check();
  });
}

describe('the disk store', () => {
  let directory: string;
  describeAudioStore(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conceptcaps-audio-'));
    const store = new DiskAudioStore({ directory, signingKey: randomBytes(32), publicUrl: () => 'http://localhost' });
    return { store, close: () => rm(directory, { recursive: true }) };
  });

  test('leaves no temporary files behind', async () => {
    expect(await readdir(join(directory, 'partial'))).toEqual([]);
  });

  test('sweeps away what a writer that died left, and not what is being written', async () => {
    const [old, recent] = ['old', 'recent'].map((name) => join(directory, 'partial', name));
    for (const path of [old!, recent!]) await writeFile(path, 'half');
    const minutesAgo = new Date(Date.now() - 5 * 60_000);
    await utimes(old!, minutesAgo, minutesAgo);
    const store = new DiskAudioStore({ directory, signingKey: randomBytes(32), publicUrl: () => '' });
    await store.sweep();
    expect(await readdir(join(directory, 'partial'))).toEqual(['recent']);
    await rm(recent!);
  });

  test('a directory that cannot be made is a clear error', async () => {
    const store = new DiskAudioStore({
      directory: join(__filename, 'audio'),
      signingKey: randomBytes(32),
      publicUrl: () => '',
    });
    await expect(store.check()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
  });
});

describeWithService('the S3 store', 'minio', () => {
  const BUCKET = { bucket: 'audio-store-test' };
  let server: Awaited<ReturnType<typeof startMinio>>;
  let store: S3AudioStore;
  beforeAll(async () => {
    server = await startMinio();
  });
  afterAll(() => server?.stop());
  const configure = (change = {}) => {
    const { endpoint, region, accessKey, secretKey } = server;
    return { endpoint, publicEndpoint: endpoint, region, accessKey, secretKey, ...BUCKET, ...change };
  };

  describeAudioStore(() => {
    store = new S3AudioStore(configure());
    return Promise.resolve({ store, close: () => Promise.resolve() });
  });

  describe('presigned URLs', () => {
    const bytes = new Uint8Array(randomBytes(1_000));
    const sha256 = sha256Of(bytes);
    beforeAll(() => store.put(sha256, bytes, 'audio/wav'));

    test('stream the bytes, with ranges, as audio', async () => {
      const url = await store.signedUrl(sha256, 'audio/wav', new Date(Date.now() + 60_000));
      const part = await fetch(url, { headers: { range: 'bytes=10-19' } });
      expect(part.status).toBe(206);
      expect(part.headers.get('content-type')).toBe('audio/wav');
      expect(new Uint8Array(await part.arrayBuffer())).toEqual(bytes.slice(10, 20));
    });

    test('a tampered one and one for another object are 403', async () => {
      const url = new URL(await store.signedUrl(sha256, 'audio/wav', new Date(Date.now() + 60_000)));
      const signature = url.searchParams.get('X-Amz-Signature')!;
      url.searchParams.set(
        'X-Amz-Signature',
        signature.replace(/^./, (c) => (c === '0' ? '1' : '0')),
      );
      expect((await fetch(url)).status).toBe(403);
      const other = (await store.signedUrl(sha256, 'audio/wav', new Date(Date.now() + 60_000))).replace(
        sha256,
        '1'.repeat(64),
      );
      expect((await fetch(other)).status).toBe(403);
    });
  });

  test('wrong keys and a server that is not there are clear errors', async () => {
    for (const change of [{ secretKey: 'wrong-secret' }, { endpoint: 'http://127.0.0.1:9' }]) {
      const error: unknown = await new S3AudioStore(configure(change)).check().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(UserError);
      expect(error).toMatchObject({ code: 'STORAGE_UNAVAILABLE', message: expect.stringContaining('S3_ENDPOINT') });
      expect((error as UserError).message).not.toContain('wrong-secret');
    }
  });
});
