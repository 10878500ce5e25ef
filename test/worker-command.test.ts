import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { runCommand, startCommand } from './support/cli';
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
});

async function startWorker(...args: string[]) {
  const worker = startCommand(['worker', ...args], { ...server.environment, WORKER_CONCURRENCY: '1' });
  workers.add(worker);
  let log = '';
  worker.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  worker.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(() => log.includes('ready for work'), 20_000);
  return { worker, exited: once(worker, 'close') as Promise<[number | null]> };
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
      'query ($id: ID!) { generation(id: $id) { state stage progress counts { queued running succeeded } items { attempts } } }',
      { id },
    )
  ).generation;

/** Ids of the processes that render for it. */
function renderers(pid: number): number[] {
  const processes = execFileSync('ps', ['-eo', 'pid=,ppid=,args=']).toString().trim().split('\n');
  return processes
    .map((line) => /^ *(\d+) +(\d+) (.*)$/.exec(line)!)
    .filter(([, , parent, args]) => Number(parent) === pid && args!.includes('render-child'))
    .map(([, own]) => Number(own));
}

test('SIGTERM lets what is running finish, leaves the rest in line, and leaves no process behind', async () => {
  const { worker, exited } = await startWorker();
  const id = await request({ count: 5, seed: 100 });
  await until(async () => (await read(id)).stage === 'AUDIO');
  const { succeeded } = (await read(id)).counts;
  const children = renderers(worker.pid!);
  worker.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  const { counts } = await read(id);
  expect(counts.running).toBe(0);
  expect(counts.succeeded).toBeGreaterThan(succeeded);
  expect(counts.queued).toBe(5 - counts.succeeded);
  for (const pid of children) expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
  // It has signed off.
  expect((await server.query('{ engines { workers } }')).engines).toEqual([{ workers: 0 }, { workers: 0 }]);
  await server.query(`mutation { cancelGeneration(id: "${id}") { id } }`);
});

test('it makes what is asked for, and a crash while rendering costs one attempt and not the worker', async () => {
  const { worker } = await startWorker('--engines', 'soundfont');
  const id = await request({ count: 2 });
  await until(async () => (await read(id)).stage === 'AUDIO');
  const [renderer] = renderers(worker.pid!);
  process.kill(renderer!, 'SIGKILL');
  await until(async () => (await read(id)).state === 'SUCCEEDED', 25_000);
  const { items } = await read(id);
  expect(items.map(({ attempts }: { attempts: number }) => attempts).sort()).toEqual([1, 2]);
  expect(worker.exitCode).toBeNull();
});

test('killed outright, its item goes to the next worker once the lease is over', async () => {
  const { worker, exited } = await startWorker();
  const id = await request({ seed: 200 });
  await until(async () => (await read(id)).counts.running === 1);
  worker.kill('SIGKILL');
  await exited;
  expect((await read(id)).counts.running).toBe(1);
  await startWorker();
  await until(async () => (await read(id)).state === 'SUCCEEDED', 40_000);
  expect((await read(id)).items).toEqual([{ attempts: 2 }]);
}, 60_000);

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
