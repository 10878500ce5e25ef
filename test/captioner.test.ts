import fc from 'fast-check';
import { carriedConcepts, CONCEPTS, mentionedConcepts } from '../src/concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';
import { faultsOf } from '../src/inference/captioner/faithful';
import { CAPTION_DEFAULTS, writeCaptions, type CaptionOptions } from '../src/inference/captioner/write-caption';
import type { Drafting, LanguageModel } from '../src/inference/captioner/language-model';
import { enumerated } from '../src/inference/captioner/wording';
import { ModelPool } from '../src/inference/model-pool';
import { ModelProcess } from '../src/inference/model-process';

const models = new ModelProcess();
afterAll(() => models.close());
const captionOf = async (attributes: readonly number[], seed: number, by = models) =>
  (await by.captions([{ attributes, seed }]))[0]!;

const indices = (...names: string[]) => names.map((name) => findAttribute(name)!.index).sort((a, b) => a - b);
const namesOf = (concepts: readonly number[]) => concepts.map((index) => CONCEPTS[index]!.name);
const faultNames = (caption: string, attributes: readonly number[]) => {
  const { missing, leaked } = faultsOf(caption, carriedConcepts(attributes));
  return { caption, missing: namesOf(missing), leaked: namesOf(leaked) };
};

describe('the captioner', () => {
  it('says what was asked for, and no other instrument, voice, tempo or genre, whatever the combination', () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(ATTRIBUTES.length - 1), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
        async (unordered, seed) => {
          const attributes = [...unordered].sort((a, b) => a - b);
          // "No percussion" and drums cannot both be said.
          fc.pre(!namesOf(carriedConcepts(attributes)).some((name) => name.startsWith('no ')));
          const caption = await captionOf(attributes, seed);
          expect(faultNames(caption, attributes)).toEqual({ caption, missing: [], leaked: [] });
        },
      ),
      { numRuns: 25, seed: 20261123 },
    ));

  it.each([
    ['no percussion', ['no percussion', 'piano', 'slow tempo']],
    ['no vocals', ['no voices', 'techno', 'fast tempo']],
    ['no vocals', ['no singer', 'no percussion', 'cello']],
  ])('says %s as an absence', async (absence, names) => {
    const caption = await captionOf(indices(...names), 3);
    expect(namesOf(mentionedConcepts(caption))).toContain(absence);
    expect(faultNames(caption, indices(...names))).toMatchObject({ missing: [], leaked: [] });
  });

  it.each([
    [['fast tempo', 'cheerful', 'female singer'], 832],
    [['pop', 'cheerful', 'digital drums', 'clapping'], 1269],
    [['slow tempo', 'emotional', 'mellow', 'melancholic', 'soft', 'sad', 'male voice singing'], 691],
  ])('begins again where its first drafts of %s came to no good end', async (names, seed) => {
    const caption = await captionOf(indices(...names), seed);
    expect(caption).not.toBe(enumerated(indices(...names)));
    expect(faultNames(caption, indices(...names))).toMatchObject({ missing: [], leaked: [] });
    expect(await captionOf(indices(...names), seed)).toBe(caption);
  });

  it('writes the same caption for the same attributes and seed, beside others and in another process', async () => {
    const [first, other] = await Promise.all([
      captionOf(indices('violin', 'techno'), 5),
      captionOf(indices('violin', 'techno'), 6),
    ]);
    expect(other).not.toBe(first);
    const elsewhere = new ModelProcess();
    try {
      expect(await captionOf(indices('violin', 'techno'), 5, elsewhere)).toBe(first);
    } finally {
      await elsewhere.close();
    }
  });

  it('writes many at once as it writes each alone', async () => {
    const tasks = [['jazz', 'piano'], ['fast tempo'], ['folk', 'violin', 'sad', 'no percussion', 'female voice']].map(
      (names, seed) => ({ attributes: indices(...names), seed }),
    );
    tasks.push({ attributes: indices('fast tempo', 'cheerful', 'female singer'), seed: 832 });
    const alone = [];
    for (const { attributes, seed } of tasks) alone.push(await captionOf(attributes, seed));
    expect(await models.captions(tasks)).toEqual(alone);
  });
});

