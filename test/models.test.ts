import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './support/cli';
import { COMMIT, commitOf, startFakeHub, type FakeHub } from './support/fake-hub';
import { pickledRepository, shardedRepository, smallRepository, stereoRepository } from './support/musicgen-repository';

/** `conceptcaps models` as a process, with a local server laid out as the hub is. */
const ROOT = join(__dirname, '..');
const CARD = { license: 'cc-by-nc-4.0' };

let small: Record<string, Uint8Array>;
let sharded: Record<string, Uint8Array>;
let hub: FakeHub;
let dataDir: string;
let environment: Record<string, string>;
beforeAll(async () => {
  small = await smallRepository();
  sharded = await shardedRepository();
  const withoutShard = Object.fromEntries(
    Object.entries(sharded).filter(([path]) => path !== 'model-00002-of-00002.safetensors'),
  );
  hub = await startFakeHub({
    'facebook/musicgen-small': { files: small, card: CARD },
    'facebook/musicgen-medium': { files: await pickledRepository(), card: CARD },
    // The shards of another layout lie there as well, which the index does not name.
    'facebook/musicgen-large': {
      files: await pickledRepository(),
      card: CARD,
      revisions: { 'refs/pr/18': { ...sharded, 'model-00001-of-00009.safetensors': new Uint8Array(9) } },
    },
    'facebook/musicgen-stereo-small': { files: await stereoRepository(), card: CARD },
    'facebook/musicgen-stereo-medium': { files: withoutShard, card: CARD },
    'facebook/musicgen-stereo-large': { files: small, card: CARD, declaredSizes: { 'model.safetensors': 10 ** 15 } },
  });
});
afterAll(() => hub?.close());
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'conceptcaps-models-'));
  environment = { DATA_DIR: dataDir, HF_ENDPOINT: hub.endpoint };
  hub.requests.length = 0;
  hub.faults.length = 0;
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

const models = (...args: string[]) => runCommand(['models', ...args], environment);
const directoryOf = (name: string) => join(dataDir, 'models', name);
const lines = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
const states = async (name: string) =>
  Object.fromEntries(lines((await models('verify', name)).stdout).map(([, ...row]) => row));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
/** Paths of the files that were fetched, each as often as it was. */
const fetched = () =>
  hub.requests.flatMap(({ origin, path }) => {
    const [, file] = /\/resolve\/[^/]+\/(.*)$/.exec(path) ?? [];
    return origin === 'hub' && file ? [file] : [];
  });

const CONFIGURATION = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
];

test('are listed with version, size, licence, source and checksums', async () => {
  const { code, stdout } = await models('list');
  expect(code).toBe(0);
  const listed = lines(stdout);
  const sizes = ['small', 'medium', 'large', 'stereo-small', 'stereo-medium', 'stereo-large'];
  expect(listed.map(([name]) => name)).toEqual([
    'attribute-vae',
    'captioner',
    ...sizes.map((size) => `musicgen-${size}`),
  ]);
  const encoder = sha256(await readFile(join(ROOT, 'models', 'attribute-vae', 'encoder.onnx')));
  expect(listed[0]).toEqual([
    'attribute-vae',
    '1',
    expect.stringMatching(/ MB$/),
    'CC-BY-4.0',
    'built in',
    expect.stringContaining(`encoder.onnx:${encoder}`),
  ]);
  expect(listed[2]).toEqual(['musicgen-small', '-', 'not pulled', 'CC-BY-NC-4.0', 'hf:facebook/musicgen-small']);
});

test('that come with the service are what they should be', async () => {
  const { code, stdout } = await models('verify');
  expect(code).toBe(0);
  expect(lines(stdout)).toEqual(
    ['encoder.onnx', 'decoder.onnx']
      .map((file) => ['attribute-vae', file, 'right'])
      .concat(['captioner.onnx', 'tokenizer.json', 'words.txt'].map((file) => ['captioner', file, 'right'])),
  );
});

