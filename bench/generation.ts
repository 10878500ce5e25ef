import { Queue, createPostgresBackend, withBackend } from 'bullmq';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'graphql-sse';
import pino from 'pino';
import { DiskAudioStore } from '../src/audio/disk-audio-store';
import { writeWav } from '../src/audio/write-wav';
import { ConceptSets } from '../src/dataset/concept-sets';
import { LiveIndex } from '../src/dataset/live-index';
import { SampleCatalog } from '../src/dataset/sample-catalog';
import { SampleRepository } from '../src/dataset/sample-repository';
import { GenerationItems } from '../src/generation/items';
import { openJobQueue } from '../src/generation/queue';
import { GenerationRequests, type EnqueuedItem } from '../src/generation/requests';
import type { Stages } from '../src/generation/stages';
import { GenerationWorker } from '../src/generation/worker';
import { SoundFontEngine } from '../src/inference/soundfont/engine';
import { migrate, openDatabase } from '../src/platform/database';
import { openEmbeddedPostgres } from '../src/platform/embedded-postgres';
import { findAttribute } from '../src/concepts/taxonomy';
import { prepareTestServices, startRedis } from '../test/support/services';
import { LISTED_ATTRIBUTES, NO_COMPLETER } from '../test/support/stand-in-stages';
import { mutate, startServer, type RunningServer } from './process';
import { percentile, printTable } from './table';

/**
 * Generation: what a clip costs, how long it takes from the request until it can be played, how that scales with
 * workers, and what the queue adds. Beside each figure the same without the service.
 */
const CLIP_SECONDS = 10;
const CLIPS = 60;
const SINGLE_REQUESTS = 40;
const PLAYABLE_BOUND_SECONDS = 2;
const WORKERS = [1, 2, 4];
const ATTRIBUTES = ['piano', 'violin', 'bass guitar', 'drums', 'sad', 'pop'];

export async function benchGeneration(): Promise<void> {
  const alone = await renderAlone();
  const scaling: string[][] = [['the engine alone', '1', '', ...rates(alone)]];
  const latencies: string[][] = [];
  let single = 0;
  for (const workers of WORKERS) {
    const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-bench-'));
    const server = await startServer({ DATA_DIR: dataDir, WORKER_CONCURRENCY: String(workers) });
    try {
      // Rendering processes decode their instruments with their first clip, and are kept.
      await follow(server, await request(server, { seed: 1_000_000, count: 4 * workers }));
      if (workers !== 2) {
        latencies.push(await measureLatency(server, workers, 1));
        if (workers > 1) latencies.push(await measureLatency(server, workers, workers));
      }
      const batch = await makeBatch(server);
      single ||= batch.wallSeconds;
      const ideal = Math.min(workers, availableParallelism());
      scaling.push(['the service', String(workers), (single / batch.wallSeconds / ideal).toFixed(2), ...rates(batch)]);
    } finally {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    }
  }
  printTable(
    `${CLIPS} clips of ${CLIP_SECONDS} s with six attributes`,
    ['what', 'workers', 'of linear', 'wall s', 'audio s/wall s', 'audio s/CPU s'],
    scaling,
  );
  printTable(
    `From the request until the first bytes of a ${CLIP_SECONDS} s clip have been fetched, s`,
    ['workers', 'requests at a time', 'p50', 'p99', 'target'],
    latencies,
  );
  await benchQueue();
}

