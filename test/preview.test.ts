import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AudioStore } from '../src/audio/audio-store';
import { DiskAudioStore } from '../src/audio/disk-audio-store';
import { readWavFacts } from '../src/audio/wav';
import { GenerationItems } from '../src/generation/items';
import { openJobQueue, type JobQueue } from '../src/generation/queue';
import { GenerationWorker } from '../src/generation/worker';
import type { AudioOptions, AudioRequest } from '../src/inference/stages';
import { openDatabase, type Database } from '../src/platform/database';
import { startCommand } from './support/cli';
import { placeModel } from './support/musicgen-repository';
import { childrenOf, holdInMidClip, letGoOfAll } from './support/mid-clip';
import { until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';
import { LISTED_ATTRIBUTES, NO_COMPLETER, standInEngine, tone } from './support/stand-in-stages';
import { subscribe } from './support/subscribe';

/** Clips that can be heard while they are made, and of which nothing is left in the store afterwards. */
const log = pino({ level: 'silent' });
const REQUEST = 'mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }';
const FIELDS = `state finishedAt items { state attempts error { code } preview { url expiresAt durationSeconds } }
  samples { audio { sha256 durationSeconds url } }`;

let server: TestServer;
const request = async (input: object = {}): Promise<string> =>
  (await server.query(REQUEST, { input: { attributes: ['piano'], durationSeconds: 4, previews: true, ...input } }))
    .requestGeneration.id;
const read = async (id: string) =>
  (await server.query(`query ($id: ID!) { generation(id: $id) { ${FIELDS} } }`, { id })).generation;
const preview = async (id: string) => (await read(id)).items[0].preview;
const finished = async (id: string) => {
  await until(async () => (await read(id)).finishedAt !== null);
  return read(id);
};
const listen = async (url: string) => {
  const answer = await fetch(url);
  expect(answer.headers.get('content-type')).toBe('audio/wav');
  return readWavFacts(new Uint8Array(await answer.arrayBuffer()));
};
const filesOf = async (dataDir: string) =>
  (await readdir(join(dataDir, 'audio'), { recursive: true, withFileTypes: true })).filter((one) => one.isFile())
    .length;

describe('while an engine makes a clip', () => {
  let db: Database;
  let queue: JobQueue;
  let store: AudioStore;
  const workers: GenerationWorker[] = [];
  /** What the engine does next: it makes another second when it is told to. */
  let goOn: () => void;
  let offered: (AudioOptions['onPreview'] | null)[];
  /** Of previews that could not be stored. */
  let warnings: string[];
  const workerLog = pino({ level: 'warn' }, { write: (line) => void (/preview/.test(line) && warnings.push(line)) });

  beforeEach(async () => {
    server = await startTestServer();
    db = await openDatabase(server.databaseUrl, log);
    queue = await openJobQueue({ redisUrl: null, databaseUrl: server.databaseUrl, log });
    const directory = join(server.dataDir, 'audio');
    store = new DiskAudioStore({ directory, signingKey: new Uint8Array(32), publicUrl: () => '' });
    offered = [];
    warnings = [];
  });
  afterEach(async () => {
    await Promise.all(workers.splice(0).map((worker) => worker.stop()));
    await queue.close();
    await db.close();
    await server.close();
  });

  const uploads = async () => (await db.query('SELECT FROM audio_upload')).rowCount;

  async function inSeconds(input: AudioRequest, options: AudioOptions): Promise<Uint8Array> {
    const { onPreview, signal } = options;
    offered.push(onPreview ?? null);
    for (let seconds = 1; seconds < input.durationSeconds; seconds++) {
      onPreview?.(await tone({ ...input, durationSeconds: seconds }, options));
      await new Promise<void>((resolve, reject) => {
        goOn = resolve;
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      });
    }
    return tone(input, options);
  }

  async function startWorker(itsStore = store): Promise<GenerationWorker> {
    const worker = new GenerationWorker({
      db,
      store: itsStore,
      items: new GenerationItems(db),
      stages: {
        completer: NO_COMPLETER,
        captions: LISTED_ATTRIBUTES,
        engines: [standInEngine(inSeconds)],
        missing: [],
      },
      log: workerLog,
    });
    workers.push(worker);
    await worker.start(queue, ['SOUNDFONT'], 1);
    return worker;
  }

  const isAt = (id: string, seconds: number) => until(async () => (await preview(id))?.durationSeconds === seconds);

  test('what is there of it plays, more and more of it, and in the end nothing but the clip is left', async () => {
    await startWorker();
    const id = await request();
    const changes = subscribe<{ generationUpdated: { items: { preview: { durationSeconds: number } | null }[] } }>(
      server.url,
      'websocket',
      `subscription ($id: ID!) { generationUpdated(id: $id) { items { preview { durationSeconds } } } }`,
      { variables: { id } },
    );
    const seen = () => changes.updates.map(({ generationUpdated }) => generationUpdated.items[0]!.preview);
    // An update says how things are when it is sent, so that the engine must not run ahead of it.
    const isSeen = (durationSeconds: number) =>
      until(() => seen().some((one) => one?.durationSeconds === durationSeconds));
    await isSeen(1);
    const first = await preview(id);
    expect(await listen(first.url)).toMatchObject({ durationSeconds: 1 });
    expect(new Date(first.expiresAt).getTime()).toBeGreaterThan(Date.now());
    goOn();
    await isSeen(2);
    // Whoever has just got the URL of the one before has it still.
    expect(await listen(first.url)).toMatchObject({ durationSeconds: 1 });
    goOn();
    await isSeen(3);
    expect(await listen((await preview(id)).url)).toMatchObject({ durationSeconds: 3 });
    await until(async () => (await uploads()) === 2 && (await filesOf(server.dataDir)) === 2);
    expect((await fetch(first.url)).status).toBe(404);
    goOn();
    const { state, items, samples } = await finished(id);
    expect({ state, preview: items[0].preview }).toEqual({ state: 'SUCCEEDED', preview: null });
    expect(await listen(samples[0].audio.url)).toMatchObject({ durationSeconds: 4 });
    await changes.done;
    expect(seen().at(-1)).toBeNull();
    await until(async () => (await uploads()) === 0 && (await filesOf(server.dataDir)) === 1);
  });

  test('that is canceled, nothing is left of it', async () => {
    await startWorker();
    const id = await request();
    await isAt(id, 1);
    await server.query(`mutation { cancelGeneration(id: "${id}") { id } }`);
    expect(await preview(id)).toBeNull();
    await until(async () => (await uploads()) === 0 && (await filesOf(server.dataDir)) === 0);
  });

  test('none is made where none is asked for', async () => {
    await startWorker();
    const id = await request({ previews: false, durationSeconds: 1 });
    expect((await finished(id)).state).toBe('SUCCEEDED');
    expect(offered).toEqual([null]);
  });

  test('that cannot be shown, or is no audio, the clip is made all the same', async () => {
    let isFirst = true;
    const put: AudioStore['put'] = (...stored) => {
      if (!isFirst) return store.put(...stored);
      isFirst = false;
      return Promise.reject(new Error('no room'));
    };
    await startWorker(Object.assign(Object.create(store) as AudioStore, { put }));
    const id = await request({ durationSeconds: 3 });
    await until(() => warnings.length === 1);
    expect(await preview(id)).toBeNull();
    offered[0]!(new Uint8Array(10));
    await until(() => warnings.length === 2);
    goOn();
    await isAt(id, 2);
    goOn();
    const { state, items } = await finished(id);
    expect({ state, items }).toMatchObject({ state: 'SUCCEEDED', items: [{ attempts: 1, error: null }] });
    await until(async () => (await uploads()) === 0 && (await filesOf(server.dataDir)) === 1);
  });
});

test('MusicGen’s clips can be heard in pieces, longer ones than its window, too', async () => {
  server = await startTestServer();
  try {
    await placeModel(server.dataDir, 'musicgen-small');
    const worker = startCommand(['worker', '--engines', 'musicgen'], {
      ...server.environment,
      WORKER_CONCURRENCY: '1',
      MUSICGEN_DEVICE: 'cpu',
      MUSICGEN_THREADS: '1',
    });
    const exited = new Promise((resolve) => worker.once('close', resolve));
    let output = '';
    for (const stream of [worker.stdout, worker.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    try {
      await until(() => output.includes('ready for work'));
      const { id, letGo } = await holdInMidClip(server, {
        request: (attempt) => request({ engine: 'MUSICGEN', durationSeconds: 35, seed: 4 + attempt }),
        running: 1,
        // More than is there at the first preview, which comes before what is told next.
        from: 0.25,
        makers: () => childrenOf(worker.pid!, 'musicgen-child'),
      });
      await until(async () => (await preview(id)) !== null);
      const { url, durationSeconds } = await preview(id);
      expect(durationSeconds).toBeGreaterThanOrEqual(5);
      expect(durationSeconds).toBeLessThan(35);
      const heard = await listen(url);
      expect(heard).toMatchObject({ sampleRateHz: 32_000, encoding: 'pcm_f32le', durationSeconds });
      letGo();
      await until(async () => (await read(id)).finishedAt !== null, 120_000);
      const { state, samples, items } = await read(id);
      expect({ state, items }).toMatchObject({ state: 'SUCCEEDED', items: [{ error: null, preview: null }] });
      expect(samples[0].audio.durationSeconds).toBe(35);
      await until(async () => (await filesOf(server.dataDir)) === 1);
    } finally {
      letGoOfAll();
      worker.kill('SIGTERM');
      await exited;
    }
  } finally {
    await server.close();
  }
});
