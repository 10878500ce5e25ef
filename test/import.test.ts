import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetWriteFile } from 'hyparquet-writer';
import { Client } from 'pg';
import type { LayoutRow } from '../scripts/published-parquet';
import { runCommand, startCommand } from './support/cli';
import { importInto, publishedFolder, seed, silentWav, until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

const row = (id: string, more: Partial<LayoutRow> = {}): LayoutRow => ({
  id,
  attributes: ['piano'],
  caption: `Piano piece ${id}.`,
  ...more,
});

const FACTS = '{ dataset { version sampleCount audioCount sources { name origin sampleCount } } }';

describe('conceptcaps import', () => {
  let server: TestServer;
  beforeEach(async () => {
    server = await startTestServer();
  });
  afterEach(() => server?.close());

  test('importing again changes nothing, not even the data version', async () => {
    const files = { 'default/train': [row('a'), row('b')] };
    await seed(server, files);
    const before = await server.query(FACTS);
    const again = await seed(server, files);
    expect(again.stdout).toContain('0 samples added, audio attached to 0, 2 already there, 0 rows left out');
    expect(await server.query(FACTS)).toEqual(before);
    expect(before.dataset.sampleCount).toBe(2);
  });

  test('rows that share an id are samples of their own; a row that repeats is one sample', async () => {
    await seed(server, { 'default/train': [row('a'), row('a', { caption: 'Another take.' }), row('a')] });
    const { samples } = await server.query('{ samples { edges { node { id sourceId caption sourceRows { row } } } } }');
    expect(
      samples.edges.map(({ node }: { node: { caption: string; sourceRows: object[] } }) => [
        node.caption,
        node.sourceRows,
      ]),
    ).toEqual([
      ['Piano piece a.', [{ row: 0 }, { row: 2 }]],
      ['Another take.', [{ row: 1 }]],
    ]);
  });

  test('the audio configuration attaches to the same samples, and the bytes come back unchanged', async () => {
    const wav = silentWav({ seconds: 1.5, channels: 2 });
    await seed(server, { 'default/train': [row('a'), row('b')] });
    const result = await seed(server, { 'audio/train': [row('a', { audio: wav }), row('c', { audio: silentWav() })] });
    expect(result.stdout).toContain('1 samples added, audio attached to 1');
    const { samples } = await server.query(
      '{ samples(filter: { hasAudio: true }) { edges { node { sourceId audio { url bytes durationSeconds channels } } } } }',
    );
    expect(samples.edges).toHaveLength(2);
    const { audio } = samples.edges[0].node;
    expect(audio).toMatchObject({ bytes: wav.length, durationSeconds: 1.5, channels: 2 });
    expect(new Uint8Array(await (await fetch(audio.url)).arrayBuffer())).toEqual(wav);
  });

  test('a sample keeps its first audio; other audio for it is reported', async () => {
    await seed(server, { 'audio/train': [row('a', { audio: silentWav({ seconds: 1 }) })] });
    const result = await seed(server, { 'audio/test': [row('a', { audio: silentWav({ seconds: 2 }) })] });
    expect(result.stderr).toContain('audio/test-00000-of-00001.parquet row 0: this sample has other audio already');
    const { samples } = await server.query('{ samples { edges { node { audio { durationSeconds } } } } }');
    expect(samples.edges).toEqual([{ node: { audio: { durationSeconds: 1 } } }]);
  });

  describe('bad rows', () => {
    const BAD: [string, LayoutRow][] = [
      ['"theremin" is not in the taxonomy', row('bad', { attributes: ['theremin'] })],
      ['caption is empty', row('bad', { caption: '  ' })],
      ['caption is null', row('bad', { caption: null })],
      ['id is null, not a string', row('bad', { id: null as unknown as string })],
      ['aspect_list does not parse', row('bad', { aspectList: "['piano'" })],
      ['aspect_list and the category columns differ in "flute"', row('bad', { aspectList: "['piano', 'flute']" })],
      ['audio of zero bytes', row('bad', { audio: new Uint8Array(0) })],
      ['truncated WAV', row('bad', { audio: silentWav().slice(0, 9_000) })],
      ['not a WAV file', row('bad', { audio: new Uint8Array(100) })],
    ];

    test.each(BAD)('%s: reported with file and row, and the others are imported', async (problem, bad) => {
      const audio = bad.audio === undefined ? {} : { audio: silentWav() };
      const result = await seed(server, { 'audio/train': [row('a', audio), bad, row('b', audio)] });
      expect(result.stderr).toContain(`audio/train-00000-of-00001.parquet row 1: ${problem}`);
      expect(result.stdout).toContain('2 samples added');
      expect(result.stdout).toContain('1 rows left out');
      const { samples } = await server.query('{ samples { edges { node { sourceId } } } }');
      expect(samples.edges.map(({ node }: { node: { sourceId: string } }) => node.sourceId)).toEqual(['a', 'b']);
    });

    test('--strict stops at the first one with an error', async () => {
      const folder = await publishedFolder({
        'default/train': [row('a'), BAD[0]![1], ...BAD.slice(1, 3).map(([, bad]) => bad)],
      });
      const result = await runCommand(['import', folder.path, '--strict'], server.environment);
      await folder.remove();
      expect(result.code).toBe(1);
      expect(result.stderr).toBe(
        'conceptcaps: default/train-00000-of-00001.parquet row 1: "theremin" is not in the taxonomy. Stopped because of --strict; without it the row is counted and left out.\n',
      );
      expect((await server.query(FACTS)).dataset.sampleCount).toBe(0);
    });

    test('--report lists every one of them', async () => {
      const folder = await publishedFolder({
        'default/train': [...Array.from({ length: 8 }, (_, i) => row(`x${i}`, { caption: '' })), row('a')],
      });
      const report = join(folder.path, 'report.jsonl');
      const result = await importInto(server, [folder.path, '--report', report]);
      expect(result.stderr.match(/caption is empty/g)).toHaveLength(5);
      const lines = (await readFile(report, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      await folder.remove();
      expect(lines).toHaveLength(8);
      expect(lines[7]).toMatchObject({
        file: 'default/train-00000-of-00001.parquet',
        rowNumber: 7,
        reason: 'empty caption',
      });
    });

    test('an import that was all bad rows fails', async () => {
      const folder = await publishedFolder({ 'default/train': [BAD[0]![1]] });
      const result = await runCommand(['import', folder.path], server.environment);
      await folder.remove();
      expect(result).toMatchObject({ code: 1, stdout: expect.stringContaining('1 rows left out') });
    });

    test.each(['/nowhere/report.jsonl', '/dev/full', ''])('a --report that cannot be written: %j', async (report) => {
      const folder = await publishedFolder({ 'default/train': [row('a'), BAD[0]![1]] });
      const result = await runCommand(['import', folder.path, '--report', report], server.environment);
      await folder.remove();
      expect(result.code).toBe(1);
      expect(result.stderr).toMatch(report ? `cannot write the report to ${report}` : /--report.*It is empty/);
      expect(result.stderr).not.toContain('    at ');
    });

    test('a column of another type rejects its rows, not the import', async () => {
      const folder = await publishedFolder({ 'default/train': [row('a')] });
      await mkdir(join(folder.path, 'odd'));
      parquetWriteFile({
        filename: join(folder.path, 'odd', 'train-00000-of-00001.parquet'),
        columnData: [
          'id',
          'caption',
          'aspect_list',
          'genre_aspects',
          'mood_aspects',
          'instrument_aspects',
          'tempo_aspects',
        ].map((name) => ({ name, data: [1, 2] })),
      });
      const result = await importInto(server, [folder.path]);
      await folder.remove();
      expect(result.stderr).toContain('odd/train-00000-of-00001.parquet row 1: id is a number, not a string');
      expect(result.stdout).toContain('1 samples added, audio attached to 0, 0 already there, 2 rows left out');
    });
  });

  describe('sources that cannot be read', () => {
    test.each([
      [['/nowhere/at/all'], 'there is no file or folder /nowhere/at/all'],
      [['/dev/null'], '/dev/null is neither a file nor a folder'],
      [[__dirname], 'no files of the published layout'],
      [[__filename], 'is not a Parquet file'],
    ])('%j', async (args, message) => {
      const result = await runCommand(['import', ...args], server.environment);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain(message);
      expect(result.stderr).not.toContain('at ');
    });

    test('what is no file is left out, and never waited for', async () => {
      const folder = await publishedFolder({ 'default/train': [row('a')] });
      const inFolder = (name: string) => join(folder.path, 'default', name);
      execFileSync('mkfifo', [inFolder('test-00000-of-00001.parquet')]);
      await mkdir(inFolder('validation-00000-of-00001.parquet'));
      await writeFile(inFolder('x\x1b[2J.parquet'), '');
      const result = await importInto(server, [folder.path]);
      expect(result.stdout).toContain('Read 1 rows of 1 file');
      expect(result.stderr).toContain('Left out default/test-00000-of-00001.parquet: it is not a file.');
      expect(result.stderr).toContain('Left out default/x\\x1b[2J.parquet: its name is not');

      await rm(inFolder('train-00000-of-00001.parquet'));
      const others = await runCommand(['import', folder.path], server.environment);
      expect(others.stderr).toContain('There is default/x\\x1b[2J.parquet: name such a file itself to import it');
      const empty = await runCommand(['import', inFolder('x\x1b[2J.parquet')], server.environment);
      await folder.remove();
      expect(empty).toMatchObject({ code: 1, stderr: expect.stringContaining('x\\x1b[2J.parquet is empty') });
    });

    test('a configuration or split that is not there: the error names those that are', async () => {
      const folder = await publishedFolder({ 'default/train': [row('a')], 'audio/test': [row('b')] });
      const result = await runCommand(['import', folder.path, '--config', 'nope'], server.environment);
      expect(result.code).toBe(1);
      expect(result.stderr).toContain('there is audio/test, default/train');
      const split = await importInto(server, [folder.path, '--split', 'test']);
      await folder.remove();
      expect(split.stdout).toContain('Read 1 rows of 1 file: 1 samples added');
    });

    test('a file cut short, and one of another layout, stop the import with their name', async () => {
      const folder = await publishedFolder({ 'default/train': [row('a')] });
      const file = join(folder.path, 'default', 'train-00000-of-00001.parquet');
      await truncate(file, 200);
      const cut = await runCommand(['import', folder.path], server.environment);
      expect(cut.code).toBe(1);
      expect(cut.stderr).toContain('is not a Parquet file');
      parquetWriteFile({ filename: file, columnData: [{ name: 'x', data: [1] }] });
      const other = await runCommand(['import', folder.path], server.environment);
      await folder.remove();
      expect(other.code).toBe(1);
      expect(other.stderr).toContain('it has no column id, caption');
    });
  });

  const sampleCount = async () => (await server.query(FACTS)).dataset.sampleCount as number;

  /** An import of 6,000 rows that has written a part of them, and waits in the middle of the next until it is let go. */
  async function halfway() {
    const folder = await publishedFolder({ 'default/train': Array.from({ length: 6_000 }, (_, i) => row(`r${i}`)) });
    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    await client.query(`
      SELECT pg_advisory_lock(1);
      CREATE FUNCTION wait_when_begun() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF (SELECT count(*) FROM sample) > 1000 THEN PERFORM pg_advisory_xact_lock(1); END IF; RETURN NULL;
      END $$;
      CREATE TRIGGER wait_when_begun AFTER INSERT ON sample EXECUTE FUNCTION wait_when_begun()`);
    const child = startCommand(['import', folder.path], server.environment);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const gone = new Promise((resolve) => child.once('close', resolve));
    await until(async () => (await sampleCount()) > 0);
    return { folder, child, gone, stderr: () => stderr, letGo: () => client.end() };
  }

  test('an import that is killed is continued by running it again', async () => {
    const { folder, child, gone, letGo } = await halfway();
    child.kill('SIGKILL');
    await gone;
    expect(await sampleCount()).toBeLessThan(6_000);
    await letGo();
    const result = await importInto(server, [folder.path]);
    await folder.remove();
    expect(result.stdout).toContain('Read 6,000 rows');
    expect(await sampleCount()).toBe(6_000);
    const { samples } = await server.query('{ samples(first: 200) { edges { node { sourceId } } } }');
    expect(new Set(samples.edges.map(({ node }: { node: { sourceId: string } }) => node.sourceId)).size).toBe(200);
  });

  test('an interrupted import says how to go on', async () => {
    const { folder, child, gone, stderr, letGo } = await halfway();
    child.kill('SIGINT');
    await letGo();
    expect(await gone).toBe(130);
    await folder.remove();
    expect(stderr()).toContain('run the same command again to go on');
    expect(await sampleCount()).toBeLessThan(6_000);
  });

  test('two imports at once lose nothing and number the rows without gaps', async () => {
    const [one, two] = await Promise.all(
      ['p', 'q'].map((prefix) =>
        publishedFolder({ [`default/${prefix}`]: Array.from({ length: 3_000 }, (_, i) => row(`${prefix}${i}`)) }),
      ),
    );
    await Promise.all([importInto(server, [one!.path]), importInto(server, [two!.path])]);
    await one!.remove();
    await two!.remove();
    const { dataset } = await server.query('{ dataset { sampleCount splits { name sampleCount } } }');
    expect(dataset).toEqual({
      sampleCount: 6_000,
      splits: [
        { name: 'p', sampleCount: 3_000 },
        { name: 'q', sampleCount: 3_000 },
      ],
    });
  });

  test('the first import retires the starter set, which can still be found by id', async () => {
    const other = await startTestServer({ LOAD_STARTER: 'true' });
    try {
      const { samples } = await other.query('{ samples(first: 1) { totalCount edges { node { id origin } } } }');
      expect(samples.totalCount).toBe(40);
      const { id } = samples.edges[0].node;
      await seed(other, { 'default/train': [row('a')] });
      const after = await other.query(
        `query ($id: ID!) { sample(id: $id) { retiredVersion } dataset { version sampleCount sources { name sampleCount } } }`,
        { id },
      );
      expect(after.dataset).toEqual({
        version: 3,
        sampleCount: 1,
        sources: [
          { name: 'starter', sampleCount: 0 },
          { name: 'ConceptCaps', sampleCount: 1 },
        ],
      });
      expect(after.sample).toEqual({ retiredVersion: 3 });
    } finally {
      await other.close();
    }
  });

  test.each([
    ['--split', 'te\nst'],
    ['--config', 'x'.repeat(101)],
    ['--source', 'mi\x1bne'],
    ['--source', 'x'.repeat(201)],
    ['--source', 'starter'],
  ])('%s %j cannot be kept', async (option, value) => {
    const { code, stderr } = await runCommand(['import', '/nowhere', option, value], server.environment);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`${option} [^]* is invalid`));
  });

  test('a folder whose name cannot be that of a configuration is refused by the name of its file', async () => {
    const folder = await publishedFolder({ 'de\nfault/train': [row('a')] });
    const { code, stderr } = await runCommand(['import', folder.path], server.environment);
    await folder.remove();
    expect(code).toBe(1);
    expect(stderr).toContain('fault/train-00000-of-00001.parquet: "de');
    expect(stderr).toContain('cannot be the name of a configuration');
    expect((await server.query(FACTS)).dataset.sampleCount).toBe(0);
  });

  test('facts of the source can be given', async () => {
    const folder = await publishedFolder({ 'default/train': [row('a')] });
    await importInto(server, [folder.path, '--source', 'mine', '--license', 'CC0-1.0', '--citation', 'Me 2026']);
    await folder.remove();
    const { dataset } = await server.query('{ dataset { sources { name origin license citation } } }');
    expect(dataset.sources).toEqual([{ name: 'mine', origin: 'IMPORTED', license: 'CC0-1.0', citation: 'Me 2026' }]);
  });
});
