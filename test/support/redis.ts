/** A real Redis for the tests. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { findOrUnpackProgram, type InstalledProgram } from './debian';
import { startSupervised } from './supervise';
import { isUnavailable, type Unavailable } from './tools';

/** A server that runs already, or a program to start. */
export type RedisSource = { readonly url: string } | InstalledProgram;

export interface TestRedis {
  /** `redis://:PASSWORD@127.0.0.1:PORT`, or `REDIS_TEST_URL`. A server named by that may hold other data: use prefixes. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The Redis to test with: `REDIS_TEST_URL`, else `redis-server` on PATH, else one unpacked from Debian's package. */
export async function findOrFetchRedis(): Promise<RedisSource | Unavailable> {
  const url = process.env.REDIS_TEST_URL;
  if (url) return { url };
  const found = await findOrUnpackProgram('redis-server', 'redis-server');
  if (!isUnavailable(found)) return found;
  return { unavailable: `${found.unavailable}. Put "redis-server" on PATH, or set REDIS_TEST_URL` };
}

/** Starts Redis on 127.0.0.1, empty, in memory only, with a password that nobody else knows. */
export async function startRedisServer(source: RedisSource): Promise<TestRedis> {
  if ('url' in source) return { url: source.url, stop: () => Promise.resolve() };
  const password = randomBytes(20).toString('hex');
  const server = await startSupervised({
    name: 'redis',
    command: async (port, directory) => {
      // By file, not by arguments: every user of a machine can read those.
      const file = path.join(directory, 'redis.conf');
      const settings = [
        'bind 127.0.0.1',
        `port ${port}`,
        `requirepass ${password}`,
        `dir ${directory}`,
        'save ""',
        'appendonly no',
        'daemonize no',
      ];
      await writeFile(file, settings.join('\n') + '\n', { mode: 0o600 });
      return { command: source.binary, args: [file], env: { LD_LIBRARY_PATH: source.libraryPath } };
    },
    isReady: (port) => answersPing(port, password),
  });
  return { url: `redis://:${password}@127.0.0.1:${server.port}`, stop: () => server.stop() };
}

function answersPing(port: number, password: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\nQUIT\r\n`));
    socket.setTimeout(10_000, () => socket.destroy());
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.once('error', reject);
    socket.once('close', () => resolve(answer.includes('+PONG')));
  });
}
