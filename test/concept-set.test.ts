import { parquetReadObjects } from 'hyparquet';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client } from 'pg';
import { extract } from 'tar-stream';
import type { LayoutRow } from '../scripts/published-parquet';
import { signPath } from '../src/audio/url-signature';
import { runCommand } from './support/cli';
import { seed, silentWav } from './support/seed';
import { startTestServer, type TestServer } from './support/server';
import { bestOfThree } from './support/timing';

/**
 * Rows in kinds, of which each stands for a way to be on a side or to be left out. Their other attributes vary with
 * their number, so that there is something to match and balance.
 */
const OTHERS = ['rock', 'pop', 'sad', 'happy', 'violin', 'jazz'];
const others = (i: number) => OTHERS.filter((_name, bit) => (i >> bit) & 1);
const row = (id: string, attributes: string[], caption: string): LayoutRow => ({ id, attributes, caption });
const times = (count: number, make: (i: number) => LayoutRow) => Array.from({ length: count }, (_row, i) => make(i));

const ROWS: readonly LayoutRow[] = [
  ...times(20, (i) => row(`piano-${i}`, ['piano', ...others(3 * i)], `Number ${i} leans on the piano.`)),
  ...times(3, (i) => row(`silent-${i}`, ['piano', 'pop'], `Number ${i} says nothing of it.`)),
  ...times(3, (i) => row(`synonym-${i}`, ['piano accompaniment'], `Number ${i} has a singer over a pianist.`)),
  ...times(3, (i) => row(`mention-${i}`, ['rock'], `Number ${i} hides a piano in the chorus.`)),
  ...times(2, (i) => row(`denial-${i}`, ['rock'], `Number ${i} does without a piano.`)),
  ...times(30, (i) => row(`clean-${i}`, ['drums', ...others(2 * i)], `Number ${i} is for drums.`)),
  // One source id on both sides, and two variants on one.
  row('piano-0', ['drums'], 'A variant of the first without it.'),
  row('clean-0', ['drums', 'pop'], 'Another take of the first for drums.'),
  ...times(4, (i) => row(`keyboard-${i}`, ['keyboard', ...others(i)], `Number ${i} is for keyboards.`)),
];

const FIELDS = `id frozenAt dataVersion target strategy seed
  positives { id sourceId caption attributes { name } carries { name } mentions { name } }
  negatives { id sourceId caption attributes { name } carries { name } mentions { name } }
  pairs { positive { id } negative { id } distance differing { name } }
  randomSets { samples { id sourceId } } randomSetsAreDisjoint
  folds { number positives { id } negatives { id } }
  considered { positives negatives } available { positives negatives } deficit { positives negatives }
  diagnostics { exclusions { side reason count } contamination { positives negatives naivePositives naiveNegatives }
                balance { meanAbsSmd maxAbsSmd worst { attribute { name } smd } } }`;
const QUERY = `query ($input: ConceptSetInput!) { conceptSet(input: $input) { ${FIELDS} exports { format url } } }`;
const FREEZE = `mutation ($input: ConceptSetInput!) { freezeConceptSet(input: $input) { ${FIELDS} exports { format url } } }`;

interface Sample {
  readonly id: string;
  readonly sourceId: string;
  readonly attributes: readonly { readonly name: string }[];
}

const sourceIds = (samples: readonly Sample[]) => samples.map((sample) => sample.sourceId);
const kinds = (samples: readonly Sample[]) => [...new Set(sourceIds(samples).map((id) => id.split('-')[0]!))].sort();
const ids = (samples: readonly Sample[]) => samples.map((sample) => sample.id);

