/** A real S3 server for the tests: MinIO's last release, or versitygw where MinIO cannot be built. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { Client } from 'minio';
import { buildGoProgram, type GoProgram } from './go';
import { type ServerCommand, startSupervised } from './supervise';
import {
  cacheDirectory,
  findOnPath,
  isExecutableFile,
  messageOf,
  say,
  type Unavailable,
  versionOf,
  withLock,
  withWorkDirectory,
} from './tools';

export type S3ServerKind = 'minio' | 'versitygw';

export interface S3ServerBinary {
  readonly kind: S3ServerKind;
  readonly path: string;
}

export interface TestS3Server {
  readonly kind: S3ServerKind;
  /** `http://127.0.0.1:PORT` */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

const REGION = 'eu-central-1';
const HEALTH_PATH: Readonly<Record<S3ServerKind, string>> = { minio: '/minio/health/ready', versitygw: '/health' };

/** The project is archived: this commit is its last release, and stays so. */
const MINIO: GoProgram = {
  module: 'github.com/minio/minio',
  version: 'v0.0.0-20260212201848-7aac2a2c5b7c',
  oldestGo: [1, 24],
  timeoutMs: 25 * 60_000,
};
const VERSITYGW: GoProgram = {
  module: 'github.com/versity/versitygw/cmd/versitygw',
  version: 'v1.8.0',
  oldestGo: [1, 25],
  timeoutMs: 15 * 60_000,
};
const LOCK_TIMEOUT_MS = 45 * 60_000;

/**
 * The S3 server to test with: `S3_TEST_SERVER_BIN`, else one built before, else `minio` on PATH, else built now from
 * its Go module.
 */
export async function findOrBuildMinio(): Promise<S3ServerBinary | Unavailable> {
  const named = process.env.S3_TEST_SERVER_BIN;
  if (named) {
    const server = await recognise(named);
    return server ?? { unavailable: `S3_TEST_SERVER_BIN=${named} is no MinIO or versitygw that runs here` };
  }
  return (
    (await findMinio()) ?? (await withLock('s3-server', LOCK_TIMEOUT_MS, async () => (await findMinio()) ?? build()))
  );
}

async function findMinio(): Promise<S3ServerBinary | null> {
  const candidates = [await cachedFile(MINIO), findOnPath('minio'), await cachedFile(VERSITYGW)];
  for (const file of candidates) {
    const server = file == null || !isExecutableFile(file) ? null : await recognise(file);
    if (server != null) return server;
  }
  return null;
}

async function cachedFile(program: GoProgram): Promise<string> {
  return path.join(await cacheDirectory(), `${path.basename(program.module)}-${program.version}`);
}

async function recognise(file: string): Promise<S3ServerBinary | null> {
  const version = (await versionOf(file)) ?? '';
  if (/MinIO/i.test(version)) return { kind: 'minio', path: file };
  // versitygw does not say its name, but prints "Version :", "Build :", "BuildTime:".
  if (/^BuildTime\s*:/m.test(version)) return { kind: 'versitygw', path: file };
  return null;
}

async function build(): Promise<S3ServerBinary | Unavailable> {
  const reasons: string[] = [];
  for (const program of [MINIO, VERSITYGW]) {
    const name = path.basename(program.module);
    try {
      const target = await cachedFile(program);
      await withWorkDirectory(name, (work) => buildGoProgram(program, target, work));
      const server = await recognise(target);
      if (server == null) throw new Error('it was built and does not run');
      if (reasons.length > 0) say(`testing with ${name} instead: ${reasons.join('; ')}`);
      return server;
    } catch (error) {
      reasons.push(`${name} could not be built: ${messageOf(error)}`);
    }
  }
  const remedy = 'Put "minio" on PATH, or set S3_TEST_SERVER_BIN to a MinIO or versitygw binary';
  return { unavailable: `no S3 server: ${reasons.join('; ')}. ${remedy}` };
}

/** Starts the server on 127.0.0.1 with an empty store and credentials that nobody else knows. */
export async function startS3Server(binary: S3ServerBinary): Promise<TestS3Server> {
  const accessKey = `test${randomBytes(6).toString('hex')}`;
  const secretKey = randomBytes(20).toString('hex');
  const settings = (kind: S3ServerKind, port: number, directory: string): Omit<ServerCommand, 'command'> => {
    switch (kind) {
      case 'minio':
        return {
          args: ['server', '--address', `127.0.0.1:${port}`, '--quiet', directory],
          env: {
            MINIO_ROOT_USER: accessKey,
            MINIO_ROOT_PASSWORD: secretKey,
            MINIO_REGION: REGION,
            MINIO_BROWSER: 'off',
            MINIO_UPDATE: 'off',
          },
        };
      case 'versitygw':
        return {
          args: [
            '--port',
            `127.0.0.1:${port}`,
            '--region',
            REGION,
            '--health',
            HEALTH_PATH.versitygw,
            'posix',
            directory,
          ],
          env: { ROOT_ACCESS_KEY: accessKey, ROOT_SECRET_KEY: secretKey },
        };
    }
  };
  const server = await startSupervised({
    name: binary.kind,
    command: (port, directory) => ({ command: binary.path, ...settings(binary.kind, port, directory) }),
    isReady: async (port) => {
      const response = await fetch(`http://127.0.0.1:${port}${HEALTH_PATH[binary.kind]}`, {
        signal: AbortSignal.timeout(10_000),
      });
      await response.body?.cancel();
      // Only this one knows the credentials: a server that has taken the port meanwhile is another.
      const client = new Client({
        endPoint: '127.0.0.1',
        port,
        useSSL: false,
        accessKey,
        secretKey,
        region: REGION,
        retryOptions: { disableRetry: true },
      });
      return response.ok && (await client.listBuckets()).length === 0;
    },
  });
  return {
    kind: binary.kind,
    endpoint: `http://127.0.0.1:${server.port}`,
    port: server.port,
    region: REGION,
    accessKey,
    secretKey,
    stop: () => server.stop(),
  };
}
