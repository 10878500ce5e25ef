import { runChaos, type ChaosOptions } from './support/chaos';
import { describeWithService } from './support/services';

/** The short form of `npm run chaos`: a few dozen samples under faults, in the embedded default and in production's parts. */
const LIMIT_MS = 900_000;

async function survives(options: Pick<ChaosOptions, 'queue' | 'store' | 'seed'>): Promise<void> {
  const happened: string[] = [];
  const report = await runChaos({ ...options, items: 24, log: (line) => happened.push(line) });
  const { QUEUED = 0, RUNNING = 0, SUCCEEDED = 0 } = report.states;
  expect({ problems: report.problems, happened }).toEqual({ problems: [], happened });
  expect({ items: report.items, QUEUED, RUNNING }).toEqual({ items: 24, QUEUED: 0, RUNNING: 0 });
  expect(SUCCEEDED).toBeGreaterThan(0);
}

test(
  'nothing is lost, made twice or left over when processes die, the queue is emptied and PostgreSQL restarted',
  () => survives({ queue: 'postgresql', store: 'disk', seed: 3 }),
  LIMIT_MS,
);

describeWithService('with Redis', 'redis', () => {
  describeWithService('and S3', 'minio', () => {
    test('the same', () => survives({ queue: 'redis', store: 's3', seed: 4 }), LIMIT_MS);
  });
});