describe('the processes of the models', () => {
  it('write the same, whichever of them does', async () => {
    const pool = new ModelPool(2);
    try {
      const tasks = [1, 2, 3, 4].map((seed) => ({ attributes: indices('violin', 'techno'), seed }));
      const captions = await Promise.all(tasks.map((task) => pool.captions([task])));
      expect(captions.flat()).toEqual(await models.captions(tasks));
    } finally {
      await pool.close();
    }
  });

  it('refuses what would wait for too long', async () => {
    const busy = new ModelProcess();
    const wanted = { given: [1], forbidden: [], seed: 0, temperature: 1, threshold: null, count: null };
    try {
      const answers = await Promise.allSettled(Array.from({ length: 300 }, () => busy.complete([wanted])));
      const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? [String(answer.reason)] : []));
      expect(refused).toEqual(Array(300 - 256).fill('EngineError: the models have too much to do; try again later'));
    } finally {
      await busy.close();
    }
  });

  it('fails what it was asked when it dies, and another takes its place', async () => {
    const mortal = new ModelProcess();
    try {
      await mortal.load();
      // It answers nothing any more.
      process.kill(mortal.pid!, 'SIGSTOP');
      const asked = mortal.captions([{ attributes: indices('piano'), seed: 1 }]);
      const failure = expect(asked).rejects.toMatchObject({
        name: 'EngineError',
        message: expect.stringMatching(/the process of the models stopped with SIGKILL/),
      });
      process.kill(mortal.pid!, 'SIGKILL');
      await failure;
      expect(await captionOf(indices('piano'), 1, mortal)).toMatch(/piano/);
    } finally {
      await mortal.close();
    }
  });
});

/**
 * A language model that would say the wrong thing: it gives each text the same few words in turn, by what it is told.
 */
function stubbornModel(plan: readonly (readonly string[])[]): LanguageModel {
  const texts = ['<end>', '.', ...new Set(plan.flat())];
  const words = new Set(texts.flatMap((text) => text.toLowerCase().match(/\p{L}+/gu) ?? []));
  const logitsAt = (position: number) => {
    const logits = new Float32Array(texts.length).fill(-20);
    const wanted = plan[position];
    if (!wanted) logits[position === plan.length ? texts.indexOf('.') : 0] = 10;
    else wanted.forEach((text, rank) => (logits[texts.indexOf(text)] = 10 - rank / 2));
    return logits;
  };
  return {
    vocabulary: {
      texts,
      end: 0,
      special: [0],
      words,
      beginnings: new Set([...words].flatMap((word) => Array.from(word, (_, at) => word.slice(0, at + 1)))),
      encode: (text) => [texts.indexOf(` ${text}`)].filter((token) => token >= 0),
    },
    draft: (conditions): Promise<Drafting> => {
      const written = conditions.map(() => 0);
      return Promise.resolve({
        first: conditions.map(() => logitsAt(0)),
        step: (tokens) =>
          Promise.resolve(tokens.map((token, text) => (token === null ? null : logitsAt((written[text]! += 1))))),
        takeBack: (text, tokens) => (written[text]! -= tokens),
      });
    },
  };
}

const write = async (model: LanguageModel, names: string[], options: CaptionOptions = CAPTION_DEFAULTS, seed = 1) =>
  (await writeCaptions(model, [{ attributes: indices(...names), seed }], options))[0]!;

describe('decoding under constraints', () => {
  it('refuses a word that says what was not asked for, and takes the next best', async () => {
    const model = stubbornModel([[' A'], [' calm'], [' guitar', ' piano'], [' melody']]);
    expect(await write(model, ['piano'])).toBe('A calm piano melody.');
    expect(await write(model, ['guitar'])).toBe('A calm guitar melody.');
  });

  it('goes back where every way on is refused', async () => {
    const model = stubbornModel([[' A'], [' loud', ' soft'], [' guitar'], [' melody']]);
    const caption = await write(model, ['piano']);
    expect(faultNames(caption, indices('piano'))).toMatchObject({ missing: [], leaked: [] });
  });

  it('holds on to a sentence of which little is left where it would otherwise be left with none', async () => {
    const model = stubbornModel([[' guitar', ' violin', ' drums', ' piano']]);
    expect(await write(model, ['piano'])).toBe('Piano.');
    expect(await write(model, ['guitar'])).toBe('Guitar.');
  });

  it('says each attribute in a sentence of its own where the model cannot', async () => {
    const caption = await write(stubbornModel([[' Guitar']]), ['piano', 'slow tempo', 'no voices']);
    expect(faultNames(caption, indices('piano', 'slow tempo', 'no voices'))).toMatchObject({ missing: [], leaked: [] });
    expect(caption).toMatch(/It is played in a slow tempo\./);
  });

  it('does none of that without constraints', async () => {
    const model = stubbornModel([[' A'], [' calm'], [' guitar', ' piano'], [' melody']]);
    const captions = await Promise.all(
      [1, 2, 3, 4].map((seed) => write(model, ['piano'], { isConstrained: false, drafts: 1 }, seed)),
    );
    expect(captions).toContain('A calm guitar melody.');
  });
});
