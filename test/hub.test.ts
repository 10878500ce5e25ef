import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Retry } from '../src/platform/hub/http-retry';
import { openHubDataset, parseHubSource, type HubOptions } from '../src/dataset/hub-dataset';
import { downloadHubFile } from '../src/platform/hub/download';
import { runCommand } from './support/cli';
import { COMMIT, startFakeHub, type FakeDataset, type FakeHub } from './support/fake-hub';
import { publishedFolder } from './support/seed';
import { startTestServer } from './support/server';

// Larger than what a connection buffers: those bytes are lost when it breaks.
const TRAIN = new Uint8Array(randomBytes(2_000_000));
const CARD = { license: 'cc-by-4.0', citation: 'Cite me.' };
const FILES = {
  'README.md': new Uint8Array([1]),
  'default/train-00000-of-00001.parquet': TRAIN,
  'default/test-00000-of-00001.parquet': new Uint8Array([1, 2]),
  'audio/train-00000-of-00001.parquet': new Uint8Array([3]),
  'other/notes.parquet': new Uint8Array([4]),
};

describe('parseHubSource', () => {
  test.each([
    ['hf:a/b', { owner: 'a', name: 'b', revision: 'main' }],
    [
      'hf:some-one/Concept.Caps@refs/convert/parquet',
      { owner: 'some-one', name: 'Concept.Caps', revision: 'refs/convert/parquet' },
    ],
  ])('%s', (source, parsed) => expect(parseHubSource(source)).toEqual(parsed));

  test.each([
    'hf:a',
    'hf:a/b/c',
    'hf:a/b@',
    'hf:/b',
    'hf:a/b?x',
    'hf:../..',
    'hf:a/.',
    'hf:a/b@../../x',
    'hf:a/b@x/./y',
  ])('%s is refused with an example', (source) => {
    expect(() => parseHubSource(source)).toThrow(/hf:OWNER\/DATASET.*for example/);
  });
});

