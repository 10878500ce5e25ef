import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { pino } from 'pino';
import { openCluster, ROLE } from '../../src/platform/embedded-postgres/cluster';
import { findPostmaster, startPostmaster, stopPostmaster } from '../../src/platform/embedded-postgres/postmaster';
import { freePort } from './ports';
import { until } from './seed';

/** A real PostgreSQL of the caller's own that can be stopped and started again under the same address. */
export interface RestartablePostgres {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Stops it for good. */
  remove(): Promise<void>;
}

export async function startRestartablePostgres(): Promise<RestartablePostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-postgres-'));
  const stateRoot = '/var/lib/conceptcaps';
  const { directory, binaries, user, password } = await openCluster(dataDir, stateRoot, pino({ level: 'silent' }));
  const port = await freePort();
  const url = `postgres://${ROLE}:${password}@127.0.0.1:${port}/postgres`;
  const start = async () => {
    await startPostmaster({
      program: join(binaries.directory, 'bin', 'postgres'),
      directory,
      user,
      port,
      logFile: join(dataDir, 'log'),
    });
    await until(() => answers(url), 120_000);
  };
  const stop = async () => {
    const postmaster = await findPostmaster(directory);
    if (postmaster) await stopPostmaster(postmaster.pid, directory);
  };
  await start();
  return {
    url,
    stop,
    start,
    async remove() {
      await stop();
      await rm(directory, { recursive: true, force: true });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
