import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { readWavFacts } from '../src/audio/wav';
import { openJobQueue } from '../src/generation/queue';
import { runCommand, startCommand } from './support/cli';
import { startFakeHub, type FakeHub } from './support/fake-hub';
import { begunAt, childrenOf, holdInMidClip, letGoOfAll } from './support/mid-clip';
import { smallRepository } from './support/musicgen-repository';
import { until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

/**
 * MusicGen from the pull to the sample: a worker of its own beside a server, the real graphs and processes, and a tiny model
 * with random weights in the place of the published one.
 */
let hub: FakeHub;
let server: TestServer;
beforeAll(async () => {
  hub = await startFakeHub({
    'facebook/musicgen-small': { files: await smallRepository(), card: { license: 'cc-by-nc-4.0' } },
  });
  server = await startTestServer({ HF_ENDPOINT: hub.endpoint });
  const { code, stderr } = await runCommand(['models', 'pull', 'musicgen-small'], server.environment);
  if (code !== 0) throw new Error(stderr);
}, 120_000);
afterAll(async () => {
  await server?.close();
  await hub?.close();
});

const workers = new Set<ReturnType<typeof startCommand>>();
afterEach(() => {
  for (const worker of workers) worker.kill('SIGKILL');
  workers.clear();
  letGoOfAll();
});

async function startWorker(environment: Record<string, string> = {}) {
  const settings = {
    ...server.environment,
    WORKER_CONCURRENCY: '1',
    MUSICGEN_PRECISION: 'int8',
    // So small a model is no faster with more, and on a busy machine they wait for one another.
    MUSICGEN_THREADS: '1',
    ...environment,
  };
  const worker = startCommand(['worker', '--engines', 'musicgen'], settings);
  workers.add(worker);
  let log = '';
  worker.stdout.on('data', (chunk: Buffer) => (log += chunk.toString()));
  worker.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  await until(() => log.includes('ready for work'), 120_000);
  return { worker, log: () => log };
}

const request = async (input: object): Promise<string> =>
  (
    await server.query('mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }', {
      input: { engine: 'MUSICGEN', attributes: ['violin', 'techno'], durationSeconds: 2, ...input },
    })
  ).requestGeneration.id;
const read = async (id: string) =>
  (
    await server.query(
      `query ($id: ID!) { generation(id: $id) {
         state finishedAt counts { queued running succeeded failed } items { attempts error { code message } }
         samples { id caption audio { url sha256 durationSeconds sampleRate channels }
           provenance { engine engineVersion seed stages { name parameters { name value } models { name license } } } } } }`,
      { id },
    )
  ).generation;
const finished = async (id: string) => {
  await until(async () => !['QUEUED', 'RUNNING'].includes((await read(id)).state), 240_000);
  return read(id);
};

/** Clips of which the worker has made a part, and makes no more before they are let go. */
const midClip = ({ worker }: { worker: ChildProcess }, { count, durationSeconds }: Record<string, number>) =>
  holdInMidClip(server, {
    request: (attempt) => {
      const longer = Math.min(120, durationSeconds! * (attempt + 1));
      return request({ count, durationSeconds: longer, seed: 1_000 * (attempt + 1) });
    },
    running: count!,
    makers: () => childrenOf(worker.pid!, 'musicgen-child'),
  });

test('a request becomes clips that play, with what they were made with and its licence', async () => {
  await startWorker();
  const { state, samples } = await finished(await request({ count: 2, seed: 3 }));
  expect(state).toBe('SUCCEEDED');
  const digests = new Set<string>();
  for (const { audio, provenance } of samples) {
    expect(audio).toMatchObject({ durationSeconds: 2, sampleRate: 32_000, channels: 1 });
    digests.add(audio.sha256);
    const bytes = new Uint8Array(await (await fetch(audio.url)).arrayBuffer());
    expect(readWavFacts(bytes)).toMatchObject({ encoding: 'pcm_f32le', durationSeconds: 2 });
    expect(provenance).toMatchObject({ engine: 'MUSICGEN', engineVersion: '2 musicgen-small int8 cpu' });
    const stage = provenance.stages.at(-1);
    expect(stage.parameters).toEqual(
      expect.arrayContaining(
        Object.entries({
          precision: 'int8',
          device: 'cpu',
          guidance: '3.5',
          temperature: '1.2',
          topK: '250',
          topP: '0.95',
        }).map(([name, value]) => ({ name, value })),
      ),
    );
    expect(stage.models).toContainEqual({ name: 'musicgen-small/model.safetensors', license: 'CC-BY-NC-4.0' });
  }
  expect(digests.size).toBe(2);
}, 900_000);

test('the same recipe gives the same bytes to another worker, alone or beside others', async () => {
  await startWorker();
  const { samples: alone } = await finished(await request({ seed: 40, durationSeconds: 3 }));
  for (const worker of workers) worker.kill('SIGKILL');
  const other = await startTestServer({ HF_ENDPOINT: hub.endpoint });
  try {
    // On other data, so that the sample is not simply there.
    const pulled = await runCommand(['models', 'pull', 'musicgen-small'], other.environment);
    expect(pulled.code).toBe(0);
    const args = ['generate', '--engine', 'musicgen', '--attributes', 'violin,techno', '--seed', '40', '--count', '3'];
    const { code, stderr } = await runCommand([...args, '--duration', '3'], {
      ...other.environment,
      WORKER_CONCURRENCY: '2',
      MUSICGEN_PRECISION: 'int8',
    });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    await other.followsDatabase();
    const { samples } = await other.query('{ samples { edges { node { audio { sha256 } } } } }');
    const made = samples.edges.map(({ node }: { node: { audio: { sha256: string } } }) => node.audio.sha256);
    expect(made).toHaveLength(3);
    expect(made).toContain(alone[0].audio.sha256);
  } finally {
    await other.close();
  }
}, 900_000);

test('canceled in mid-clip, it frees the worker for the next within two seconds', async () => {
  const started = await startWorker();
  // As many as it makes side by side, and longer than the test takes.
  const long = await midClip(started, { count: 8, durationSeconds: 120 });
  const next = await request({ seed: 200, durationSeconds: 1 });
  const queue = await openJobQueue({ redisUrl: null, databaseUrl: server.databaseUrl, log: pino({ level: 'silent' }) });
  await until(async () => (await queue.countWaiting('MUSICGEN')) === 1);
  await queue.close();
  expect((await read(next)).state).toBe('QUEUED');
  long.letGo();
  await server.query(`mutation { cancelGeneration(id: "${long.id}") { id } }`);
  expect((await finished(next)).state).toBe('SUCCEEDED');
  const { counts, finishedAt } = await read(long.id);
  expect(counts.succeeded).toBe(0);
  // Both by the clock of the database.
  expect((await begunAt(server, next)).getTime() - Date.parse(finishedAt)).toBeLessThan(2_000);
}, 900_000);

test('the clip of a killed worker is finished by another', async () => {
  const first = await startWorker();
  const clip = await midClip(first, { count: 1, durationSeconds: 20 });
  const exited = once(first.worker, 'close');
  first.worker.kill('SIGKILL');
  await exited;
  clip.letGo();
  await startWorker();
  const { state, items } = await finished(clip.id);
  expect(state).toBe('SUCCEEDED');
  expect(items).toEqual([{ attempts: 2, error: null }]);
}, 900_000);

test('a process that is killed with several clips in it costs none of them an attempt: they go on in a smaller batch', async () => {
  const clips = await midClip(await startWorker(), { count: 3, durationSeconds: 20 });
  expect(clips.pids).toHaveLength(1);
  process.kill(clips.pids[0]!, 'SIGKILL');
  const { state, items } = await finished(clips.id);
  expect(state).toBe('SUCCEEDED');
  expect(items.map(({ attempts }: { attempts: number }) => attempts)).toEqual([1, 1, 1]);
}, 900_000);

test('without CUDA there is a clear error, or the CPU takes its place, as configured', async () => {
  const cuda = { ...server.environment, MUSICGEN_DEVICE: 'cuda', WORKER_CONCURRENCY: '1' };
  const { code, stderr } = await runCommand(['worker', '--engines', 'musicgen'], cuda);
  expect(code).toBe(1);
  expect(stderr).toMatch(/CUDA cannot be used: .*npm rebuild onnxruntime-node.*MUSICGEN_CUDA_FALLBACK=cpu/s);

  const { log } = await startWorker({ MUSICGEN_DEVICE: 'cuda', MUSICGEN_CUDA_FALLBACK: 'cpu' });
  expect(log()).toMatch(/CUDA cannot be used: .*; continuing on the CPU/);
  const { samples } = await finished(await request({ seed: 500 }));
  expect(samples[0].provenance.engineVersion).toBe('2 musicgen-small int8 cpu');
}, 900_000);

test('weights that are cut off are told before any work is begun', async () => {
  await truncate(join(server.dataDir, 'models', 'musicgen-small', 'model.safetensors'), 100_000);
  const { code, stderr } = await runCommand(['worker', '--engines', 'musicgen'], {
    ...server.environment,
    WORKER_CONCURRENCY: '1',
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/model\.safetensors.*models pull musicgen-small/s);
});