describe('the hub', () => {
  let hub: FakeHub;
  let directory: string;
  let retries: Retry[];
  const start = async (dataset: Partial<FakeDataset> = {}) => {
    hub = await startFakeHub({ 'owner/data': { files: FILES, card: CARD, ...dataset } });
  };
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conceptcaps-hub-'));
    retries = [];
  });
  afterEach(async () => {
    await hub.close();
    await rm(directory, { recursive: true, force: true });
  });

  const options = (more: Partial<HubOptions> = {}) => ({
    endpoint: hub.endpoint,
    token: null,
    onRetry: (retry: Retry) => void retries.push(retry),
    wait: () => Promise.resolve(),
    ...more,
  });
  const open = (more: Partial<HubOptions> = {}) => openHubDataset(parseHubSource('hf:owner/data'), options(more));
  const trainFile = async (more: Partial<HubOptions> = {}) =>
    (await open({ config: 'default', split: 'train', ...more })).files[0]!;
  const download = async (more: Partial<HubOptions> = {}) =>
    downloadHubFile(await trainFile(), { ...options(more), directory });
  const fileRequests = () => hub.requests.filter(({ origin }) => origin === 'cdn');

  test('lists the files of the published layout over all pages, with license and citation', async () => {
    await start();
    const dataset = await open();
    expect(dataset).toMatchObject({ commit: COMMIT, license: 'cc-by-4.0', citation: 'Cite me.' });
    expect(dataset.files.map(({ config, split }) => `${config}/${split}`)).toEqual([
      'audio/train',
      'default/test',
      'default/train',
    ]);
    expect(hub.requests.filter(({ path }) => path.includes('/tree/')).length).toBe(3);
  });

  test('the card says which files are which, where it does', async () => {
    await start({
      card: { configs: [{ config_name: 'mine', data_files: [{ split: 'all', path: 'other/*.parquet' }] }] },
    });
    expect((await open({ config: 'mine' })).files).toMatchObject([{ path: 'other/notes.parquet', split: 'all' }]);
  });

  test('a configuration that is not there: the error names those that are', async () => {
    await start();
    await expect(open({ config: 'nope' })).rejects.toMatchObject({
      code: 'SOURCE_NOT_FOUND',
      message: expect.stringContaining('audio/train, default/test, default/train'),
    });
  });

  test('an unknown data set or revision is SOURCE_NOT_FOUND', async () => {
    await start();
    for (const source of ['hf:owner/nothing', 'hf:owner/data@nope']) {
      await expect(openHubDataset(parseHubSource(source), options())).rejects.toMatchObject({
        code: 'SOURCE_NOT_FOUND',
        message: expect.stringContaining('HF_TOKEN'),
      });
    }
  });

  test('a gated data set needs the token, which never leaves for another origin nor enters a message', async () => {
    await start({ token: 'hf_hush' });
    await expect(open()).rejects.toMatchObject({ code: 'SOURCE_DENIED', message: expect.stringContaining('HF_TOKEN') });
    const wrong: unknown = await open({ token: 'hf_wrong' }).catch((error: unknown) => error);
    expect((wrong as Error).message).not.toContain('hf_wrong');

    const file = await trainFile({ token: 'hf_hush' });
    await downloadHubFile(file, { ...options({ token: 'hf_hush' }), directory });
    expect(hub.requests.filter(({ origin }) => origin === 'hub').at(-1)?.headers.authorization).toBe('Bearer hf_hush');
    expect(fileRequests()).toHaveLength(1);
    expect(fileRequests()[0]!.headers.authorization).toBeUndefined();
  });

  test('a file is downloaded through the redirect, and not again', async () => {
    await start();
    const progress: number[] = [];
    const file = await trainFile();
    const path = await downloadHubFile(file, { ...options(), directory, onProgress: (done) => progress.push(done) });
    expect(Buffer.compare(await readFile(path), TRAIN)).toBe(0);
    expect(progress.at(-1)).toBe(TRAIN.length);
    expect(await downloadHubFile(file, { ...options(), directory })).toBe(path);
    expect(fileRequests()).toHaveLength(1);
    expect(await readdir(join(directory, 'default'))).toEqual(['train-00000-of-00001.parquet']);
  });

  test("a small file is checked by git's checksum", async () => {
    await start({ small: ['default/train-00000-of-00001.parquet'] });
    hub.faults.push({ kind: 'wrong-bytes' });
    expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    expect(hub.requests.filter(({ path }) => path.includes('/resolve/'))).toHaveLength(2);
  });

  test('a broken transfer is continued where it broke', async () => {
    await start();
    hub.faults.push({ kind: 'break-after', bytes: 1_000_000 }, { kind: 'break-after', bytes: 500_000 });
    expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    const ranges = fileRequests().map(({ headers }) => Number(/\d+/.exec(headers.range ?? '0')![0]));
    expect(ranges).toHaveLength(3);
    expect(ranges[1]).toBeGreaterThan(0);
    expect(ranges[2]).toBeGreaterThan(ranges[1]!);
    expect(retries.map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test('what an earlier run left is continued', async () => {
    await start();
    await mkdir(join(directory, 'default'));
    await writeFile(join(directory, 'default', 'train-00000-of-00001.parquet.partial'), TRAIN.slice(0, 60_000));
    expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    expect(fileRequests()[0]!.headers.range).toBe('bytes=60000-');
  });

  test.each(['ignore-range', 'no-range'] as const)(
    'a server with %s: the file is fetched from the start',
    async (kind) => {
      await start();
      hub.faults.push({ kind: 'break-after', bytes: 30_000 }, { kind });
      expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    },
  );

  test('a stalled transfer counts as broken', async () => {
    await start();
    hub.faults.push({ kind: 'stall-after', bytes: 10_000 });
    expect(Buffer.compare(await readFile(await download({ stallTimeoutMs: 2_000 })), TRAIN)).toBe(0);
    expect(retries[0]!.reason).toContain('no data for');
  });

  test('wrong bytes are thrown away and fetched once more, then it is SOURCE_CORRUPT', async () => {
    await start();
    hub.faults.push({ kind: 'wrong-bytes' });
    expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    await rm(join(directory, 'default'), { recursive: true });
    hub.faults.push({ kind: 'wrong-bytes' }, { kind: 'wrong-bytes' });
    await expect(download()).rejects.toMatchObject({ code: 'SOURCE_CORRUPT' });
    expect(await readdir(join(directory, 'default'))).toEqual([]);
  });

  test('429 and 5xx are waited out, as long as Retry-After says', async () => {
    await start();
    hub.faults.push(
      { kind: 'status', status: 429, retryAfter: '7' },
      { kind: 'status', status: 503, retryAfter: new Date(Date.now() + 300_000).toUTCString() },
      { kind: 'status', status: 500 },
    );
    expect(Buffer.compare(await readFile(await download()), TRAIN)).toBe(0);
    expect(retries.map(({ reason }) => reason)).toEqual([
      'the hub answered 429',
      'the hub answered 503',
      'the hub answered 500',
    ]);
    expect(retries[0]!.delayMs).toBe(7_000);
    // The longest that it waits.
    expect(retries[1]!.delayMs).toBe(60_000);
    expect(retries[2]!.delayMs).toBeLessThan(5_000);
  });

  test('when it does not get better the error says that running again continues', async () => {
    await start();
    hub.faults.push(...Array.from({ length: 3 }, () => ({ kind: 'status', status: 502 }) as const));
    await expect(download({ maxAttempts: 3 })).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
      message: expect.stringContaining('run the command again to go on'),
    });
    await expect(open({ endpoint: 'http://127.0.0.1:9', maxAttempts: 2 })).rejects.toMatchObject({
      code: 'SOURCE_UNAVAILABLE',
    });
  });

  test('a path that leads out of the folder is not taken', async () => {
    await start({ files: { '../default/train-00000-of-00001.parquet': TRAIN } });
    await expect(open()).rejects.toMatchObject({ code: 'SOURCE_NOT_FOUND' });
  });
});