describe('are pulled', () => {
  test('with what is needed of them, and their licence and what they take told first', async () => {
    const { code, stdout, stderr } = await models('pull', 'musicgen-small');
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('licence CC-BY-NC-4.0: not for commercial use'),
    });
    expect(stderr).toMatch(/7 files at revision main, 0\.8 MB\n/);
    expect(stderr).toMatch(
      /disk .*needed, [\d.]+ .B free; .*by precision: int8 [\d.]+ MB, int4 [\d.]+ MB, fp16 [\d.]+ MB, fp32/,
    );
    expect(stderr).toMatch(/memory .*int8 [\d.]+ MB/);
    expect(lines(stdout)).toEqual([
      [
        'musicgen-small',
        COMMIT,
        expect.any(String),
        'CC-BY-NC-4.0',
        `${hub.endpoint}/facebook/musicgen-small`,
        expect.stringContaining(`model.safetensors:${sha256(small['model.safetensors']!)}`),
      ],
    ]);
    const stored = await readdir(directoryOf('musicgen-small'));
    expect(stored.sort()).toEqual([...CONFIGURATION, 'manifest.json', 'model.safetensors'].sort());
    for (const file of [...CONFIGURATION, 'model.safetensors']) {
      expect(Buffer.compare(await readFile(join(directoryOf('musicgen-small'), file)), small[file]!)).toBe(0);
    }
    expect(await states('musicgen-small')).toEqual(
      Object.fromEntries([...CONFIGURATION, 'model.safetensors'].map((file) => [file, 'right'])),
    );

    // A second time nothing is fetched but what says how large it is.
    hub.requests.length = 0;
    expect((await models('pull', 'musicgen-small')).code).toBe(0);
    expect(fetched()).toEqual(['config.json']);
  });

  test('in stereo, without the copies of the weights in other precisions', async () => {
    expect((await models('pull', 'musicgen-stereo-small')).code).toBe(0);
    expect((await readdir(directoryOf('musicgen-stereo-small'))).sort()).toEqual(
      [...CONFIGURATION, 'manifest.json', 'model.safetensors'].sort(),
    );
  });

  test('in shards, from the conversion where the branch has pickled weights only', async () => {
    const { code, stdout, stderr } = await models('pull', 'musicgen-large');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('at revision refs/pr/18') });
    expect(lines(stdout)[0]![1]).toBe(commitOf('refs/pr/18'));
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    expect((await readdir(directoryOf('musicgen-large'))).sort()).toEqual(
      [...CONFIGURATION, 'manifest.json', ...shards, 'model.safetensors.index.json'].sort(),
    );
    for (const file of shards)
      expect(Buffer.compare(await readFile(join(directoryOf('musicgen-large'), file)), sharded[file]!)).toBe(0);
    const listed = lines((await models('list')).stdout).find(([name]) => name === 'musicgen-large');
    expect(listed!.slice(1, 3)).toEqual([commitOf('refs/pr/18'), expect.stringMatching(/ MB$/)]);
  });

  test('over a line that breaks: where it broke it goes on', async () => {
    hub.faults.push({ kind: 'status', status: 503 });
    const { code, stderr } = await models('pull', 'musicgen-small');
    expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('trying again in') });

    await rm(directoryOf('musicgen-small'), { recursive: true });
    const weights = small['model.safetensors']!;
    await mkdir(directoryOf('musicgen-small'), { recursive: true });
    await writeFile(join(directoryOf('musicgen-small'), 'model.safetensors.partial'), weights.subarray(0, 60_000));
    hub.requests.length = 0;
    const again = await models('pull', 'musicgen-small');
    expect(again).toMatchObject({ code: 0, stderr: expect.stringMatching(/of which 0\.7 MB are not here yet/) });
    expect(hub.requests.flatMap(({ headers }) => headers.range ?? [])).toEqual(['bytes=60000-', 'bytes=60000-']);
    expect(Buffer.compare(await readFile(join(directoryOf('musicgen-small'), 'model.safetensors')), weights)).toBe(0);
  });

  test('again where they were damaged, and only what was', async () => {
    await models('pull', 'musicgen-small');
    const path = join(directoryOf('musicgen-small'), 'model.safetensors');
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    expect(await states('musicgen-small')).toMatchObject({ 'model.safetensors': 'damaged', 'config.json': 'right' });
    hub.requests.length = 0;
    expect((await models('pull', 'musicgen-small')).code).toBe(0);
    expect(fetched()).toEqual(['config.json', 'model.safetensors']);
    expect(await states('musicgen-small')).toMatchObject({ 'model.safetensors': 'right' });
  });

  test('not, where the bytes are not those of the checksum: nothing says then that the model is there', async () => {
    // config.json is read first, then each of the six small files and, twice, the weights.
    const well = Array.from({ length: 1 + CONFIGURATION.length }, () => ({ kind: 'none' }) as const);
    hub.faults.push(...well, { kind: 'wrong-bytes' }, { kind: 'wrong-bytes' });
    const { code, stderr } = await models('pull', 'musicgen-small');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/model\.safetensors arrived with another checksum than the hub says, 2 times/),
    });
    expect(lines((await models('list')).stdout)[2]![2]).toBe('not pulled');
    expect((await models('pull', 'musicgen-small')).code).toBe(0);
  });
});