describe('concept sets', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await seed(server, { 'default/train': ROWS });
  });
  afterAll(() => server?.close());

  const select = async (input: object) => (await server.query(QUERY, { input })).conceptSet;

  describe('choose their rows', () => {
    test.each([
      ['RANDOM', ['piano', 'silent', 'synonym'], ['clean', 'denial', 'keyboard', 'mention']],
      ['CLEAN', ['piano', 'synonym'], ['clean', 'denial', 'keyboard']],
      ['BALANCED', ['piano', 'synonym'], ['clean', 'denial', 'keyboard']],
      ['HARD', ['piano', 'synonym'], ['keyboard']],
    ])('%s from the right kinds', async (strategy, positives, negatives) => {
      const set = await select({ concept: 'piano', strategy, positives: 40, negatives: 60 });
      expect(kinds(set.positives)).toEqual(positives);
      expect(kinds(set.negatives)).toEqual(negatives);
      expect(new Set(sourceIds([...set.positives, ...set.negatives])).size).toBe(
        set.positives.length + set.negatives.length,
      );
    });

    test('what is missing is said, not padded and no error', async () => {
      const set = await select({ concept: 'piano', strategy: 'CLEAN', positives: 40, negatives: 60 });
      expect(set.available).toEqual({ positives: 23, negatives: 36 });
      expect(set.deficit).toEqual({ positives: 40 - 23, negatives: 60 - 36 });
      const count = (side: string, reason: string) =>
        set.diagnostics.exclusions.find(
          (one: { side: string; reason: string }) => one.side === side && one.reason === reason,
        )?.count;
      expect(count('POSITIVE', 'CAPTION_SILENT')).toBe(3);
      expect(count('NEGATIVE', 'TAGGED')).toBe(23);
      expect(count('NEGATIVE', 'SYNONYM')).toBe(3);
      expect(count('NEGATIVE', 'MENTIONED')).toBe(3);
      // The variant of a positive, and one of two variants.
      expect(count('NEGATIVE', 'SAME_SOURCE')).toBe(2);
      expect(set.diagnostics.contamination).toMatchObject({ positives: 0, negatives: 0 });
      expect(set.diagnostics.contamination.naiveNegatives).toBeGreaterThan(0);
    });

    test('MATCHED pairs them one to one and says what differs', async () => {
      const set = await select({ concept: 'piano', strategy: 'MATCHED', positives: 15 });
      expect(set.pairs.map((pair: { positive: Sample }) => pair.positive.id)).toEqual(ids(set.positives));
      expect(set.pairs.map((pair: { negative: Sample }) => pair.negative.id)).toEqual(ids(set.negatives));
      expect(new Set(ids(set.negatives)).size).toBe(15);
      const byId = new Map<string, Sample>([...set.positives, ...set.negatives].map((one: Sample) => [one.id, one]));
      for (const { positive, negative, distance, differing } of set.pairs) {
        const [a, b] = [positive, negative].map(({ id }: Sample) =>
          byId
            .get(id)!
            .attributes.map(({ name }) => name)
            .filter((name) => !name.startsWith('piano')),
        ) as [string[], string[]];
        const expected = [...a.filter((name) => !b.includes(name)), ...b.filter((name) => !a.includes(name))];
        expect(differing.map(({ name }: { name: string }) => name).sort()).toEqual(expected.sort());
        expect(distance).toBe(expected.length);
      }
    });

    test('captions need not confirm where that is turned off', async () => {
      const set = await select({ concept: 'piano', strategy: 'CLEAN', positives: 40, captionConfirms: false });
      expect(kinds(set.positives)).toEqual(['piano', 'silent', 'synonym']);
    });

    test('a raw attribute, a filter, one concept against another, and a scope', async () => {
      const attribute = await select({ attribute: 'Piano Accompaniment', strategy: 'CLEAN', positives: 5 });
      expect(attribute.target).toBe('attribute piano accompaniment');
      expect(kinds(attribute.positives)).toEqual(['synonym']);
      expect(kinds(attribute.negatives)).not.toContain('piano');

      const filter = { attributes: { all: ['piano', 'rock'] } };
      const filtered = await select({ filter, strategy: 'CLEAN', positives: 40, negatives: 60 });
      for (const { attributes } of filtered.positives) {
        expect(attributes.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining(['piano', 'rock']));
      }
      // Rock with a piano in the caption may be what the filter means.
      expect(kinds(filtered.negatives)).not.toContain('mention');

      const relative = await select({
        concept: 'piano',
        against: { concept: 'drums' },
        strategy: 'CLEAN',
        negatives: 60,
      });
      expect(kinds(relative.negatives)).toEqual(['clean']);

      const scoped = await select({ concept: 'piano', scope: { attributes: { any: ['jazz'] } }, strategy: 'CLEAN' });
      for (const { attributes } of [...scoped.positives, ...scoped.negatives]) {
        expect(attributes).toContainEqual({ name: 'jazz' });
      }
    });

    test('random counterparts share nothing as long as rows last', async () => {
      const few = await select({
        concept: 'piano',
        strategy: 'CLEAN',
        positives: 10,
        randomSets: 3,
        randomSetSize: 10,
      });
      const rows = few.randomSets.flatMap((set: { samples: Sample[] }) => set.samples);
      expect(few.randomSetsAreDisjoint).toBe(true);
      expect(new Set(ids(rows)).size).toBe(30);
      expect(sourceIds(rows).filter((id: string) => sourceIds(few.positives).includes(id))).toEqual([]);
      const many = await select({
        concept: 'piano',
        strategy: 'CLEAN',
        positives: 10,
        randomSets: 9,
        randomSetSize: 10,
      });
      expect(many.randomSetsAreDisjoint).toBe(false);
      for (const { samples } of many.randomSets) expect(new Set(sourceIds(samples)).size).toBe(10);
    });

    test('folds hold every row once, and both of a pair', async () => {
      const set = await select({ concept: 'piano', strategy: 'MATCHED', positives: 15, folds: 3 });
      const foldOf = new Map<string, number>();
      for (const { number, positives, negatives } of set.folds) {
        for (const { id } of [...positives, ...negatives]) {
          expect(foldOf.has(id)).toBe(false);
          foldOf.set(id, number);
        }
      }
      expect([...foldOf.keys()].sort()).toEqual([...ids(set.positives), ...ids(set.negatives)].sort());
      for (const { positive, negative } of set.pairs) expect(foldOf.get(positive.id)).toBe(foldOf.get(negative.id));
    });
  });

  test('a set is a constant number of SQL statements, whatever its size', async () => {
    const statementsOf = async (positives: number) => {
      const before = server.statements.length;
      await select({ concept: 'piano', positives, randomSets: 2 });
      return server.statements.length - before;
    };
    // The server looks for new data now and then, which is in none of the best.
    const twenty = await bestOfThree(() => statementsOf(20));
    expect(twenty).toBe(await bestOfThree(() => statementsOf(2)));
    expect(twenty).toBeLessThanOrEqual(2);
  });

  describe('refuse, with a code and the field', () => {
    test.each([
      [{ concept: 'pinao' }, 'UNKNOWN_CONCEPT', 'input.concept'],
      [{}, 'BAD_USER_INPUT', 'input.concept'],
      [{ concept: 'piano', attribute: 'piano' }, 'BAD_USER_INPUT', 'input.attribute'],
      [{ concept: 'piano', against: {} }, 'BAD_USER_INPUT', 'input.against.concept'],
      [{ concept: 'piano', against: { concept: 'drms' } }, 'UNKNOWN_CONCEPT', 'input.against.concept'],
      [{ concept: 'slow', scope: { attributes: { all: ['fast tempo'] } } }, 'CONTRADICTORY_SCOPE', 'input.scope'],
      [{ concept: 'piano', scope: { carries: { all: ['piano'] } } }, 'CONTRADICTORY_SCOPE', 'input.scope'],
      [
        { concept: 'male vocals', scope: { and: [{ concepts: { none: ['vocals'] } }] } },
        'CONTRADICTORY_SCOPE',
        'input.scope',
      ],
      [{ concept: 'piano', scope: { attributes: { all: ['x'] } } }, 'UNKNOWN_ATTRIBUTE', 'input.scope.attributes.all'],
      [{ concept: 'piano', positives: 0 }, 'BAD_USER_INPUT', 'input.positives'],
      [{ concept: 'piano', negatives: 2001 }, 'BAD_USER_INPUT', 'input.negatives'],
      [{ concept: 'piano', randomSets: -1 }, 'BAD_USER_INPUT', 'input.randomSets'],
      [{ concept: 'piano', randomSets: 11, randomSetSize: 2000 }, 'BAD_USER_INPUT', 'input.randomSets'],
      [{ concept: 'piano', folds: 1 }, 'BAD_USER_INPUT', 'input.folds'],
      [{ concept: 'piano', strategy: 'MATCHED', negatives: 3 }, 'BAD_USER_INPUT', 'input.negatives'],
      [{ filter: { hasAudio: true }, strategy: 'HARD' }, 'BAD_USER_INPUT', 'input.strategy'],
      [{ concept: 'piano', dataVersion: 1_000_000 }, 'UNKNOWN_DATA_VERSION', 'input.dataVersion'],
      [{ concept: 'piano', dataVersion: -1 }, 'UNKNOWN_DATA_VERSION', 'input.dataVersion'],
    ])('%j', async (input, code, field) => {
      const { errors } = await server.execute('query ($input: ConceptSetInput!) { conceptSet(input: $input) { id } }', {
        input,
      });
      expect(errors).toMatchObject([{ extensions: { code, field } }]);
    });

    test('and more at once than a server should choose', async () => {
      const ask = (count: number, positives: number) =>
        server.execute(
          `{ ${Array.from({ length: count }, (_set, i) => `s${i}: conceptSet(input: { concept: "piano", positives: ${positives} }) { id }`).join(' ')} }`,
        );
      expect((await ask(3, 50)).errors).toBeUndefined();
      expect((await ask(100, 50)).errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
      expect((await ask(4, 2_000)).errors).toMatchObject([{ extensions: { code: 'QUERY_TOO_COMPLEX' } }]);
    });

    test('and suggest what was meant', async () => {
      const { errors } = await server.execute('{ conceptSet(input: { concept: "pinao" }) { id } }');
      expect(errors![0]!.extensions.suggestions![0]).toBe('piano');
    });
  });
});

