import fc from 'fast-check';
import type { ConceptDefinition } from '../src/concepts/concept';
import { CONCEPT_DEFINITIONS } from '../src/concepts/concept-list';
import {
  buildConcepts,
  carriedConcepts,
  conceptListFingerprintInput,
  conceptListProblems,
  CONCEPTS,
  findConcept,
  mentionedConcepts,
  nearestNames,
} from '../src/concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';

const concept = (name: string) => {
  const found = findConcept(name);
  if (found === null) throw new Error(`no concept "${name}"`);
  return found;
};
const names = (indices: readonly number[]) => indices.map((index) => CONCEPTS[index]!.name);
const carriedBy = (...attributes: string[]) =>
  names(carriedConcepts(attributes.map((name) => findAttribute(name)!.index)));

describe('the concept list', () => {
  it('has no problems', () => {
    expect(conceptListProblems(CONCEPT_DEFINITIONS)).toEqual([]);
  });

  it('has a place for every attribute', () => {
    const homeless = ATTRIBUTES.filter(({ index }) => !CONCEPTS.some(({ attributes }) => attributes.includes(index)));
    expect(homeless.map(({ name }) => name)).toEqual([]);
  });

  it('says of every concept what is meant and how captions put it', () => {
    for (const { name, description, lexicon } of CONCEPT_DEFINITIONS) {
      expect([name, description]).toEqual([name, expect.stringMatching(/^[A-Z].*\.$/)]);
      expect([name, lexicon.length > 0]).toEqual([name, true]);
    }
  });

  it('files attributes by what they mean, not by the category that they are in', () => {
    expect(carriedBy('heavy metal')).toEqual(expect.arrayContaining(['heavy metal', 'metal', 'rock']));
    expect(carriedBy('beatboxing')).toEqual(['percussion', 'beatboxing']);
    expect(carriedBy('groovy bas slime')).toEqual(['bass', 'groovy']);
    expect(carriedBy('no voices')).toEqual(['no vocals']);
    expect(carriedBy('rhythmic acoustic guitar')).toEqual(['guitar', 'acoustic guitar', 'rhythmic']);
  });

  it('keeps the bass guitar out of the guitars', () => {
    expect(carriedBy('bass guitar', 'e-bass')).toEqual(['bass', 'bass guitar']);
    expect(concept('guitar').includes).not.toContain(concept('bass guitar').index);
  });
});

describe('relations between concepts', () => {
  it('mirror each other', () => {
    for (const { index, includes, includedIn, contradicts } of CONCEPTS) {
      for (const narrower of includes) expect(CONCEPTS[narrower]!.includedIn).toContain(index);
      for (const broader of includedIn) expect(CONCEPTS[broader]!.includes).toContain(index);
      for (const other of contradicts) expect(CONCEPTS[other]!.contradicts).toContain(index);
    }
  });

  it('reach through any depth', () => {
    expect(names(concept('four on the floor').includedIn)).toEqual(['percussion', 'drums', 'kick drum']);
    expect(concept('percussion').attributes).toContain(findAttribute('4 on the floor kick pattern')!.index);
  });

  it('let a contradiction hold for what is narrower', () => {
    expect(names(concept('no vocals').contradicts)).toEqual(
      expect.arrayContaining(['vocals', 'male vocals', 'female vocals', 'rap']),
    );
    expect(names(concept('no percussion').contradicts)).toEqual(expect.arrayContaining(['drums', 'tambourine']));
    expect(names(concept('slow').contradicts)).toEqual(['fast']);
  });

  it('do not forbid a duet', () => {
    expect(concept('male vocals').contradicts).not.toContain(concept('female vocals').index);
  });

  it('carry over to whatever attributes a sample has, as they do alone', () => {
    const attributes = fc.uniqueArray(fc.integer({ min: 0, max: ATTRIBUTES.length - 1 }), { maxLength: 12 });
    fc.assert(
      fc.property(attributes, (indices) => {
        const alone = new Set(indices.flatMap((index) => carriedConcepts([index])));
        expect(carriedConcepts(indices)).toEqual([...alone].sort((a, b) => a - b));
        for (const carried of alone)
          for (const broader of CONCEPTS[carried]!.includedIn) expect(alone).toContain(broader);
      }),
    );
  });
});

