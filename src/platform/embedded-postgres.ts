import { realpath } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { cannotRun, openCluster, ROLE, type Cluster } from './embedded-postgres/cluster';
import {
  findPostmaster,
  isAlive,
  startPostmaster,
  stopPostmaster,
  type Attempt,
  type Postmaster,
} from './embedded-postgres/postmaster';
import { UserError } from './errors';

/**
 * The database that needs no installation: a PostgreSQL of our own in the data directory, shared by the processes that
 * work on it.
 *
 * Every process keeps one connection with a shared advisory lock for as long as it uses the database; the one that
 * gets the lock exclusively when it leaves is the last, and stops the server. A killed process loses its connection and
 * with it its locks, so there is nothing to clean up after it: the server it may leave behind is taken over by the next.
 */
export interface EmbeddedPostgres {
  /** Of the database `conceptcaps`, with the password. The role may create further databases. */
  readonly url: string;
  /** Lets go of the database and stops it unless another process uses it. Close all connections before. */
  release(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  /** One server at a time to a data directory; any number of clients. */
  readonly role: 'server' | 'client';
  readonly log: Logger;
  /** Where root puts what PostgreSQL's user cannot reach in its own place: below a 0700 home, for one. */
  readonly stateRoot?: string;
  /** Called once when PostgreSQL goes away before it was released: it was killed, or stopped by hand. */
  readonly onLost?: () => void;
}

const DATABASE = 'conceptcaps';
const STATE_ROOT = '/var/lib/conceptcaps';
const START_LIMIT_MS = 60_000;
const CONNECT_LIMIT_MS = 5_000;
const POLL_MS = 10;
/** Longer than a stop in haste takes: whoever holds the lock exclusively is stopping the server. */
const LOCK_LIMIT_MS = 25_000;
/** How long the locks of a killed process may outlive it. */
const GHOST_LIMIT_MS = 5_000;

/** Advisory locks of the database `postgres`, which only this file connects to. */
const LOCK = {
  holder: '(791241, 1)',
  server: '(791241, 2)',
  createDatabase: '(791241, 3)',
} as const;

/**
 * Joins the PostgreSQL of a data directory; makes and starts it where necessary.
 * @throws UserError DATA_DIR_IN_USE where the role is server and there is one; DATABASE_UNAVAILABLE
 */
export async function openEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { role, log, onLost } = options;
  const cluster = await openCluster(options.dataDir, options.stateRoot ?? STATE_ROOT, log);
  const dataDir = await realpath(options.dataDir);
  const keeper = await joinServer(cluster, dataDir, role, log);

  let leaving: Promise<void> | null = null;
  let isLost = false;
  keeper.client.once('end', () => {
    isLost = true;
    if (leaving) return;
    log.error({ dataDir, logFile: logFileOf(dataDir) }, 'the connection to the embedded PostgreSQL is lost');
    onLost?.();
  });
  const release = () => {
    leaving ??= isLost ? Promise.resolve() : leave(keeper, cluster, log);
    return leaving;
  };
  try {
    if (role === 'server') await becomeTheServer(keeper.client, dataDir);
    await createDatabase(keeper.client);
  } catch (error) {
    await release();
    throw error;
  }
  return { url: urlOf(cluster, keeper.port, DATABASE), release };
}

interface Keeper {
  readonly client: Client;
  readonly pid: number;
  readonly port: number;
}

const logFileOf = (dataDir: string) => join(dataDir, 'postgres.log');

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgres://${ROLE}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

/** Finds or starts the server and takes hold of it. Others may start and stop it at the same time. */
async function joinServer(cluster: Cluster, dataDir: string, role: string, log: Logger): Promise<Keeper> {
  const begun = Date.now();
  const starts = new Starts(cluster, dataDir);
  let obstacle: unknown = 'it did not answer';
  while (Date.now() < begun + START_LIMIT_MS) {
    const server = await findPostmaster(cluster.directory);
    if (server === null) {
      await starts.tryAgain();
    } else if (server.isReady && server.port !== null) {
      try {
        const client = await takeHold(cluster, server, server.port, role);
        if (client) {
          log.info(
            { dataDir, postgresPid: server.pid, port: server.port, durationMs: Date.now() - begun },
            starts.count > 0 ? 'the embedded PostgreSQL is ready' : 'joined the embedded PostgreSQL',
          );
          return { client, pid: server.pid, port: server.port };
        }
      } catch (error) {
        if (isWrongPassword(error))
          throw unavailable(`${cluster.directory} and its password do not match`, dataDir, error);
        obstacle = error;
      }
    }
    await delay(POLL_MS);
  }
  const words = await starts.lastWords();
  const why = obstacle instanceof Error ? obstacle.message : String(obstacle);
  throw unavailable(
    `the embedded PostgreSQL is not ready after ${START_LIMIT_MS / 1000} s (${why}); after a crash it may still be recovering, then starting again later helps. Its last words:\n${words}`,
    dataDir,
    obstacle,
  );
}

/** Attempts to start the server of one cluster. */
class Starts {
  count = 0;
  /** The start under way. */
  private attempt: Attempt | null = null;
  private last: Attempt | null = null;

  constructor(
    private readonly cluster: Cluster,
    private readonly dataDir: string,
  ) {}

