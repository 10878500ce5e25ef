import { openJobQueue, type JobQueue } from '../src/generation/queue';
import { pino } from 'pino';
import { createTestDatabase } from './support/database';
import { describeWithService, startRedis } from './support/services';

const log = pino({ level: 'silent' });

describe('the job queue in PostgreSQL', () => {
  test('opens on an empty database, also several at once, and answers', async () => {
    const database = await createTestDatabase();
    const queues = await Promise.all(
      Array.from({ length: 3 }, () => openJobQueue({ redisUrl: null, databaseUrl: database.url, log })),
    );
    for (const queue of queues) {
      expect(queue.backend).toBe('postgresql');
      await queue.check();
    }
    await Promise.all(queues.map((queue) => queue.close()));
    await database.drop();
  });
});

describeWithService('the job queue in Redis', 'redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  test('opens and answers', async () => {
    const queue: JobQueue = await openJobQueue({ redisUrl: redis.url, databaseUrl: 'postgres://unused', log });
    expect(queue.backend).toBe('redis');
    await queue.check();
    await queue.close();
  });

  test('a Redis that is not there is a clear error without the password', async () => {
    await expect(
      openJobQueue({ redisUrl: 'redis://:hush@127.0.0.1:9', databaseUrl: 'postgres://unused', log }),
    ).rejects.toMatchObject({
      code: 'QUEUE_UNAVAILABLE',
      message: expect.stringMatching(/redis:\/\/:\*\*\*@127\.0\.0\.1:9.*REDIS_URL/s),
    });
  });
});