describe('a wrong concept list', () => {
  const define = (name: string, more: Partial<ConceptDefinition> = {}): ConceptDefinition => ({
    name,
    description: 'A test.',
    attributes: [],
    lexicon: [],
    ...more,
  });

  it.each<[string, ConceptDefinition[], string]>([
    ['an unknown attribute', [define('a', { attributes: ['pianoo'] })], 'a: unknown attribute "pianoo"'],
    ['an unknown narrower concept', [define('a', { includes: ['b'] })], 'a: unknown concept "b" in includes'],
    ['an unknown contradiction', [define('a', { contradicts: ['b'] })], 'a: unknown concept "b" in contradicts'],
    ['an unknown absence', [define('a', { absenceOf: ['b'] })], 'a: unknown concept "b" in absenceOf'],
    ['a contradiction with itself', [define('a', { contradicts: ['a'] })], 'a: contradicts itself'],
    ['a name twice', [define('a'), define('a')], 'a: there are two concepts of this name'],
    ['a name in capitals', [define('A')], 'A: the name is not in lower case with single spaces'],
    ['a broken phrase', [define('a', { lexicon: ['b(s'] })], 'a: phrase "b(s": unbalanced brackets'],
    ['a cycle', [define('a', { includes: ['b'] }), define('b', { includes: ['a'] })], 'a: includes itself by a cycle'],
    [
      'a contradiction with a narrower concept',
      [define('a', { includes: ['b'] }), define('b', { contradicts: ['a'] })],
      'b: contradicts a, and one of them includes the other or both include the same',
    ],
    [
      'a contradiction of two that include the same',
      [define('a', { includes: ['c'], contradicts: ['b'] }), define('b', { includes: ['c'] }), define('c')],
      'c: contradicts b, and one of them includes the other or both include the same',
    ],
  ])('is told of %s', (_, definitions, problem) => {
    expect(conceptListProblems(definitions)).toContain(problem);
    expect(() => buildConcepts(definitions)).toThrow(problem);
  });
});

describe('names', () => {
  it('are found in any case and spacing', () => {
    expect(findConcept('  Male   VOCALS ')?.name).toBe('male vocals');
    expect(findConcept('male vocal')).toBeNull();
  });

  const candidates = CONCEPTS.map(({ name }) => name);

  it.each([
    ['paino', 'piano'],
    ['male vocal', 'male vocals'],
    ['femal vocals', 'female vocals'],
    ['hiphop', 'hip hop'],
    ['synth', 'synthesizer'],
    ['drum', 'drums'],
    ['vocal', 'vocals'],
    ['kick', 'kick drum'],
    ['Guitars', 'guitar'],
  ])('"%s" is nearest to "%s"', (typed, meant) => {
    expect(nearestNames(typed, candidates, 3)[0]).toBe(meant);
  });

  it('are given as many as asked for, or as there are', () => {
    expect(nearestNames('x', ['a', 'b', 'c'], 2)).toHaveLength(2);
    expect(nearestNames('', ['a', 'b'], 5)).toEqual(['a', 'b']);
  });
});

describe('the fingerprint input', () => {
  it('is the same every time and holds the list, the decoys and the cues of denial', () => {
    const input = conceptListFingerprintInput();
    expect(conceptListFingerprintInput()).toBe(input);
    for (const part of ['lexiconVersion', 'male ~2', 'brings', 'devoid', 'groovy bas slime'])
      expect(input).toContain(part);
  });
});

describe('any text at all', () => {
  it('is matched without an error and within its bounds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
        for (const index of mentionedConcepts(`${text} no vocals-${text}`)) expect(CONCEPTS[index]).toBeDefined();
      }),
    );
  });
});
