import { pino } from 'pino';
import { DiskAudioStore } from '../src/audio/disk-audio-store';
import type { AudioStore } from '../src/audio/audio-store';
import { GenerationItems } from '../src/generation/items';
import { openJobQueue, type JobQueue } from '../src/generation/queue';
import { Reconciler } from '../src/generation/reconciler';
import { GenerationWorker } from '../src/generation/worker';
import { EngineError, type AudioOptions, type AudioRequest } from '../src/inference/stages';
import { LISTED_ATTRIBUTES, NO_COMPLETER, standInEngine, tone } from './support/stand-in-stages';
import { openDatabase, type Database } from '../src/platform/database';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';
import { bestOfThree } from './support/timing';

/**
 * Workers against a real server, database, queue and store. Only engines are stand-ins: real ones do not fail, hang or
 * need a GPU when a test would have them do so.
 */
const log = pino({ level: 'silent' });

let server: TestServer;
let db: Database;
let queue: JobQueue;
let directory: string;
let store: AudioStore;
let items: GenerationItems;
const workers: GenerationWorker[] = [];

beforeEach(async () => {
  server = await startTestServer();
  db = await openDatabase(server.databaseUrl, log);
  queue = await openJobQueue({ redisUrl: null, databaseUrl: server.databaseUrl, log });
  // The server's own: its reconciler clears this store, too.
  directory = join(server.dataDir, 'audio');
  store = new DiskAudioStore({ directory, signingKey: new Uint8Array(32), publicUrl: () => '' });
  items = new GenerationItems(db);
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.stop()));
  await queue.close();
  await db.close();
  await server.close();
});

type Render = (request: AudioRequest, options: AudioOptions) => Promise<Uint8Array>;

function worker(render: Render, itsStore = store): GenerationWorker {
  const made = new GenerationWorker({
    db,
    store: itsStore,
    items,
    stages: {
      completer: NO_COMPLETER,
      captions: LISTED_ATTRIBUTES,
      engines: [standInEngine(render)],
      missing: [],
    },
    log,
  });
  workers.push(made);
  return made;
}

const request = async (input: object = {}): Promise<string> =>
  (
    await server.query('mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }', {
      input: { attributes: ['piano'], durationSeconds: 1, ...input },
    })
  ).requestGeneration.id;
const read = async (id: string) =>
  (
    await server.query(
      `query ($id: ID!) { generation(id: $id) { state finishedAt stage error { code message } estimatedSecondsLeft
         counts { queued running succeeded failed canceled } items { state attempts stage sample { id } } } }`,
      { id },
    )
  ).generation;