interface Batch {
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

function rates({ wallSeconds, cpuSeconds }: Batch): string[] {
  const audio = CLIPS * CLIP_SECONDS;
  return [wallSeconds.toFixed(1), (audio / wallSeconds).toFixed(1), (audio / cpuSeconds).toFixed(1)];
}

async function renderAlone(): Promise<Batch> {
  const engine = new SoundFontEngine();
  const attributes = ATTRIBUTES.map((name) => findAttribute(name)!.index).sort((a, b) => a - b);
  const options = { signal: new AbortController().signal, onProgress: () => undefined };
  const render = (seed: number) =>
    engine.render({ attributes, texture: null, caption: '', seed, durationSeconds: CLIP_SECONDS }, options);
  await render(1_000_000);
  const cpu = cpuSecondsOfChildren(process.pid);
  const started = performance.now();
  for (let seed = 0; seed < CLIPS; seed++) await render(seed);
  const wallSeconds = (performance.now() - started) / 1000;
  const cpuSeconds = cpuSecondsOfChildren(process.pid) - cpu;
  await engine.close();
  return { wallSeconds, cpuSeconds };
}

const REQUEST = `mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }`;

async function request(server: RunningServer, input: object): Promise<string> {
  const answer = await mutate<{ requestGeneration: { id: string } }>(server, REQUEST, {
    input: { attributes: ATTRIBUTES, durationSeconds: CLIP_SECONDS, ...input },
  });
  return answer.requestGeneration.id;
}

/** Resolves with the samples when the server has ended the subscription. */
async function follow(server: RunningServer, id: string): Promise<string[]> {
  const client = createClient({ url: `${server.url}/graphql/stream` });
  let urls: string[] = [];
  await new Promise<void>((resolve, reject) => {
    client.subscribe<{ generationUpdated: { state: string; samples: { audio: { url: string } }[] } }>(
      { query: `subscription { generationUpdated(id: "${id}") { state samples(first: 1) { audio { url } } } }` },
      {
        next: ({ data }) => (urls = data?.generationUpdated.samples.map(({ audio }) => audio.url) ?? []),
        error: (error) => reject(new Error(String(error))),
        complete: resolve,
      },
    );
  });
  client.dispose();
  return urls;
}

async function requestToPlayable(server: RunningServer, seed: number): Promise<number> {
  const started = performance.now();
  const [url] = await follow(server, await request(server, { seed }));
  const response = await fetch(url!, { headers: { range: 'bytes=0-65535' } });
  await response.arrayBuffer();
  return (performance.now() - started) / 1000;
}

async function measureLatency(server: RunningServer, workers: number, atOnce: number): Promise<string[]> {
  const times: number[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < SINGLE_REQUESTS) times.push(await requestToPlayable(server, 2_000_000 + atOnce * 1_000 + next++));
    }),
  );
  const figures = [percentile(times, 0.5), percentile(times, 0.99)].map((seconds) => seconds.toFixed(2));
  return [String(workers), String(atOnce), ...figures, atOnce === 1 ? String(PLAYABLE_BOUND_SECONDS) : ''];
}

async function makeBatch(server: RunningServer): Promise<Batch> {
  const cpu = cpuSecondsOf(server.pid) + cpuSecondsOfChildren(server.pid);
  const started = performance.now();
  await follow(server, await request(server, { count: CLIPS }));
  const wallSeconds = (performance.now() - started) / 1000;
  return { wallSeconds, cpuSeconds: cpuSecondsOf(server.pid) + cpuSecondsOfChildren(server.pid) - cpu };
}

const ITEMS = 1_000;
const BULK = 10_000;

