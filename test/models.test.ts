import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './support/cli';
import { COMMIT, startFakeHub, type FakeHub } from './support/fake-hub';

/** `conceptcaps models` as a process, with a local server laid out as the hub is. */
const ROOT = join(__dirname, '..');
const WEIGHTS = Buffer.from(Array.from({ length: 100_000 }, (_, at) => (at * 31) % 251));
const FILES = {
  'model.safetensors': WEIGHTS,
  'config.json': Buffer.from('{"model_type":"musicgen"}'),
  'tokenizer.json': Buffer.from('{}'),
  // Other formats of the same weights, which nobody needs.
  'pytorch_model.bin': Buffer.from('not wanted'),
  'compression_state_dict.bin': Buffer.from('not wanted'),
};

let hub: FakeHub;
let dataDir: string;
let environment: Record<string, string>;
beforeAll(async () => {
  hub = await startFakeHub({
    'facebook/musicgen-small': { files: FILES, card: { license: 'cc-by-nc-4.0' } },
    'facebook/musicgen-medium': { files: { 'config.json': FILES['config.json'] } },
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
const lines = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('are listed with version, size, licence, source and checksums', async () => {
  const { code, stdout } = await models('list');
  expect(code).toBe(0);
  const listed = lines(stdout);
  expect(listed.map(([name]) => name)).toEqual([
    'attribute-vae',
    'captioner',
    'musicgen-small',
    'musicgen-medium',
    'musicgen-large',
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

test('are pulled with what is needed of them, and their licence told first', async () => {
  const { code, stdout, stderr } = await models('pull', 'musicgen-small');
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('licence cc-by-nc-4.0') });
  expect(lines(stdout)).toEqual([
    [
      'musicgen-small',
      COMMIT,
      expect.any(String),
      'cc-by-nc-4.0',
      `${hub.endpoint}/facebook/musicgen-small`,
      expect.stringContaining(`model.safetensors:${sha256(WEIGHTS)}`),
    ],
  ]);
  const directory = join(dataDir, 'models', 'musicgen-small');
  expect(await readFile(join(directory, 'model.safetensors'))).toEqual(WEIGHTS);
  await expect(readFile(join(directory, 'pytorch_model.bin'))).rejects.toThrow(/ENOENT/);
  expect(lines((await models('verify', 'musicgen-small')).stdout).map(([, , state]) => state)).toEqual(
    Array(3).fill('right'),
  );

  // A second time nothing is fetched but the list of files.
  hub.requests.length = 0;
  await models('pull', 'musicgen-small');
  expect(hub.requests.filter(({ path }) => path.includes('resolve') || !path.startsWith('/api'))).toEqual([]);
});

test('that were broken off are continued', async () => {
  const directory = join(dataDir, 'models', 'musicgen-small');
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.safetensors.partial'), WEIGHTS.subarray(0, 60_000));
  expect((await models('pull', 'musicgen-small')).code).toBe(0);
  expect(hub.requests.flatMap(({ headers }) => headers.range ?? [])).toContain('bytes=60000-');
  expect(await readFile(join(directory, 'model.safetensors'))).toEqual(WEIGHTS);
});

test('that were damaged are found, file by file', async () => {
  await models('pull', 'musicgen-small');
  const directory = join(dataDir, 'models', 'musicgen-small');
  await writeFile(join(directory, 'model.safetensors'), WEIGHTS.subarray(1));
  await rm(join(directory, 'tokenizer.json'));
  const { code, stdout, stderr } = await models('verify');
  expect(code).toBe(1);
  expect(lines(stdout).filter(([, , state]) => state !== 'right')).toEqual([
    ['musicgen-small', 'model.safetensors', 'damaged'],
    ['musicgen-small', 'tokenizer.json', 'missing'],
  ]);
  expect(stderr).toMatch(/2 of the files are missing or damaged/);
});

test.each([
  [['pull', 'musicgen-tiny'], /there is no model "musicgen-tiny"; there are attribute-vae, captioner, musicgen-small/],
  [['pull', 'musicgen-medium'], /no weights in the safetensors format/],
  [['pull', 'musicgen-large'], /the hub has no model facebook\/musicgen-large/],
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
