import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parquetReadObjects } from 'hyparquet';
import { pino } from 'pino';
import { DiskAudioStore } from '../src/audio/disk-audio-store';
import { GenerationItems } from '../src/generation/items';
import { openJobQueue, type JobQueue } from '../src/generation/queue';
import { GenerationWorker } from '../src/generation/worker';
import { openDatabase, type Database } from '../src/platform/database';
import { runCommand, startCommand } from './support/cli';
import { placeModel } from './support/musicgen-repository';
import { until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';
import { LISTED_ATTRIBUTES, NO_COMPLETER, standInEngine, tone } from './support/stand-in-stages';

/** Where MUSICGEN can be had, and under which licence its samples stand. */
const log = pino({ level: 'silent' });
const MUSICGEN = `{ engines { engine isAvailable unavailableReason version versions workers slots maxDurationSeconds weak { attribute } } }`;
const REQUEST = 'mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }';
const READ = `query ($id: ID!) { generation(id: $id) { state finishedAt error { message } samples { id license caption
  audio { url } provenance { engine engineVersion license
    stages { stage name parameters { name value } models { name sha256 license } } } } } }`;

let server: TestServer;
const musicgen = async () => (await server.query(MUSICGEN)).engines[1];
const ask = (input: object) =>
  server.execute(REQUEST, { input: { attributes: ['piano'], durationSeconds: 1, engine: 'MUSICGEN', ...input } });
const request = async (input: object = {}) => {
  const { data, errors } = await ask(input);
  expect(errors).toBeUndefined();
  return (data as { requestGeneration: { id: string } }).requestGeneration.id;
};
const finished = async (id: string) => {
  const read = async () => (await server.query(READ, { id })).generation;
  await until(async () => (await read()).finishedAt !== null);
  return read();
};

describe('a server without the model', () => {
  let db: Database;
  let queue: JobQueue;
  const workers: GenerationWorker[] = [];
  beforeAll(async () => {
    server = await startTestServer();
    db = await openDatabase(server.databaseUrl, log);
    queue = await openJobQueue({ redisUrl: null, databaseUrl: server.databaseUrl, log });
  });
  afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.stop())));
  afterAll(async () => {
    await queue?.close();
    await db?.close();
    await server?.close();
  });

  /** A worker as on a machine that has the model. */
  async function startWorker(version: string): Promise<void> {
    const directory = join(server.dataDir, 'audio');
    const engine = standInEngine(tone, {
      engine: 'MUSICGEN',
      name: 'musicgen',
      version,
      concurrency: 5,
      models: () => Promise.resolve([{ name: 'weights', sha256: 'a'.repeat(64), license: 'CC-BY-NC-4.0' }]),
    });
    const worker = new GenerationWorker({
      db,
      store: new DiskAudioStore({ directory, signingKey: new Uint8Array(32), publicUrl: () => '' }),
      items: new GenerationItems(db),
      stages: { completer: NO_COMPLETER, captions: LISTED_ATTRIBUTES, engines: [engine], missing: [] },
      log,
    });
    workers.push(worker);
    await worker.start(queue, ['MUSICGEN'], 1);
  }

  const PULL = /the model musicgen-small is not here\. "npx conceptcaps models pull musicgen-small" fetches it/;

  test('lists the engine with what to do about it, and refuses requests for it likewise', async () => {
    const engine = await musicgen();
    expect(engine).toMatchObject({ engine: 'MUSICGEN', isAvailable: false, version: null, versions: [], workers: 0 });
    expect(engine.unavailableReason).toMatch(PULL);
    expect(engine.weak).toContainEqual({ attribute: 'female voice' });
    const { errors } = await ask({});
    expect(errors![0]).toMatchObject({
      message: expect.stringMatching(PULL),
      extensions: { code: 'MODEL_UNAVAILABLE', field: 'input.engine' },
    });
    const { code, stderr } = await runCommand(
      ['generate', '--engine', 'musicgen', '--attributes', 'piano'],
      server.environment,
    );
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(PULL) });
  });

  test('takes requests where a worker serves it, and its samples carry the licence of the weights', async () => {
    await startWorker('1 musicgen-medium fp16 cuda');
    expect(await musicgen()).toMatchObject({
      isAvailable: true,
      unavailableReason: null,
      version: '1 musicgen-medium fp16 cuda',
      workers: 1,
      slots: 5,
    });
    const made = await finished(await request({ attributes: ['piano'], seed: 3 }));
    expect(made).toMatchObject({
      state: 'SUCCEEDED',
      samples: [
        {
          license: 'CC-BY-NC-4.0',
          provenance: { engine: 'MUSICGEN', engineVersion: '1 musicgen-medium fp16 cuda', license: 'CC-BY-NC-4.0' },
        },
      ],
    });
    expect(made.samples[0].provenance.stages.at(-1)).toEqual({
      stage: 'AUDIO',
      name: 'musicgen',
      parameters: expect.arrayContaining([
        { name: 'seed', value: '3' },
        { name: 'gain', value: '0.5' },
      ]),
      models: [{ name: 'weights', sha256: 'a'.repeat(64), license: 'CC-BY-NC-4.0' }],
    });
    const again = await finished(await request({ attributes: ['piano'], seed: 3 }));
    expect(again.samples.map(({ id }: { id: string }) => id)).toEqual([made.samples[0].id]);
  });

  test('with workers of several versions, what is to be new is new to all of them', async () => {
    // The stand-in of the captioner is another stage than the server's: with it the recipes would be other ones.
    const caption = 'A flute.';
    await startWorker('1 musicgen-small int8 cpu');
    const made = await finished(await request({ attributes: ['flute'], caption, seed: 0, count: 2 }));
    expect(made.samples).toHaveLength(2);
    // The version that comes first now has made none of them.
    await workers.splice(0)[0]!.stop();
    await startWorker('1 musicgen-small int8 cpu');
    await startWorker('1 musicgen-large fp16 cuda');
    expect((await musicgen()).versions).toEqual(['1 musicgen-large fp16 cuda', '1 musicgen-small int8 cpu']);
    const fresh = await finished(await request({ attributes: ['flute'], caption, seed: 0, count: 2, fresh: true }));
    const seeds = fresh.samples.map(
      ({ provenance }: { provenance: { stages: { parameters: { name: string; value: string }[] }[] } }) =>
        provenance.stages.at(-1)!.parameters.find(({ name }) => name === 'seed')!.value,
    );
    expect(seeds.sort()).toEqual(['2', '3']);
  });

  test('a piece that is made as a whole has no counterfactuals', async () => {
    await startWorker('1 musicgen-small int8 cpu');
    const { errors } = await ask({
      attributes: null,
      durationSeconds: null,
      counterfactuals: { samples: ['s_'], remove: 'drums' },
    });
    expect(errors![0]).toMatchObject({
      message: expect.stringContaining('makes a piece as a whole'),
      extensions: { code: 'BAD_USER_INPUT', field: 'input.counterfactuals' },
    });
  });

  test('exports name the licence of every row; samples of before have none', async () => {
    await startWorker('1 musicgen-small int8 cpu');
    await finished(await request({ attributes: ['violin'], seed: 1, count: 2 }));
    const { samples } = await server.query(
      '{ samples(filter: { attributes: { all: ["violin"] } }) { edges { node { id } } } }',
    );
    const [old, recent] = samples.edges.map(({ node }: { node: { id: string } }) => node.id);
    // As it was recorded before models had licences.
    await db.query(
      `UPDATE provenance SET content = content - 'askedCaption' || jsonb_build_object('stages', (
         SELECT jsonb_agg(stage || jsonb_build_object('models', jsonb_build_array(
           jsonb_build_object('name', 'bank', 'sha256', 'b')))) FROM jsonb_array_elements(content -> 'stages') AS stage))
       WHERE sample_seq = (SELECT seq FROM sample WHERE id = $1)`,
      [old],
    );
    const expected = { [old]: null, [recent]: 'CC-BY-NC-4.0' };
    const ids = [old, recent];
    const sample = async (id: string) =>
      (
        await server.query(
          'query ($id: ID!) { sample(id: $id) { license provenance { license askedCaption stages { models { license } } } } }',
          { id },
        )
      ).sample;
    expect(await sample(old)).toMatchObject({ license: null, provenance: { license: null, askedCaption: null } });

    const { conceptSet } = await server.query(
      '{ conceptSet(input: { filter: { attributes: { all: ["violin"] } }, strategy: RANDOM, positives: 2, negatives: 1 }) { exports { format url } } }',
    );
    const urls = Object.fromEntries(
      conceptSet.exports.map(({ format, url }: { format: string; url: string }) => [format, url]),
    ) as Record<string, string>;
    const download = async (format: string) => new Uint8Array(await (await fetch(urls[format]!)).arrayBuffer());
    const text = async (format: string) => Buffer.from(await download(format)).toString();
    const licenses = (rows: { sample_id: string; license: string | null }[]) =>
      Object.fromEntries(rows.filter((row) => ids.includes(row.sample_id)).map((row) => [row.sample_id, row.license]));
    const jsonl = (await text('JSONL'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { sample_id: string; license: string | null });
    expect(licenses(jsonl)).toEqual(expected);
    const parquet = await parquetReadObjects({ file: (await download('PARQUET')).buffer });
    expect(licenses(parquet as never)).toEqual(expected);
    expect(await text('CSV')).toMatch(new RegExp(`${recent}.*,CC-BY-NC-4\\.0,`));
    expect(await text('WEBDATASET')).toContain('"license":"CC-BY-NC-4.0"');

    const { stdout } = await runCommand(['export'], server.environment);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; license: string | null });
    expect(rows.find(({ id }) => id === recent)!.license).toBe('CC-BY-NC-4.0');
    expect(rows.find(({ id }) => id === old)!.license).toBeNull();
  });
});