describe('concept sets as the data grow', () => {
  const input = {
    concept: 'piano',
    positives: 12,
    strategy: 'BALANCED',
    seed: 5,
    randomSets: 2,
    randomSetSize: 5,
    folds: 3,
  };
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await seed(server, { 'default/train': ROWS });
  });
  afterAll(() => server?.close());
  const select = async (more: object = {}) => (await server.query(QUERY, { input: { ...input, ...more } })).conceptSet;
  const contentOf = ({ exports: _exports, ...set }: { exports: unknown }) => set;

  test('the same input gives the same set: again, in other spelling, and from another server', async () => {
    const set = contentOf(await select());
    expect(contentOf(await select({ concept: ' PIANO' }))).toEqual(set);
    expect((await select({ seed: 6 })).id).not.toBe((set as { id?: string }).id);
    const replica = await startTestServer({ DATABASE_URL: server.databaseUrl });
    try {
      expect(contentOf((await replica.query(QUERY, { input })).conceptSet)).toEqual(set);
    } finally {
      await replica.close();
    }
  });

  test('a set of an old version, and a frozen one, stay what they were', async () => {
    const before = await select();
    const frozen = (await server.query(FREEZE, { input })).freezeConceptSet;
    expect(frozen.id).toBe(before.id);
    expect(ids(frozen.positives)).toEqual(ids(before.positives));

    await seed(server, {
      'default/test': times(40, (i) => row(`later-${i}`, ['piano', ...others(i)], `Later, number ${i} has a piano.`)),
      // The same samples get their audio.
      'audio/train': ROWS.slice(0, 20).map((one) => ({ ...one, audio: silentWav() })),
    });
    const after = await select();
    expect(after.dataVersion).toBeGreaterThan(before.dataVersion);
    expect(after.available.positives).toBe(before.available.positives + 40);
    expect(contentOf(await select({ dataVersion: before.dataVersion }))).toEqual(contentOf(before));
    expect((await select({ dataVersion: before.dataVersion, scope: { hasAudio: true } })).positives).toEqual([]);
    expect((await select({ scope: { hasAudio: true } })).positives).toHaveLength(12);

    const found = (await server.query(`{ frozenConceptSet(id: "${frozen.id}") { ${FIELDS} } }`)).frozenConceptSet;
    expect(found).toEqual(contentOf(frozen));
    const again = (await server.query(FREEZE, { input: { ...input, dataVersion: before.dataVersion } }))
      .freezeConceptSet;
    expect(contentOf(again)).toEqual(contentOf(frozen));
  });

  test('an unknown frozen set is null', async () => {
    expect((await server.query('{ frozenConceptSet(id: "cs_0000000000000000") { id } }')).frozenConceptSet).toBeNull();
  });
});

