import fc from 'fast-check';
import { carriedConcepts, CONCEPTS, mentionedConcepts } from '../src/concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';
import { faultsOf } from '../src/inference/captioner/faithful';
import { writeCaption } from '../src/inference/captioner/write-caption';
import type { Drafting, LanguageModel } from '../src/inference/captioner/language-model';
import { ModelProcess } from '../src/inference/model-process';

const models = new ModelProcess();
afterAll(() => models.close());

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
          const caption = await models.caption(attributes, seed);
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
    const caption = await models.caption(indices(...names), 3);
    expect(namesOf(mentionedConcepts(caption))).toContain(absence);
    expect(faultNames(caption, indices(...names))).toMatchObject({ missing: [], leaked: [] });
  });

  it('writes the same caption for the same attributes and seed, beside others and in another process', async () => {
    const [first, other] = await Promise.all([
      models.caption(indices('violin', 'techno'), 5),
      models.caption(indices('violin', 'techno'), 6),
    ]);
    expect(other).not.toBe(first);
    const elsewhere = new ModelProcess();
    try {
      expect(await elsewhere.caption(indices('violin', 'techno'), 5)).toBe(first);
    } finally {
      await elsewhere.close();
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
    draft: (_, count): Promise<Drafting> => {
      const written = Array.from({ length: count }, () => 0);
      return Promise.resolve({
        first: logitsAt(0),
        step: (tokens) =>
          Promise.resolve(tokens.map((token, text) => (token === null ? null : logitsAt((written[text]! += 1))))),
        takeBack: (text, tokens) => (written[text]! -= tokens),
      });
    },
  };
}

describe('decoding under constraints', () => {
  it('refuses a word that says what was not asked for, and takes the next best', async () => {
    const model = stubbornModel([[' A'], [' calm'], [' guitar', ' piano'], [' melody']]);
    expect(await writeCaption(model, indices('piano'), 1)).toBe('A calm piano melody.');
    expect(await writeCaption(model, indices('guitar'), 1)).toBe('A calm guitar melody.');
  });

  it('goes back where every way on is refused', async () => {
    const model = stubbornModel([[' A'], [' loud', ' soft'], [' guitar'], [' melody']]);
    const caption = await writeCaption(model, indices('piano'), 1);
    expect(faultNames(caption, indices('piano'))).toMatchObject({ missing: [], leaked: [] });
  });

  it('says each attribute in a sentence of its own where the model cannot', async () => {
    const caption = await writeCaption(stubbornModel([[' Guitar']]), indices('piano', 'slow tempo', 'no voices'), 1);
    expect(faultNames(caption, indices('piano', 'slow tempo', 'no voices'))).toMatchObject({ missing: [], leaked: [] });
    expect(caption).toMatch(/It is played in a slow tempo\./);
  });

  it('does none of that without constraints', async () => {
    const model = stubbornModel([[' A'], [' calm'], [' guitar', ' piano'], [' melody']]);
    const captions = await Promise.all(
      [1, 2, 3, 4].map((seed) => writeCaption(model, indices('piano'), seed, { isConstrained: false, drafts: 1 })),
    );
    expect(captions).toContain('A calm guitar melody.');
  });
});
