import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './support/cli';
import { seed } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

/** `conceptcaps generate` beside a running server: what it makes is part of the data like any other sample. */
describe('generated samples', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startTestServer();
    await seed(server, { 'default/train': [{ id: 'a', attributes: ['piano'], caption: 'A lonely piano.' }] });
  });
  afterAll(() => server?.close());

  const generate = async (...args: string[]) => {
    const result = await runCommand(['generate', ...args], server.environment);
    await server.followsDatabase();
    return result;
  };
  const SAMPLES = `{ samples(filter: { origins: [GENERATED] }) { edges { node {
    id caption attributes { name } carries { name } mentions { name } origin
    provenance { engine engineVersion seed durationSeconds stages { stage name isPlaceholder } }
    audio { url durationSeconds sampleRate channels } } } } }`;
  const generated = async () => (await server.query(SAMPLES)).samples.edges.map((edge: { node: object }) => edge.node);

  test('fill what a concept set lacks, with sound and with how they were made', async () => {
    const deficit = async () =>
      (
        await server.query(
          '{ conceptSet(input: { concept: "violin", strategy: CLEAN, positives: 2, negatives: 1 }) { deficit { positives } } }',
        )
      ).conceptSet.deficit.positives;
    expect(await deficit()).toBe(2);
    const { code, stdout } = await generate(
      '--attributes',
      'violin, Slow Tempo',
      '--count',
      '2',
      '--duration',
      '3',
      '--seed',
      '7',
    );
    expect(code).toBe(0);
    const samples = await generated();
    expect(stdout.trim().split('\n')).toEqual(samples.map(({ id }: { id: string }) => id));
    expect(await deficit()).toBe(0);

    expect(samples).toMatchObject(
      [7, 8].map((seedOfSample) => ({
        attributes: [{ name: 'slow tempo' }, { name: 'violin' }],
        provenance: {
          engine: 'SOUNDFONT',
          seed: seedOfSample,
          durationSeconds: 3,
          stages: [
            { stage: 'CAPTION', name: 'captioner', isPlaceholder: false },
            { stage: 'AUDIO', name: 'soundfont', isPlaceholder: false },
          ],
        },
        audio: { durationSeconds: 3, sampleRate: 32_000, channels: 2 },
      })),
    );
    for (const { mentions, carries } of samples) expect(mentions).toEqual(expect.arrayContaining(carries));

    const wav = Buffer.from(await (await fetch(samples[0].audio.url)).arrayBuffer());
    const pcm = new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
    const rms = Math.sqrt(pcm.reduce((sum, sample) => sum + sample * sample, 0) / pcm.length) / 32_768;
    expect(rms).toBeGreaterThan(0.01);
  });

  test('bring a concept up to a number of clean positives, completed by what goes with it', async () => {
    const args = ['--concept', 'flute', '--up-to', '3', '--duration', '1'];
    expect((await generate(...args)).stdout.trim().split('\n')).toHaveLength(3);
    const { samples } = await server.query(
      '{ samples(filter: { concepts: { all: ["flute"] } }) { edges { node { provenance { askedAttributes stages { name } } } } } }',
    );
    for (const { node } of samples.edges) {
      expect(node.provenance.askedAttributes).toEqual(['flute']);
      expect(node.provenance.stages[0]).toEqual({ name: 'attribute-vae' });
    }
    const again = await generate(...args);
    expect({ code: again.code, stdout: again.stdout, stderr: again.stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(/as many positives already/),
    });
  });

  test('are not made twice, and sound the same when made elsewhere', async () => {
    const args = ['--attributes', 'piano,drums,rock', '--duration', '2'];
    const first = await generate(...args);
    expect((await generate(...args)).stdout).toBe(first.stdout.trim() + ' (there already)\n');
    const elsewhere = await startTestServer();
    try {
      await runCommand(['generate', ...args], elsewhere.environment);
      await elsewhere.followsDatabase();
      const query =
        '{ samples(filter: { attributes: { all: ["piano", "drums", "rock"] } }) { edges { node { id audio { sha256 } } } } }';
      expect(await elsewhere.query(query)).toEqual(await server.query(query));
    } finally {
      await elsewhere.close();
    }
  });

  test('leave nothing in the home directory or that for temporary files', async () => {
    const own = await mkdtemp(join(tmpdir(), 'conceptcaps-own-'));
    try {
      const args = ['generate', '--attributes', 'flute', '--duration', '1'];
      const result = await runCommand(args, { ...server.environment, HOME: own, TMPDIR: own });
      expect(result).toMatchObject({ code: 0 });
      // ONNX Runtime would keep count of its sessions there, to report them.
      expect(await readdir(own, { recursive: true })).toEqual([]);
    } finally {
      await rm(own, { recursive: true });
    }
  });

  test('have no provenance where they were imported', async () => {
    const query = '{ samples(filter: { origins: [IMPORTED] }) { edges { node { provenance { seed } } } } }';
    expect((await server.query(query)).samples.edges).toEqual([{ node: { provenance: null } }]);
  });

  test.each([
    [['--attributes', 'slow tempo,piano,fast tempo'], /"slow tempo" and "fast tempo" contradict/],
    [['--attributes', 'no voices,male voice'], /contradict/],
    [['--attributes', 'vuvuzela'], /no attribute "vuvuzela"/],
    [['--attributes', 'piano,'], /empty name/],
    [['--attributes', 'piano', '--duration', '31'], /from 1 to 30/],
    [['--attributes', 'piano', '--count', '0'], /from 1 to 1000/],
    [[], /either --attributes or --concept/],
    [['--attributes', 'piano', '--concept', 'piano'], /either --attributes or --concept/],
    [['--attributes', 'piano', '--up-to', '3'], /--concept and --up-to go together/],
    [['--concept', 'piano'], /--concept and --up-to go together/],
    [['--concept', 'pinao', '--up-to', '3'], /"pinao" is neither a concept nor an attribute/],
    [['--attributes', 'piano', '--scope', '{}'], /--scope needs --concept/],
  ])('%j is refused', async (args, message) => {
    const { code, stdout, stderr } = await runCommand(['generate', ...args], server.environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('can contradict themselves where that is allowed', async () => {
    const { code } = await generate(
      '--attributes',
      'slow tempo,fast tempo',
      '--duration',
      '1',
      '--allow-contradictions',
    );
    expect(code).toBe(0);
  });
});