describe('exports of a concept set', () => {
  const wav = silentWav({ seconds: 2 });
  const input = {
    concept: 'piano',
    positives: 8,
    strategy: 'MATCHED',
    seed: 2,
    folds: 2,
    randomSets: 1,
    randomSetSize: 3,
  };
  let server: TestServer;
  let folder: string;
  beforeAll(async () => {
    server = await startTestServer();
    folder = await mkdtemp(join(tmpdir(), 'conceptcaps-sets-'));
    await seed(server, {
      'default/train': ROWS,
      'audio/train': [{ ...ROWS[0]!, audio: wav }],
    });
  });
  afterAll(async () => {
    await server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  interface Manifest {
    readonly key: string;
    readonly side: string;
    readonly fold: number | null;
    readonly pair: number | null;
    readonly sample_id: string;
    readonly attributes: readonly string[];
    readonly audio_sha256: string | null;
    readonly set_id: string;
  }
  const urlsOf = async (more: object = {}, query = QUERY): Promise<Record<string, string>> => {
    const set = Object.values(await server.query(query, { input: { ...input, ...more } }))[0] as {
      exports: { format: string; url: string }[];
    };
    return Object.fromEntries(set.exports.map(({ format, url }) => [format, url]));
  };
  const download = async (url: string) => {
    const answer = await fetch(url);
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const lines = (bytes: Buffer) =>
    bytes
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Manifest);

  test('hold the same rows in every format, twice the same bytes', async () => {
    const set = (await server.query(QUERY, { input })).conceptSet;
    const urls = await urlsOf();
    const files = Object.fromEntries(
      await Promise.all(Object.entries(urls).map(async ([format, url]) => [format, await download(url)] as const)),
    );
    for (const [format, url] of Object.entries(urls)) expect((await download(url)).equals(files[format]!)).toBe(true);

    const rows = lines(files.JSONL!);
    const of = (side: string) => rows.filter((one) => one.side === side).map((one) => one.sample_id);
    expect(of('positive')).toEqual(ids(set.positives));
    expect(of('negative')).toEqual(ids(set.negatives));
    expect(of('random')).toEqual(ids(set.randomSets[0].samples));
    expect(rows[0]).toMatchObject({
      key: '000001',
      set_id: set.id,
      target: 'piano',
      strategy: 'MATCHED',
      seed: 2,
      data_version: set.dataVersion,
      citation: expect.stringContaining('ConceptCaps'),
      license: 'CC-BY-4.0',
    });
    for (const { pair, side, sample_id } of rows) {
      if (pair !== null) expect(set.pairs[pair][side].id).toBe(sample_id);
    }

    const [header, ...records] = files.CSV!.toString().trimEnd().split('\r\n');
    expect(header!.split(',').slice(0, 2)).toEqual(['key', 'side']);
    expect(records.map((line) => line.split(',')[5])).toEqual(rows.map((one) => one.sample_id));

    const parquet = (await parquetReadObjects({
      file: new Uint8Array(files.PARQUET!).buffer,
    })) as unknown as Manifest[];
    expect(parquet).toEqual(rows);

    const entries = await untar(files.WEBDATASET!);
    const withAudio = rows.filter((one) => one.audio_sha256 !== null);
    expect([...entries.keys()].sort()).toEqual(
      [...rows.map(({ key }) => `${key}.json`), ...withAudio.map(({ key }) => `${key}.wav`)].sort(),
    );
    for (const one of rows) expect(JSON.parse(entries.get(`${one.key}.json`)!.toString())).toEqual(one);
    for (const { key, audio_sha256 } of withAudio) {
      expect(
        createHash('sha256')
          .update(entries.get(`${key}.wav`)!)
          .digest('hex'),
      ).toBe(audio_sha256);
    }
  });

  test('come with their audio', async () => {
    const url = (await urlsOf({ strategy: 'CLEAN', positives: 1, scope: { hasAudio: true } })).WEBDATASET!;
    expect((await untar(await download(url))).get('000001.wav')).toEqual(Buffer.from(wav));
  });

  test('work for a frozen set, without its input in the URL', async () => {
    const url = new URL((await urlsOf({}, FREEZE)).JSONL!);
    expect(url.searchParams.get('input')).toBeNull();
    expect(lines(await download(url.href)).map(({ sample_id }) => sample_id)).toEqual(
      lines(await download((await urlsOf()).JSONL!)).map(({ sample_id }) => sample_id),
    );
  });

  test('are refused where the URL was changed or has expired', async () => {
    const { JSONL } = await urlsOf();
    const other = new URL((await urlsOf({ seed: 3 })).JSONL!);
    const changed = (change: (url: URL) => void) => {
      const url = new URL(JSONL!);
      change(url);
      return url;
    };
    const forged = [
      changed((url) => url.searchParams.set('signature', 'x')),
      changed((url) => url.searchParams.set('expires', '99999999999')),
      changed((url) => url.searchParams.set('input', other.searchParams.get('input')!)),
      changed((url) => url.searchParams.delete('input')),
      changed((url) => (url.pathname = other.pathname)),
      changed((url) => (url.pathname = url.pathname.replace('.jsonl', '.tar'))),
    ];
    for (const url of forged) {
      const answer = await fetch(url);
      expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'FORGED_URL' }]);
    }

    const client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    const { rows } = await client.query<{ key: Buffer }>('SELECT key FROM signing_key');
    await client.end();
    const expired = changed((url) => {
      const past = Math.floor(Date.now() / 1000) - 60;
      url.searchParams.set('expires', String(past));
      const signed = `${url.pathname}?${url.searchParams.get('input')!}`;
      url.searchParams.set('signature', signPath(rows[0]!.key, signed, past));
    });
    const answer = await fetch(expired);
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'EXPIRED_URL' }]);
  });

  describe('by the command', () => {
    const options = ['--positives', '8', '--strategy', 'matched', '--seed', '2', '--folds', '2'];
    const run = (...args: string[]) =>
      runCommand(
        ['set', 'piano', ...options, '--random-sets', '1', '--random-set-size', '3', ...args],
        server.environment,
      );

    test('are the same bytes as by URL', async () => {
      const { code, stdout, stderr } = await run();
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(/found 8 of 8.*contaminated 0\.0 %/s),
      });
      const urls = await urlsOf();
      expect(stdout).toBe((await download(urls.JSONL!)).toString());
      const file = join(folder, 'piano.tar');
      expect((await run('--format', 'webdataset', '--output', file)).code).toBe(0);
      expect((await readFile(file)).equals(await download(urls.WEBDATASET!))).toBe(true);
      expect(await readdir(folder)).toEqual(['piano.tar']);
    });

    test('can be frozen, and had again by the id', async () => {
      const { stderr, stdout } = await run('--freeze');
      const id = /^cs_\w+/.exec(stderr)![0];
      const again = await runCommand(['set', '--id', id], server.environment);
      expect({ code: again.code, stdout: again.stdout }).toEqual({ code: 0, stdout });
    });

    test.each([
      [['set', 'pinao'], /"pinao" is neither a concept nor an attribute.*piano/],
      [['set'], /exactly one of concept, attribute and filter/],
      [['set', 'piano', '--scope', '{'], /--scope.*JSON/],
      [['set', 'piano', '--scope', '{"attribut":1}'], /--scope.*"attribut".*attributes/],
      [['set', 'piano', '--strategy', 'best'], /random, clean, matched, balanced, hard/],
      [['set', 'piano', '--seed', '1.5'], /whole number/],
      [['set', '--id', 'cs_nothing'], /no frozen set has the id/],
      [['set', 'piano', '--output', '/nonexistent/piano.jsonl'], /cannot write \/nonexistent\/piano\.jsonl/],
    ])('%j is refused in a line that says why', async (args, message) => {
      const { code, stdout, stderr } = await runCommand(args, server.environment);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(message);
      expect(stderr).not.toMatch(/fault of the program|\n\s+at /);
    });
  });
});

async function untar(bytes: Buffer): Promise<Map<string, Buffer>> {
  const entries = new Map<string, Buffer>();
  for await (const entry of Readable.from([bytes]).pipe(extract())) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    entries.set(entry.header.name, Buffer.concat(chunks));
  }
  return entries;
}