describe('a server with the model', () => {
  let dataDir: string;
  const start = async () => {
    server = await startTestServer({
      DATA_DIR: dataDir,
      WORKER_CONCURRENCY: '1',
      MUSICGEN_DEVICE: 'cpu',
      MUSICGEN_THREADS: '1',
    });
  };
  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-engines-'));
    await placeModel(dataDir, 'musicgen-small');
  });
  let other: ReturnType<typeof startCommand> | null = null;
  afterEach(async () => {
    other?.kill('SIGKILL');
    await server?.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  test('serves the engine itself, from the caption that it was given', async () => {
    await start();
    expect(await musicgen()).toMatchObject({
      isAvailable: true,
      unavailableReason: null,
      version: expect.stringContaining('musicgen-small'),
      workers: 1,
    });
    const { state, samples, error } = await finished(await request({ caption: 'A sad piano. 🎹', seed: 5 }));
    expect({ state, error }).toEqual({ state: 'SUCCEEDED', error: null });
    expect(samples[0]).toMatchObject({ license: 'CC-BY-NC-4.0', caption: 'A sad piano. 🎹' });
    const manifest = JSON.parse(await readFile(join(dataDir, 'models', 'musicgen-small', 'manifest.json'), 'utf8')) as {
      files: { path: string; sha256: string }[];
    };
    expect(samples[0].provenance.stages.at(-1)).toMatchObject({
      name: 'musicgen',
      models: manifest.files.map(({ path, sha256 }) => ({
        name: `musicgen-small/${path}`,
        sha256,
        license: 'CC-BY-NC-4.0',
      })),
    });
  });

  test('takes any prompt that is a text; of one with too many tokens it says so at once, and tries no more', async () => {
    await start();
    const captions = ['…?!', '🎹🥁', 'a'.repeat(1_000), 'شعر — 音楽', '<extra_id_0></s>'];
    const ids = await Promise.all(captions.map((caption) => request({ caption })));
    for (const id of ids) expect(await finished(id)).toMatchObject({ state: 'SUCCEEDED', error: null });

    const id = await request({ caption: 'jqv'.repeat(666) });
    expect(await finished(id)).toMatchObject({ state: 'FAILED', samples: [] });
    const { generation } = await server.query(
      'query ($id: ID!) { generation(id: $id) { items { attempts error { code message } } } }',
      { id },
    );
    expect(generation.items).toEqual([
      {
        attempts: 1,
        error: {
          code: 'ENGINE_REFUSED',
          message: expect.stringMatching(/the caption is \d+ tokens long; MusicGen reads 1024 at most/),
        },
      },
    ]);
  });

  test('that is damaged serves the others, and says what is wrong with it', async () => {
    await truncate(join(dataDir, 'models', 'musicgen-small', 'model.safetensors'), 1_000);
    await start();
    const damaged =
      /model musicgen-small is damaged: model\.safetensors has 1000 bytes instead of \d+\. "npx conceptcaps models pull musicgen-small" mends it/;
    const engines = (await server.query(MUSICGEN)).engines;
    expect(engines[0]).toMatchObject({ engine: 'SOUNDFONT', isAvailable: true, workers: 1 });
    expect(engines[1].unavailableReason).toMatch(damaged);
    expect((await ask({})).errors![0]!.message).toMatch(damaged);

    // A worker that is told to serve it stops at once, one that is not serves what it can.
    const told = await runCommand(['worker', '--engines', 'musicgen'], server.environment);
    expect(told).toMatchObject({ code: 1, stderr: expect.stringMatching(damaged) });
    other = startCommand(['worker'], server.environment);
    let output = '';
    for (const stream of [other.stdout, other.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(() => output.includes('ready for work'));
    expect(output).toContain('"engines":["SOUNDFONT"]');
  });
});
