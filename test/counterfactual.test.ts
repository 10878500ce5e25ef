import { spawnSync } from 'node:child_process';
import { seed, until } from './support/seed';
import { startTestServer, type TestServer } from './support/server';

/** The same piece with one concept removed, added or swapped: made, linked, and taken as negatives. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ WORKER_CONCURRENCY: '2' });
  await seed(server, { 'default/train': [{ id: 'a', attributes: ['piano'], caption: 'A piano.' }] });
});
afterAll(() => server?.close());

const REQUEST = `mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id } }`;
const make = async (input: object) => {
  const { id } = (await server.query(REQUEST, { input })).requestGeneration;
  const read = async () =>
    (
      await server.query(
        `query ($id: ID!) { generation(id: $id) { state finishedAt samples {
           id attributes { name } audio { url sha256 }
           counterfactuals { sample { id } removed { name } added { name } } } } }`,
        { id },
      )
    ).generation;
  await until(async () => (await read()).finishedAt !== null);
  const { state, samples } = await read();
  expect(state).toBe('SUCCEEDED');
  return samples;
};
const namesOf = (list: { name: string }[]) => list.map(({ name }) => name);
const pcm = async (url: string) => {
  const wav = Buffer.from(await (await fetch(url)).arrayBuffer());
  return new Int16Array(wav.buffer.slice(wav.byteOffset + 44, wav.byteOffset + wav.length));
};

test('a counterfactual has what was asked, is linked both ways, and sounds but for that the same', async () => {
  const originals = await make({ attributes: ['piano', 'violin', 'sad'], count: 2, seed: 5, durationSeconds: 3 });
  const samples = originals.map(({ id }: { id: string }) => id);
  const without = await make({ counterfactuals: { samples, remove: 'piano' } });
  expect(without.map(({ attributes }: { attributes: { name: string }[] }) => namesOf(attributes))).toEqual([
    ['sad', 'violin'],
    ['sad', 'violin'],
  ]);
  expect(without[0].counterfactuals).toEqual([{ sample: { id: samples[0] }, removed: [], added: [{ name: 'piano' }] }]);
  const read = `query ($id: ID!) { sample(id: $id) { counterfactuals { sample { id } removed { name } added { name } } } }`;
  expect((await server.query(read, { id: samples[1] })).sample.counterfactuals).toEqual([
    { sample: { id: without[1].id }, removed: [{ name: 'piano' }], added: [] },
  ]);
  // What is left over when the one is taken from the other is a piano alone: the violin plays the same.
  const [both, violin] = await Promise.all([pcm(originals[0].audio.url), pcm(without[0].audio.url)]);
  const [alone] = await make({ attributes: ['piano', 'sad'], seed: 5, durationSeconds: 3 });
  const piano = await pcm(alone.audio.url);
  let worst = 0;
  for (let i = 0; i < both.length; i++) worst = Math.max(worst, Math.abs(both[i]! - violin[i]! - piano[i]!));
  // Three clips rounded to 16 bits.
  expect(worst).toBeLessThanOrEqual(3);
  expect(violin.some((value) => Math.abs(value) > 500)).toBe(true);
});

test('stems are the parts that make up the mix, the same in both halves of a pair, and a MIDI file has their notes', async () => {
  const [original] = await make({ attributes: ['piano', 'violin', 'clapping'], seed: 77, durationSeconds: 2 });
  const [changed] = await make({ counterfactuals: { samples: [original.id], remove: 'clapping' } });
  const scoreOf = async (id: string) =>
    (await server.query(`{ sample(id: "${id}") { score { midiUrl expiresAt stems { part url } } } }`)).sample.score;
  const stemsOf = async (id: string) => {
    const stems = (await scoreOf(id)).stems as { part: string; url: string }[];
    return new Map(await Promise.all(stems.map(async ({ part, url }) => [part, await pcm(url)] as const)));
  };
  const [both, without] = [await stemsOf(original.id), await stemsOf(changed.id)];
  expect([...without.keys()].sort()).toEqual(['piano', 'violin']);
  expect(both.size).toBe(3);
  for (const [part, samples] of without) expect(Buffer.compare(bytesOf(samples), bytesOf(both.get(part)!))).toBe(0);
  const mix = await pcm(original.audio.url);
  const sum = mix.map((_value, i) => [...both.values()].reduce((total, stem) => total + stem[i]!, 0));
  expect(mix.every((value, i) => Math.abs(value - sum[i]!) <= 3)).toBe(true);

  const { midiUrl } = await scoreOf(original.id);
  const response = await fetch(midiUrl);
  expect(response.headers.get('content-type')).toBe('audio/midi');
  const midi = Buffer.from(await response.arrayBuffer());
  expect(midi.subarray(0, 4).toString('latin1')).toBe('MThd');
  // A track for tempo and form, and one for each part.
  expect(midi.readUInt16BE(10)).toBe(4);
  expect((await fetch(midiUrl.replace('.mid', '.0.wav'))).status).toBe(403);
  const imported = await server.query(
    '{ samples(filter: { origins: [IMPORTED] }) { edges { node { score { midiUrl } } } } }',
  );
  expect(imported.samples.edges[0].node.score).toBeNull();
});

test('what the engine cannot play is refused, and never added', async () => {
  const { unsupported, weak } = (
    await server.query('{ engines { unsupported { attribute reason } weak { attribute reason } } }')
  ).engines[0];
  expect(unsupported.map(({ attribute }: { attribute: string }) => attribute)).toEqual(['contemporary']);
  expect(weak.length).toBeGreaterThan(10);
  for (const input of [
    { attributes: ['piano', 'Contemporary'] },
    { topUp: { concept: 'contemporary', positives: 1 } },
  ]) {
    const { errors } = await server.execute(REQUEST, { input });
    expect(errors?.[0]?.extensions.code).toBe('UNSUPPORTED_ATTRIBUTE');
    expect(errors?.[0]?.message).toContain(unsupported[0].reason);
  }
});

test('a concept can be swapped for another, and the same pair is made once', async () => {
  const [original] = await make({ attributes: ['flute', 'slow tempo'], seed: 9, durationSeconds: 2 });
  const swap = { counterfactuals: { samples: [original.id], remove: 'slow', add: 'fast tempo' } };
  const [swapped] = await make(swap);
  expect(namesOf(swapped.attributes)).toEqual(['fast tempo', 'flute']);
  // Its URL is signed anew.
  const [again] = await make(swap);
  expect({ ...again, audio: again.audio.sha256 }).toEqual({ ...swapped, audio: swapped.audio.sha256 });
  expect(swapped.counterfactuals).toHaveLength(1);
});

test('a sample that was made for itself becomes a counterfactual of another later', async () => {
  const [alone] = await make({ attributes: ['cello'], seed: 21, durationSeconds: 1 });
  const [original] = await make({ attributes: ['cello', 'trumpets'], seed: 21, durationSeconds: 1 });
  const [found] = await make({ counterfactuals: { samples: [original.id], remove: 'trumpets' } });
  expect(found.id).toBe(alone.id);
  expect(found.counterfactuals[0].sample.id).toBe(original.id);
});

test('concept sets take them as pairs, of which they differ in the concept alone', async () => {
  const originals = await make({ attributes: ['drums', 'rock', 'guitar'], count: 4, seed: 50, durationSeconds: 1 });
  const samples = originals.map(({ id }: { id: string }) => id);
  const SET = `query ($positives: Int!, $dataVersion: Int) { conceptSet(input: { concept: "drums", strategy: COUNTERFACTUAL, seed: 3,
    positives: $positives, dataVersion: $dataVersion }) { dataVersion positives { id } negatives { id } deficit { positives }
      pairs { positive { id } negative { id attributes { name } } distance differing { name } }
      diagnostics { balance { meanAbsSmd } contamination { negatives } exclusions { side reason count } } } }`;
  const before = (await server.query(SET, { positives: 4 })).conceptSet;
  expect(before).toMatchObject({ positives: [], negatives: [], deficit: { positives: 4 } });
  expect(before.diagnostics.exclusions).toContainEqual({ side: 'POSITIVE', reason: 'NO_COUNTERPART', count: 4 });

  await make({ counterfactuals: { samples, remove: 'drums' } });
  const { pairs, diagnostics, deficit, positives } = (await server.query(SET, { positives: 4 })).conceptSet;
  expect(deficit.positives).toBe(0);
  expect(new Set(positives.map(({ id }: { id: string }) => id))).toEqual(new Set(samples));
  for (const { distance, differing, negative } of pairs) {
    expect({ distance, differing }).toEqual({ distance: 0, differing: [] });
    expect(namesOf(negative.attributes)).toEqual(['rock', 'guitar']);
  }
  expect(diagnostics).toMatchObject({ balance: { meanAbsSmd: 0 }, contamination: { negatives: 0 } });
  // As of then there were no pairs.
  expect((await server.query(SET, { positives: 4, dataVersion: before.dataVersion })).conceptSet.pairs).toEqual([]);
});

test('a slow piece made fast has the notes that it had, and made slow again is the piece that it was', async () => {
  const attributes = ['techno', 'drums', 'piano'];
  const [slow] = await make({ attributes: [...attributes, 'slow tempo'], seed: 12, durationSeconds: 4 });
  const swap = (remove: string, add: string, { id }: { id: string }) =>
    make({ counterfactuals: { samples: [id], remove, add } });
  const [madeFast] = await swap('slow tempo', 'fast tempo', slow);
  const [fast] = await make({ attributes: [...attributes, 'fast tempo'], seed: 12, durationSeconds: 4 });
  // Fast for itself, it has more between its beats.
  expect(fast.id).not.toBe(madeFast.id);
  const [before, after, own] = await Promise.all([slow, madeFast, fast].map(({ id }) => notesOf(id)));
  expect(after!.length).toBeGreaterThan(before!.length);
  expect(after!.slice(0, before!.length)).toEqual(before);
  expect(own!.slice(0, before!.length)).not.toEqual(before);
  await server.followsDatabase();
  const dataVersion = async () => (await server.query('{ samples(first: 1) { dataVersion } }')).samples.dataVersion;
  const known = await dataVersion();
  const [slowAgain] = await swap('fast tempo', 'slow tempo', madeFast);
  expect(slowAgain.id).toBe(slow.id);
  expect(slowAgain.counterfactuals).toHaveLength(1);
  // Each is made from the other now, and they are one pair all the same.
  const { pairs } = (
    await server.query(
      `{ conceptSet(input: { concept: "slow", strategy: COUNTERFACTUAL, positives: 20, seed: 1 }) {
         pairs { positive { id } negative { id } } } }`,
    )
  ).conceptSet;
  const pair = { positive: { id: slow.id }, negative: { id: madeFast.id } };
  expect(pairs.filter(({ positive }: typeof pair) => positive.id === slow.id)).toEqual([pair]);
  await server.followsDatabase();
  expect(await dataVersion()).toBe(known);
  // And so the other way round.
  const [madeSlow] = await swap('fast tempo', 'slow tempo', fast);
  expect(madeSlow.id).not.toBe(slow.id);
  const { provenance } = (
    await server.query(`{ sample(id: "${madeSlow.id}") { provenance { stages { name parameters { name value } } } } }`)
  ).sample;
  expect(provenance.stages.at(-1).parameters).toContainEqual({ name: 'texture', value: 'full' });
});

test.each([
  [{ samples: [] }, 'input.counterfactuals.samples', /1 to 1000 ids/],
  [{ samples: ['s_x'] }, 'input.counterfactuals', /needs remove, add or both/],
  [{ samples: ['s_x'], remove: 'piano' }, 'input.counterfactuals.samples[0]', /no sample "s_x"/],
  [{ samples: ['IMPORTED'], remove: 'piano' }, 'input.counterfactuals.samples[0]', /not made by SOUNDFONT/],
  [{ samples: ['MADE'], remove: 'drums' }, 'input.counterfactuals.samples[0]', /has no "drums" to remove/],
  [{ samples: ['MADE'], remove: 'violin' }, 'input.counterfactuals.samples[0]', /nothing is left/],
  [{ samples: ['MADE'], add: 'violin' }, 'input.counterfactuals.samples[0]', /has "violin" already/],
  [{ samples: ['MADE'], add: 'kazoo' }, 'input.counterfactuals.add', /kazoo/],
])('%j is refused at %s', async (counterfactuals, field, message) => {
  const [made] = await make({ attributes: ['violin'], durationSeconds: 1 });
  const imported = (await server.query('{ samples(filter: { origins: [IMPORTED] }) { edges { node { id } } } }'))
    .samples.edges[0].node.id;
  const samples = counterfactuals.samples.map((id) => ({ MADE: made.id, IMPORTED: imported })[id] ?? id);
  const { errors } = await server.execute(REQUEST, { input: { counterfactuals: { ...counterfactuals, samples } } });
  expect(errors?.[0]?.extensions.field).toBe(field);
  expect(errors?.[0]?.message).toMatch(message);
});

test('what the original decides cannot be given beside it', async () => {
  const { errors } = await server.execute(REQUEST, {
    input: { counterfactuals: { samples: ['s_x'], remove: 'piano' }, seed: 4 },
  });
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.seed' });
});

/** Tick and key of each note of a sample's MIDI file, in the order of time. */
async function notesOf(id: string): Promise<[tick: number, key: number][]> {
  const { midiUrl } = (await server.query(`{ sample(id: "${id}") { score { midiUrl } } }`)).sample.score;
  const input = Buffer.from(await (await fetch(midiUrl)).arrayBuffer());
  const { stdout } = spawnSync(process.execPath, ['-e', READ_NOTES], { input, encoding: 'utf8' });
  return JSON.parse(stdout);
}

/** The reader is an ES module, which jest's runtime cannot import. */
const READ_NOTES = `import('spessasynth_core').then(({ BasicMIDI }) => {
  const { tracks } = BasicMIDI.fromArrayBuffer(Uint8Array.from(require('node:fs').readFileSync(0)).buffer);
  const notes = tracks.flatMap(({ events }) => events.filter(({ statusByte }) => statusByte >> 4 === 9));
  const read = notes.map(({ ticks, data }) => [ticks, data[0]]).sort(([a, key], [b, other]) => a - b || key - other);
  console.log(JSON.stringify(read));
})`;

function bytesOf(samples: Int16Array): Buffer {
  return Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
}