describe('a disk that is too full', () => {
  test('is told before anything is fetched', async () => {
    const { code, stderr } = await models('pull', 'musicgen-stereo-large');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /musicgen-stereo-large needs 1000000\.\d+ GB of disk .* and [\d.]+ GB are free in .*Nothing was fetched\. Make room, or set DATA_DIR/,
      ),
    });
    expect(stderr).toContain('licence CC-BY-NC-4.0');
    expect(fetched()).toEqual(['config.json']);
    expect(await readdir(directoryOf('musicgen-stereo-large'))).toEqual([]);
  });

  test('in the middle of a file keeps what was fetched', async () => {
    const directory = directoryOf('musicgen-small');
    await mkdir(directory, { recursive: true });
    // The device says that there is no space, whatever is written.
    await symlink('/dev/full', join(directory, 'model.safetensors.partial'));
    const { code, stderr } = await models('pull', 'musicgen-small');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(
        /is full, in the middle of model\.safetensors\. Make room and run the command again/,
      ),
    });
    await rm(join(directory, 'model.safetensors.partial'));
    expect((await models('pull', 'musicgen-small')).code).toBe(0);
  });
});

test('that were damaged are found, file by file', async () => {
  await models('pull', 'musicgen-small');
  const directory = directoryOf('musicgen-small');
  await writeFile(join(directory, 'model.safetensors'), small['model.safetensors']!.subarray(1));
  await rm(join(directory, 'tokenizer.json'));
  const { code, stdout, stderr } = await models('verify');
  expect(code).toBe(1);
  expect(lines(stdout).filter(([, , state]) => state !== 'right')).toEqual([
    ['musicgen-small', 'tokenizer.json', 'missing'],
    ['musicgen-small', 'model.safetensors', 'damaged'],
  ]);
  expect(stderr).toMatch(/2 of the files are missing or damaged/);
});

test.each([
  [['pull', 'musicgen-tiny'], /there is no model "musicgen-tiny"; there are attribute-vae, captioner, musicgen-small/],
  [['pull', 'musicgen-medium'], /no weights in the safetensors format \(at revision "main" and "refs\/pr\/10"\)/],
  [
    ['pull', 'musicgen-stereo-medium'],
    /has no model-00002-of-00002\.safetensors, which its model\.safetensors\.index\.json names/,
  ],
  [
    ['pull', 'musicgen-style'],
    /musicgen-style cannot be run here: .*audiocraft's own format.*Those that can are musicgen-small/,
  ],
  [
    ['pull', 'musicgen-melody'],
    /musicgen-melody cannot be run here: .*another architecture \(musicgen_melody\).*chroma/,
  ],
  [['pull', 'musicgen-stereo-melody-large'], /cannot be run here/],
  [['verify', 'musicgen-melody'], /cannot be run here/],
  [['verify', 'musicgen-small'], /is not here yet; "conceptcaps models pull musicgen-small" fetches it/],
])('say what is wrong: %j', async (args, message) => {
  const { code, stderr } = await models(...args);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(message) });
});

describe('a built-in model that is damaged', () => {
  /** The service in a folder of its own, where its models can be broken. */
  let copy: string;
  beforeEach(async () => {
    copy = await mkdtemp(join(tmpdir(), 'conceptcaps-copy-'));
    for (const part of ['bin', 'dist', 'models', 'package.json', 'migrations', 'starter']) {
      await cp(join(ROOT, part), join(copy, part), { recursive: true });
    }
    await symlink(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  });
  afterEach(() => rm(copy, { recursive: true, force: true }));

  test('is an error that names the file, before any sample is begun', async () => {
    const path = join(copy, 'models', 'captioner', 'captioner.onnx');
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    const { createTestDatabase } = await import('./support/database.js');
    const database = await createTestDatabase();
    const { spawnSync } = await import('node:child_process');
    const { PATH = '', HOME = '' } = process.env;
    const { status, stderr, stdout } = spawnSync(
      process.execPath,
      [join(copy, 'bin', 'conceptcaps.js'), 'generate', '--attributes', 'piano', '--duration', '1'],
      { env: { PATH, HOME, DATA_DIR: dataDir, DATABASE_URL: database.url }, encoding: 'utf8' },
    );
    await database.drop();
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '',
      stderr: expect.stringMatching(/captioner\.onnx is not the file that its card describes/),
    });
  });
});
