import { createPostgresBackend, Queue, runMigrations, withBackend, Worker, type WorkerOptions } from 'bullmq';
import { Client } from 'pg';
import type { Logger } from 'pino';
import { ENGINE_NAMES, type EngineName } from '../inference/stages';
import { redactUrl } from '../platform/database';
import { UserError } from '../platform/errors';
import { withTimeout } from '../platform/timeout';

/**
 * The job queue: BullMQ on Redis, or on the same PostgreSQL where REDIS_URL is unset. One API over both; PostgreSQL
 * rows stay the truth and the queue only carries ids of items, in a queue of its own for each engine.
 *
 * What lives in generation/: requests, their queue and workers. What must not: GraphQL, models.
 */
export interface JobQueue {
  readonly backend: 'redis' | 'postgresql';
  /** Puts items in line; those that are in it stay where they are. */
  add(engine: EngineName, items: readonly { readonly item: number; readonly rank: number }[]): Promise<void>;
  /** Items in line. */
  countWaiting(engine: EngineName): Promise<number>;
  /** Hands items to `make` as they come, up to `concurrency` at once; it must not reject. */
  consume(engine: EngineName, concurrency: number, make: (item: number) => Promise<void>): QueueConsumer;
  /** @throws UserError QUEUE_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface QueueConsumer {
  /** Takes no more items, and resolves when those that were taken are done. */
  close(): Promise<void>;
}

interface Job {
  readonly item: number;
}

const TIMEOUT_MS = 5_000;
/** To PostgreSQL, for each queue and each consumer. */
const MAX_CONNECTIONS = 4;
/** A job whose worker died comes back after this; the lease of its item has run out by then. */
const LOCK_MS = 15_000;
const STALLED_CHECK_MS = 5_000;

/** @throws UserError QUEUE_UNAVAILABLE */
export async function openJobQueue(config: {
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
  readonly log: Logger;
}): Promise<JobQueue> {
  const { redisUrl, databaseUrl, log } = config;
  if (redisUrl === null) await migrateQueueSchema(databaseUrl);
  const open = redisUrl === null ? postgresQueues(databaseUrl) : redisQueues(redisUrl);
  const queues = new Map(ENGINE_NAMES.map((engine) => [engine, open.queue(nameOf(engine))]));
  // Without a listener a broken connection would end the process; `check` reports it.
  for (const queue of queues.values()) queue.on('error', (err) => log.debug({ err }, 'the job queue is not there'));
  const all = [...queues.values()];

  const jobQueue: JobQueue = {
    backend: redisUrl === null ? 'postgresql' : 'redis',
    async add(engine, items) {
      const jobs = items.map(({ item, rank }) => ({
        name: 'item',
        data: { item },
        // The same id keeps an item from standing in line twice; finished jobs go, so that it can come again.
        // A job of priority 0 would go before all others.
        opts: { jobId: `item-${item}`, priority: rank + 1, removeOnComplete: true, removeOnFail: true },
      }));
      await withTimeout(queues.get(engine)!.addBulk(jobs), TIMEOUT_MS);
    },
    async countWaiting(engine) {
      const counts = queues.get(engine)!.getJobCounts('waiting', 'prioritized', 'delayed');
      return Object.values(await withTimeout(counts, TIMEOUT_MS)).reduce((sum, count) => sum + count, 0);
    },
    consume(engine, concurrency, make) {
      const worker = open.worker(nameOf(engine), (item) => make(item), {
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        // The rows say how often an item may be tried.
        maxStalledCount: 1_000,
        removeOnComplete: { count: 0 },
        removeOnFail: { count: 0 },
      });
      worker.on('error', (err) => log.debug({ err, engine }, 'the job queue is not there'));
      return { close: () => worker.close() };
    },
    async check() {
      try {
        await withTimeout(Promise.all(all.map((queue) => queue.getJobCounts('waiting', 'active'))), TIMEOUT_MS);
      } catch (error) {
        const place = redisUrl === null ? 'PostgreSQL' : `Redis at ${redactUrl(redisUrl)}`;
        throw new UserError(
          'QUEUE_UNAVAILABLE',
          `the job queue in ${place} does not answer: ${(error as Error).message}. Check REDIS_URL, or unset it to keep the queue in PostgreSQL.`,
          {},
          { cause: error },
        );
      }
    },
    async close() {
      await Promise.all(all.map((queue) => queue.close()));
    },
  };
  try {
    await jobQueue.check();
  } catch (error) {
    // Else they would go on looking for it.
    await withTimeout(jobQueue.close(), 1_000).catch(() => undefined);
    throw error;
  }
  return jobQueue;
}

function nameOf(engine: EngineName): string {
  return `generation-${engine.toLowerCase()}`;
}

type Make = (item: number) => Promise<void>;
type Options = Omit<WorkerOptions, 'connection'>;

function postgresQueues(databaseUrl: string) {
  const { Queue: PostgresQueue, Worker: PostgresWorker } = withBackend(createPostgresBackend);
  // Of a hundred that PostgreSQL allows by default, to be shared by all processes.
  const connection = { connectionString: databaseUrl, max: MAX_CONNECTIONS };
  return {
    queue: (name: string) => new PostgresQueue<Job>(name, { connection }),
    worker: (name: string, make: Make, options: Options) =>
      new PostgresWorker<Job>(name, ({ data }) => make(data.item), { ...options, connection }),
  };
}

function redisQueues(redisUrl: string) {
  return {
    queue: (name: string) => new Queue<Job>(name, { connection: { url: redisUrl } }),
    worker: (name: string, make: Make, options: Options) =>
      // A blocked connection waits for jobs as long as it takes.
      new Worker<Job>(name, ({ data }) => make(data.item), {
        ...options,
        connection: { url: redisUrl, maxRetriesPerRequest: null },
      }),
  };
}

/** BullMQ's own tables, in the schema `bullmq`; its migrator takes a lock, so processes may start together. */
async function migrateQueueSchema(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await runMigrations(client);
  } finally {
    await client.end();
  }
}