test('conceptcaps import hf:... goes the whole way, and a second time downloads nothing', async () => {
  const folder = await publishedFolder({
    'default/train': [{ id: 'a', attributes: ['piano'], caption: 'A piano.' }],
    'default/test': [{ id: 'b', attributes: ['flute'], caption: 'A flute.' }],
  });
  const read = async (name: string) => new Uint8Array(await readFile(join(folder.path, name)));
  const train = 'default/train-00000-of-00001.parquet';
  const test_ = 'default/test-00000-of-00001.parquet';
  const hub = await startFakeHub({
    'owner/data': { files: { [train]: await read(train), [test_]: await read(test_) }, card: CARD, token: 'hf_t' },
  });
  const server = await startTestServer();
  try {
    hub.faults.push({ kind: 'break-after', bytes: 100 });
    const environment = { ...server.environment, HF_ENDPOINT: hub.endpoint, HF_TOKEN: 'hf_t' };
    const command = ['import', 'hf:owner/data@v1', '--config', 'default', '--split', 'train'];
    const first = await runCommand(command, environment);
    expect(first.stderr).toContain('trying again in 1 s');
    expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining('1 samples added') });
    const downloads = hub.requests.filter(({ origin }) => origin === 'cdn').length;
    const second = await runCommand(command, environment);
    expect(second.stdout).toContain('0 samples added');
    expect(hub.requests.filter(({ origin }) => origin === 'cdn')).toHaveLength(downloads);
    await server.followsDatabase();
    const { dataset } = await server.query('{ dataset { sampleCount sources { name license citation revision } } }');
    expect(dataset).toEqual({
      sampleCount: 1,
      sources: [{ name: 'owner/data', license: 'cc-by-4.0', citation: 'Cite me.', revision: COMMIT }],
    });
    const denied = await runCommand(command, { ...environment, HF_TOKEN: '' });
    expect(denied.code).toBe(1);
    expect(denied.stderr).toContain('Set HF_TOKEN');
  } finally {
    await Promise.all([server.close(), hub.close(), folder.remove()]);
  }
});