const finished = async (id: string) => {
  await until(async () => (await read(id)).finishedAt !== null);
  return read(id);
};
const uploads = async () => (await db.query('SELECT FROM audio_upload')).rowCount;
const storedFiles = async () =>
  (await readdir(directory, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

test('an engine that fails is tried again, and given up after five times with what it said', async () => {
  const id = await request({ count: 2 });
  let calls = 0;
  await worker((input, options) => {
    calls++;
    // The first item works at the third time, the second never does.
    if (input.seed === 0 && calls > 2) return tone(input, options);
    throw new EngineError(`string ${input.seed} broke`);
  }).start(queue, ['SOUNDFONT'], 1);
  await until(async () => (await read(id)).error !== null);
  expect(await finished(id)).toMatchObject({
    state: 'FAILED',
    error: { code: 'ENGINE_FAILED', message: 'string 1 broke' },
    counts: { succeeded: 1, failed: 1 },
    items: [{ state: 'SUCCEEDED' }, { state: 'FAILED', attempts: 5, sample: null }],
  });
});

test('what failed is tried again when that is asked for, and only that', async () => {
  const id = await request({ count: 2 });
  let isBroken = true;
  let calls = 0;
  // Five times with waits between is too long here: the last is left to it.
  await db.query('UPDATE generation_item SET attempts = 4');
  await worker((input, options) => {
    calls++;
    if (isBroken && input.seed === 1) throw new Error('secret internals');
    return tone(input, options);
  }).start(queue, ['SOUNDFONT'], 1);
  const failed = await finished(id);
  expect(failed).toMatchObject({ state: 'FAILED', counts: { succeeded: 1, failed: 1 } });
  // Ours, so it is in the log and not in the answer.
  expect(failed.error).toEqual({ code: 'INTERNAL_SERVER_ERROR', message: expect.not.stringContaining('secret') });
  isBroken = false;
  const before = calls;
  await server.query(`mutation { retryGeneration(id: "${id}") { state } }`);
  expect(await finished(id)).toMatchObject({ state: 'SUCCEEDED', error: null, counts: { succeeded: 2, failed: 0 } });
  expect(calls).toBe(before + 1);
});

test('an engine that makes something else than was asked for has failed', async () => {
  const id = await request();
  await db.query('UPDATE generation_item SET attempts = 4');
  await worker((input, options) => tone({ ...input, durationSeconds: 2 }, options)).start(queue, ['SOUNDFONT'], 1);
  expect((await finished(id)).error).toEqual({
    code: 'ENGINE_FAILED',
    message: 'the engine made 2 s of audio instead of 1 s',
  });
});

test('canceling stops a running engine within two seconds', async () => {
  let stoppedAt = 0;
  await worker(
    (_request, { signal }) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          stoppedAt = Date.now();
          reject(signal.reason as Error);
        }),
      ),
  ).start(queue, ['SOUNDFONT'], 1);
  const milliseconds = await bestOfThree(async (seed) => {
    stoppedAt = 0;
    const id = await request({ seed });
    await until(async () => (await read(id)).stage === 'AUDIO');
    const asked = Date.now();
    await server.query(`mutation { cancelGeneration(id: "${id}") { state } }`);
    await until(() => stoppedAt > 0);
    expect((await read(id)).state).toBe('CANCELED');
    return stoppedAt - asked;
  }, 2_000);
  expect(milliseconds).toBeLessThan(2_000);
});

test('an item is canceled though its engine finishes at that moment, and leaves nothing', async () => {
  const id = await request();
  let finish: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (finish = resolve));
  await worker(async (input, options) => {
    await held;
    return tone(input, options);
  }).start(queue, ['SOUNDFONT'], 1);
  await until(async () => (await read(id)).counts.running === 1);
  await server.query(`mutation { cancelGeneration(id: "${id}") { state } }`);
  finish();
  // Whenever its bytes come to be stored: the server's reconciler goes round every two seconds.
  await until(async () => (await uploads()) === 0 && (await storedFiles()) === 0);
  expect(await read(id)).toMatchObject({ state: 'CANCELED', counts: { canceled: 1, succeeded: 0 } });
  expect((await server.query('{ samples { totalCount } }')).samples.totalCount).toBe(0);
});

test('bytes that are stored only after they were cleared away are cleared again', async () => {
  const id = await request();
  let signal: AbortSignal | null = null;
  let [puts, isStored] = [0, false];
  const slow: AudioStore = Object.assign(Object.create(store) as AudioStore, {
    async put(...stored: Parameters<AudioStore['put']>) {
      puts++;
      await until(async () => signal!.aborted && (await uploads()) === 0);
      await store.put(...stored);
      isStored = true;
    },
  });
  await worker((input, options) => {
    signal = options.signal;
    return tone(input, options);
  }, slow).start(queue, ['SOUNDFONT'], 1);
  await until(() => puts === 1);
  await server.query(`mutation { cancelGeneration(id: "${id}") { state } }`);
  await until(() => isStored);
  await until(async () => (await uploads()) === 0 && (await storedFiles()) === 0);
  expect(puts).toBe(1);
});

test('a worker that is stopped lets its item finish', async () => {
  const id = await request({ count: 3 });
  let running = 0;
  const slow = worker(async (input, options) => {
    running++;
    await until(() => isStopping);
    return tone(input, options);
  });
  let isStopping = false;
  await slow.start(queue, ['SOUNDFONT'], 1);
  await until(() => running === 1);
  const stopped = slow.stop();
  isStopping = true;
  await stopped;
  expect((await read(id)).counts).toMatchObject({ succeeded: 1, running: 0, queued: 2 });
  await worker(tone).start(queue, ['SOUNDFONT'], 1);
  expect((await finished(id)).state).toBe('SUCCEEDED');
});

