import { createPostgresBackend, Queue, runMigrations, withBackend } from 'bullmq';
import { Client } from 'pg';
import { redactUrl } from '../platform/database';
import { UserError } from '../platform/errors';

/**
 * The job queue: BullMQ on Redis, or on the same PostgreSQL where REDIS_URL is unset. One API over both; PostgreSQL
 * rows stay the truth and the queue only carries ids.
 *
 * What lives in generation/: requests, their queue and workers. What must not: GraphQL, models.
 */
const QUEUE_NAME = 'generation';
const CHECK_TIMEOUT_MS = 5_000;

export interface JobQueue {
  readonly backend: 'redis' | 'postgresql';
  /** @throws UserError QUEUE_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}

/** @throws UserError QUEUE_UNAVAILABLE */
export async function openJobQueue(config: {
  readonly redisUrl: string | null;
  readonly databaseUrl: string;
}): Promise<JobQueue> {
  const { redisUrl, databaseUrl } = config;
  if (redisUrl === null) await migrateQueueSchema(databaseUrl);
  const queue = redisUrl === null ? postgresQueue(databaseUrl) : redisQueue(redisUrl);
  // Without a listener a broken connection would end the process; `check` reports it.
  queue.on('error', () => undefined);
  const jobQueue: JobQueue = {
    backend: redisUrl === null ? 'postgresql' : 'redis',
    async check() {
      try {
        await withTimeout(queue.getJobCounts('waiting', 'active'), CHECK_TIMEOUT_MS);
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
    close: () => queue.close(),
  };
  try {
    await jobQueue.check();
  } catch (error) {
    await Promise.race([queue.disconnect(), new Promise((resolve) => setTimeout(resolve, 1_000))]).catch(
      () => undefined,
    );
    throw error;
  }
  return jobQueue;
}

function postgresQueue(databaseUrl: string) {
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  return new PostgresQueue(QUEUE_NAME, { connection: databaseUrl });
}

function redisQueue(redisUrl: string) {
  return new Queue(QUEUE_NAME, { connection: { url: redisUrl } });
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

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