/** With an engine that takes no time: what is left is the queue, the rows and the file. */
async function benchQueue(): Promise<void> {
  await prepareTestServices();
  const redis = await startRedis();
  const log = pino({ level: 'silent' });
  const dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-bench-'));
  const postgres = await openEmbeddedPostgres({ dataDir, role: 'server', log });
  await migrate(postgres.url, log);
  const db = await openDatabase(postgres.url, log);
  const enqueue: string[][] = [];
  const overhead: string[][] = [];
  try {
    const samples = new SampleRepository(db);
    const live = await LiveIndex.open(db, samples, log);
    const store = new DiskAudioStore({
      directory: join(dataDir, 'audio'),
      signingKey: new Uint8Array(32),
      publicUrl: () => '',
    });
    const stages = instantStages();
    const sets = new ConceptSets(db, samples, new SampleCatalog(samples, live), live);
    let due: readonly EnqueuedItem[] = [];
    const requests = new GenerationRequests({
      db,
      sets,
      samples,
      live,
      stages,
      capacity: () => Promise.resolve(new Map()),
      onDue: (items) => (due = items),
    });
    const items = new GenerationItems(db);
    let seed = 0;
    const ask = async (count: number) => {
      await requests.create({ attributes: ['piano'], count, seed, durationSeconds: 1 }, null, null);
      seed += count;
      return due;
    };
    const worker = () => new GenerationWorker({ db, store, items, stages, log });

    const direct = worker();
    const warm = await ask(100);
    for (const { item } of warm) await direct.make(item);
    const plain = await ask(ITEMS);
    const withoutQueue = await timed(async () => {
      for (const { item } of plain) await direct.make(item);
    });
    overhead.push(['no queue', (withoutQueue / ITEMS).toFixed(2), '']);

    for (const redisUrl of [null, redis.url]) {
      const queue = await openJobQueue({ redisUrl, databaseUrl: db.url, log });
      const lists: (readonly EnqueuedItem[])[] = [];
      const writing = await timed(async () => {
        for (let i = 0; i < BULK / ITEMS; i++) lists.push(await ask(ITEMS));
      });
      const adding = await timed(async () => {
        for (const list of lists) await queue.add('SOUNDFONT', list);
      });
      const raw = await timeRawQueue(redisUrl, db.url);
      const perSecond = (ms: number) => ((BULK / ms) * 1000).toFixed(0);
      enqueue.push([queue.backend, perSecond(writing + adding), perSecond(adding), perSecond(raw)]);

      // What was only to be put into the line leaves it again.
      await db.query(`UPDATE generation_item SET state = 'CANCELED', finished_at = now() WHERE state = 'QUEUED'`);
      const clearing = worker();
      await clearing.start(queue, ['SOUNDFONT'], 20);
      while ((await queue.countWaiting('SOUNDFONT')) > 0) await delay(50);
      await clearing.stop();

      const consumer = worker();
      await queue.add('SOUNDFONT', await ask(ITEMS));
      const pending = async () =>
        (await db.query<{ n: number }>(`SELECT sum(queued + running) AS n FROM generation_request`)).rows[0]!.n;
      const queued = await timed(async () => {
        await consumer.start(queue, ['SOUNDFONT'], 1);
        while ((await pending()) > 0) await delay(20);
      });
      await consumer.stop();
      await queue.close();
      overhead.push([queue.backend, (queued / ITEMS).toFixed(2), ((queued - withoutQueue) / ITEMS).toFixed(2)]);
    }
    await live.close();
  } finally {
    await db.close();
    await postgres.release();
    await redis.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  printTable(
    `Enqueuing ${BULK} items in requests of ${ITEMS}, items/s`,
    ['queue', 'rows and queue', 'queue', 'BullMQ addBulk alone'],
    enqueue,
  );
  printTable(
    `An item of an engine that takes no time, one at a time, ms`,
    ['queue', 'an item', 'of it the queue'],
    overhead,
  );
}

function instantStages(): Stages {
  const wav = (seed: number) => writeWav([new Float32Array(8_000).fill((1 + (seed % 20_000)) / 20_001)], 8_000);
  return {
    completer: NO_COMPLETER,
    captions: LISTED_ATTRIBUTES,
    missing: [],
    engines: [
      {
        engine: 'SOUNDFONT',
        name: 'instant',
        version: '1',
        isPlaceholder: true,
        description: '',
        device: 'CPU',
        concurrency: null,
        maxDurationSeconds: 30,
        unsupported: [],
        weak: [],
        score: null,
        models: () => Promise.resolve([]),
        render: ({ seed }) => Promise.resolve({ wav: wav(seed), parameters: {} }),
        close: () => Promise.resolve(),
      },
    ],
  };
}

async function timeRawQueue(redisUrl: string | null, databaseUrl: string): Promise<number> {
  const { Queue: PostgresQueue } = withBackend(createPostgresBackend);
  const queue =
    redisUrl === null
      ? new PostgresQueue('bench', { connection: databaseUrl })
      : new Queue('bench', { connection: { url: redisUrl } });
  const ms = await timed(async () => {
    for (let from = 0; from < BULK; from += ITEMS) {
      await queue.addBulk(
        Array.from({ length: ITEMS }, (_, i) => ({
          name: 'item',
          data: { item: from + i },
          opts: { priority: i + 1 },
        })),
      );
    }
  });
  await queue.close();
  return ms;
}

async function timed(work: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** Clock ticks are hundredths of a second on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Of a process and of its children that have ended. */
function cpuSecondsOf(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

function cpuSecondsOfChildren(parent: number): number {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const isChild = (pid: string) => {
    try {
      return (
        readFileSync(`/proc/${pid}/stat`, 'utf8')
          .replace(/^.*\) /s, '')
          .split(' ')[1] === String(parent)
      );
    } catch {
      return false;
    }
  };
  return pids.filter(isChild).reduce((sum, pid) => sum + cpuSecondsOf(Number(pid)), 0);
}
