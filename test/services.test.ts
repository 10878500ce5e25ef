import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'minio';
import { describeWithService, startMinio, startRedis, type TestRedis, type TestS3Server } from './support/services';

describeWithService('the S3 server for tests', 'minio', () => {
  let server: TestS3Server;
  let client: Client;

  beforeAll(async () => {
    server = await startMinio();
    const { port, accessKey, secretKey, region } = server;
    client = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region });
    await client.makeBucket('audio', region);
  });
  afterAll(() => server.stop());

  it('gives back the bytes that were put', async () => {
    const bytes = randomBytes(100_000);
    await client.putObject('audio', 'a/b.wav', bytes, bytes.length, { 'Content-Type': 'audio/wav' });
    const stream = await client.getObject('audio', 'a/b.wav');
    expect(Buffer.concat((await stream.toArray()) as Buffer[]).equals(bytes)).toBe(true);
    expect(await client.statObject('audio', 'a/b.wav')).toMatchObject({
      size: bytes.length,
      metaData: { 'content-type': 'audio/wav' },
    });
  });

  it('honours a presigned URL and refuses a tampered one', async () => {
    await client.putObject('audio', 'signed.txt', 'signed');
    const url = new URL(await client.presignedGetObject('audio', 'signed.txt', 60));
    const honoured = await fetch(url);
    expect(honoured.status).toBe(200);
    expect(await honoured.text()).toBe('signed');

    const signature = url.searchParams.get('X-Amz-Signature') ?? '';
    url.searchParams.set('X-Amz-Signature', (signature.startsWith('0') ? '1' : '0') + signature.slice(1));
    expect((await fetch(url)).status).toBe(403);
  });

  it('refuses other credentials', async () => {
    const stranger = new Client({
      endPoint: '127.0.0.1',
      port: server.port,
      useSSL: false,
      accessKey: server.accessKey,
      secretKey: 'not-the-secret',
      region: server.region,
    });
    await expect(stranger.statObject('audio', 'signed.txt')).rejects.toThrow();
  });

  it('is gone after stop, and starts empty the next time', async () => {
    const other = await startMinio();
    const { port, accessKey, secretKey, region } = other;
    const otherClient = new Client({ endPoint: '127.0.0.1', port, useSSL: false, accessKey, secretKey, region });
    expect(await otherClient.listBuckets()).toEqual([]);
    await other.stop();
    await expect(fetch(other.endpoint)).rejects.toThrow();
  });
});

describeWithService('Redis for tests', 'redis', () => {
  let server: TestRedis;

  beforeAll(async () => {
    server = await startRedis();
  });
  afterAll(() => server.stop());

  it('answers a client that has the password', async () => {
    const redis = new Redis(server.url);
    try {
      expect(await redis.ping()).toBe('PONG');
      const key = `services-test:${randomBytes(6).toString('hex')}`;
      await redis.set(key, 'kept', 'EX', 60);
      expect(await redis.get(key)).toBe('kept');
    } finally {
      redis.disconnect();
    }
  });

  // A server that REDIS_TEST_URL names may well have no password.
  (process.env.REDIS_TEST_URL ? it.skip : it)('refuses a client without it', async () => {
    const url = new URL(server.url);
    url.password = '';
    const redis = new Redis(url.toString(), { maxRetriesPerRequest: 0 });
    redis.on('error', () => undefined);
    try {
      await expect(redis.ping()).rejects.toThrow(/NOAUTH/);
    } finally {
      redis.disconnect();
    }
  });
});