test('what a dead worker held goes to another, and the dead one can change nothing any more', async () => {
  const id = await request();
  let revive: () => void = () => undefined;
  const asleep = new Promise<void>((resolve) => (revive = resolve));
  let isAsleep = false;
  // Not started: its leases are not renewed, as though it had died, until it wakes up again.
  const dead = worker(async (input, options) => {
    isAsleep = true;
    await asleep;
    return tone({ ...input, seed: 99 }, options);
  });
  const { rows } = await db.query<{ id: number }>('SELECT id FROM generation_item');
  const made = dead.make(rows[0]!.id);
  await until(() => isAsleep);
  await db.query(`UPDATE generation_item SET leased_until = now() - interval '1 second'`);
  await worker(tone).start(queue, ['SOUNDFONT'], 1);
  const { items: taken } = await finished(id);
  expect(taken).toEqual([{ state: 'SUCCEEDED', attempts: 2, stage: null, sample: { id: expect.any(String) } }]);
  revive();
  await made;
  expect(await read(id)).toMatchObject({ items: taken });
  await new Reconciler({ db, store, queue, log }).reconcile();
  // Its audio is cleared away; the other's stays.
  expect(await storedFiles()).toBe(1);
});

test('an item that kills every worker is given up', async () => {
  const id = await request();
  const { rows } = await db.query<{ id: number }>('SELECT id FROM generation_item');
  for (let attempt = 1; attempt <= 5; attempt++) {
    await until(async () => (await items.claim(rows[0]!.id, 'doomed')) !== null);
    await db.query(`UPDATE generation_item SET leased_until = now() - interval '1 second'`);
    await new Reconciler({ db, store, queue, log }).reconcile();
  }
  // The server's own reconciler may be about to.
  await until(async () => (await read(id)).state === 'FAILED');
  expect(await read(id)).toMatchObject({
    error: { code: 'WORKER_LOST', message: expect.stringMatching(/died, 5 of them/) },
  });
});

test('a queue that has lost everything is filled again', async () => {
  const id = await request({ count: 5 });
  await until(async () => (await queue.countWaiting('SOUNDFONT')) === 5);
  await db.query('TRUNCATE bullmq.job CASCADE');
  await worker(tone).start(queue, ['SOUNDFONT'], 1);
  expect(await finished(id)).toMatchObject({ state: 'SUCCEEDED', counts: { succeeded: 5 } });
});

test('a store that takes nothing is waited for, and counts as no attempt', async () => {
  const id = await request();
  let isAway = true;
  const flaky: AudioStore = Object.assign(Object.create(store) as AudioStore, {
    put: (...args: Parameters<AudioStore['put']>) =>
      isAway ? Promise.reject(new Error('no space left')) : store.put(...args),
  });
  await worker(tone, flaky).start(queue, ['SOUNDFONT'], 1);
  let waiting: Awaited<ReturnType<typeof read>> = null;
  // It is tried again every few seconds, and is running then.
  await until(async () => (waiting = await read(id)).error !== null && waiting.state === 'QUEUED');
  expect(waiting).toMatchObject({
    error: { code: 'STORAGE_UNAVAILABLE', message: expect.not.stringContaining('no space') },
  });
  isAway = false;
  expect(await finished(id)).toMatchObject({ state: 'SUCCEEDED', items: [{ attempts: 1 }] });
});

test('items wait for a worker that serves their engine', async () => {
  const id = await request();
  const other = worker(tone);
  // As a worker without a GPU does for an engine that needs one.
  await other.start(queue, [], 1);
  const seenAt = async () =>
    (await db.query<{ seen_at: Date }>('SELECT seen_at FROM generation_worker')).rows[0]?.seen_at.getTime();
  const started = await seenAt();
  expect(started).toBeDefined();
  const soundfont = async () => (await server.query('{ engines { engine workers slots } }')).engines[0];
  expect(await soundfont()).toEqual({ engine: 'SOUNDFONT', workers: 0, slots: 0 });
  // It has had its time to take what is in line.
  await until(async () => (await seenAt()) !== started);
  expect(await read(id)).toMatchObject({ state: 'QUEUED', estimatedSecondsLeft: null });
  await worker(tone).start(queue, ['SOUNDFONT'], 3);
  expect((await finished(id)).state).toBe('SUCCEEDED');
  expect(await soundfont()).toEqual({ engine: 'SOUNDFONT', workers: 1, slots: 3 });
});