  /** To be called as long as no server is there: waits for a start under way, looks into one that failed. */
  async tryAgain(): Promise<void> {
    const end = this.attempt?.ended();
    if (this.attempt && !end) return;
    if (this.attempt && end) {
      this.attempt = null;
      await this.judge(end.error);
    }
    const { cluster, dataDir } = this;
    this.attempt = this.last = await startPostmaster({
      program: join(cluster.binaries.directory, 'bin', 'postgres'),
      directory: cluster.directory,
      user: cluster.user,
      port: await findFreePort(),
      logFile: logFileOf(dataDir),
    });
    this.count++;
  }

  /** What the server wrote since we started it; nothing where another process did. */
  lastWords(): Promise<string> {
    return this.last?.lastWords() ?? Promise.resolve('');
  }

  /** Returns where another start may succeed. */
  private async judge(error: Error | null): Promise<void> {
    if (error) throw cannotRun(this.cluster.binaries, error);
    const words = await this.lastWords();
    if (this.count < MAX_STARTS && PASSING_OBSTACLES.some((obstacle) => obstacle.test(words))) {
      await delay(Math.min(this.count * 50, 1_000));
      return;
    }
    throw unavailable(`the embedded PostgreSQL does not start. Its last words:\n${words}`, this.dataDir);
  }
}

const MAX_STARTS = 20;
const PASSING_OBSTACLES = [
  // Somebody took the port between our choice and the start.
  /could not create any TCP\/IP sockets/,
  // Another process starts the server, or one of it is not quite gone yet.
  /lock file "postmaster.pid" (already exists|is empty)/,
  /pre-existing shared memory block/,
];

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * A connection that keeps this server running until it ends; null where the server is being stopped.
 * @throws what the connection throws: the server may be going away
 */
async function takeHold(cluster: Cluster, server: Postmaster, port: number, role: string): Promise<Client | null> {
  const client = new Client({
    connectionString: urlOf(cluster, port, 'postgres'),
    connectionTimeoutMillis: CONNECT_LIMIT_MS,
    application_name: `conceptcaps ${role} ${process.pid}`,
    lock_timeout: LOCK_LIMIT_MS,
    keepAlive: true,
  });
  // The end of a connection is told by its 'end' too; without this listener it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(`SELECT pg_advisory_lock_shared${LOCK.holder}`);
  } catch (error) {
    await client.end().catch(() => undefined);
    throw error;
  }
  // The lock may have become free because its holder fell first to the shutdown it had asked for. That is noted in the
  // pid file before any connection is cut.
  const now = await findPostmaster(cluster.directory);
  if (now?.pid === server.pid && now.isReady) return client;
  await client.end().catch(() => undefined);
  return null;
}

/** @throws UserError DATA_DIR_IN_USE */
async function becomeTheServer(client: Client, dataDir: string): Promise<void> {
  const deadline = Date.now() + GHOST_LIMIT_MS;
  for (;;) {
    const { rows } = await client.query<{ isOurs: boolean; holder: string | null }>(
      `SELECT pg_try_advisory_lock${LOCK.server} AS "isOurs",
         (SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
          WHERE locktype = 'advisory' AND granted AND (classid, objid) = ${LOCK.server} LIMIT 1) AS holder`,
    );
    if (rows[0]!.isOurs) return;
    const pid = /\d+$/.exec(rows[0]!.holder ?? '')?.[0];
    // A server that was killed a moment ago still holds its lock here.
    if ((pid !== undefined && isAlive(Number(pid))) || Date.now() > deadline) {
      const who = pid === undefined ? 'Another server' : `Another server (process ${pid})`;
      throw new UserError(
        'DATA_DIR_IN_USE',
        `${who} runs on the data directory ${dataDir}. Stop it, or set DATA_DIR to another directory for this one.`,
        { field: 'DATA_DIR' },
      );
    }
    await delay(POLL_MS);
  }
}

async function createDatabase(client: Client): Promise<void> {
  await client.query(`SELECT pg_advisory_lock${LOCK.createDatabase}`);
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
  if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  await client.query(`SELECT pg_advisory_unlock${LOCK.createDatabase}`);
}

async function leave({ client, pid }: Keeper, cluster: Cluster, log: Logger): Promise<void> {
  try {
    await client.query(`SELECT pg_advisory_unlock_shared${LOCK.holder}`);
    const { rows } = await client.query<{ isLast: boolean }>(`SELECT pg_try_advisory_lock${LOCK.holder} AS "isLast"`);
    if (rows[0]!.isLast) {
      const begun = Date.now();
      const isStopped = await stopPostmaster(pid, cluster.directory);
      if (isStopped)
        log.info({ postgresPid: pid, durationMs: Date.now() - begun }, 'the embedded PostgreSQL has stopped');
      else log.error({ postgresPid: pid }, 'the embedded PostgreSQL does not stop; the next start takes it over');
    }
  } catch (error) {
    log.warn({ err: error }, 'the embedded PostgreSQL went away while it was released');
  } finally {
    await client.end().catch(() => undefined);
  }
}

function isWrongPassword(error: unknown): boolean {
  return (error as { code?: unknown }).code === '28P01';
}

function unavailable(what: string, dataDir: string, cause?: unknown): UserError {
  return new UserError(
    'DATABASE_UNAVAILABLE',
    `In the data directory ${dataDir}: ${what}\nThe whole log is in ${logFileOf(dataDir)}. Set DATA_DIR to another directory, or DATABASE_URL to a PostgreSQL of your own.`,
    {},
    { cause },
  );
}
