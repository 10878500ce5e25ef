import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { runCommand, startCommand } from './support/cli';
import { childrenOf, holdInMidClip, letGoOfAll } from './support/mid-clip';
import { until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

/** `conceptcaps worker` as a process of its own, beside a server that makes nothing itself. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server?.close());

const workers = new Set<ReturnType<typeof startCommand>>();
afterEach(() => {
  for (const worker of workers) worker.kill('SIGKILL');
  workers.clear();
  letGoOfAll();
});

async function startWorker(...args: string[]) {
  const worker = startCommand(['worker', ...args], { ...server.environment, WORKER_CONCURRENCY: '1' });
  workers.add(worker);
  let log = '';
  worker.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  worker.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(() => log.includes('ready for work'));
  return { worker, log: () => log, exited: once(worker, 'close') as Promise<[number | null]> };
}

const request = async (input: object): Promise<string> =>
  (
    await server.query('mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }', {
      input: { attributes: ['piano', 'drums'], durationSeconds: 30, ...input },
    })
  ).requestGeneration.id;
const read = async (id: string) =>
  (
    await server.query(
      'query ($id: ID!) { generation(id: $id) { state counts { queued running succeeded } items { attempts } } }',
      { id },
    )
  ).generation;

/** Clips of which the worker is in the midst of one, and stays there until they are let go. */
const midClip = (worker: ChildProcess, { seed, count, queued }: { seed: number; count: number; queued?: number }) =>
  holdInMidClip(server, {
    request: (attempt) => request({ caption: 'Piano and drums.', count, seed: seed + count * attempt }),
    running: 1,
    queued,
    makers: () => childrenOf(worker.pid!, 'render-child'),
  });
const attemptsOf = async (id: string): Promise<number[]> =>
  (await read(id)).items.map(({ attempts }: { attempts: number }) => attempts).sort();
const succeeded = (id: string) => until(async () => (await read(id)).state === 'SUCCEEDED', 180_000);

test('SIGTERM lets what is running finish, leaves the rest in line, and leaves no process behind', async () => {
  const { worker, exited, log } = await startWorker();
  const clips = await midClip(worker, { seed: 0, count: 8, queued: 1 });
  const before = (await read(clips.id)).counts.succeeded;
  worker.kill('SIGTERM');
  await until(() => log().includes('stopping'));
  clips.letGo();
  expect((await exited)[0]).toBe(0);
  const { counts } = await read(clips.id);
  expect(counts).toEqual({ running: 0, succeeded: before + 1, queued: 8 - before - 1 });
  for (const pid of clips.pids) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  // It has signed off.
  expect((await server.query('{ engines { workers } }')).engines).toEqual([{ workers: 0 }, { workers: 0 }]);
  await server.query(`mutation { cancelGeneration(id: "${clips.id}") { id } }`);
});

test('it makes what is asked for, and a crash while rendering costs one attempt and not the worker', async () => {
  const { worker } = await startWorker('--engines', 'soundfont');
  const clips = await midClip(worker, { seed: 1_000, count: 4 });
  expect(clips.pids).toHaveLength(1);
  process.kill(clips.pids[0]!, 'SIGKILL');
  await succeeded(clips.id);
  expect(await attemptsOf(clips.id)).toEqual([1, 1, 1, 2]);
  expect(worker.exitCode).toBeNull();
});

test('killed outright, its item goes to the next worker once the lease is over', async () => {
  const { worker, exited } = await startWorker();
  const clips = await midClip(worker, { seed: 2_000, count: 4 });
  worker.kill('SIGKILL');
  await exited;
  expect((await read(clips.id)).counts.running).toBe(1);
  clips.letGo();
  await startWorker();
  await succeeded(clips.id);
  expect(await attemptsOf(clips.id)).toEqual([1, 1, 1, 2]);
});

test.each([
  [['--engines', 'kazoo'], {}, /no engine "kazoo"; there are soundfont, musicgen/],
  [
    ['--engines', 'musicgen', '--concurrency', '1'],
    {},
    /MUSICGEN cannot run here: the model musicgen-small is not here\. "npx conceptcaps models pull/,
  ],
  [
    ['--concurrency', '1'],
    { MUSICGEN_MODEL: 'musicgen-style' },
    /MUSICGEN_MODEL is wrong: the model musicgen-style cannot be run here/,
  ],
  [['--concurrency', '0'], {}, /whole number from 1 to 256/],
  [[], { WORKER_CONCURRENCY: '0' }, /WORKER_CONCURRENCY is 0/],
  [
    ['--concurrency', '1'],
    { REDIS_URL: 'redis://:hush@127.0.0.1:9' },
    /the job queue in Redis at redis:\/\/:\*\*\*@127\.0\.0\.1:9/,
  ],
])('worker %j with %j says what is wrong', async (args, environment, message) => {
  const { code, stderr } = await runCommand(['worker', ...args], { ...server.environment, ...environment });
  expect(code).toBe(1);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('hush');
});
