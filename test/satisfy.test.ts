import fc from 'fast-check';
import { ConceptIndex } from '../src/concepts/concept-index';
import { carriedConcepts, CONCEPTS, contradict } from '../src/concepts/concepts';
import { matchingRows, type SampleCondition } from '../src/concepts/sample-filter';
import { satisfy } from '../src/concepts/satisfy';
import { ATTRIBUTES, CATEGORIES } from '../src/concepts/taxonomy';

const attribute = fc.integer({ min: 0, max: ATTRIBUTES.length - 1 });
const concept = fc.integer({ min: 0, max: CONCEPTS.length - 1 });
const sets = <T>(item: fc.Arbitrary<T>) =>
  fc.record({
    all: fc.array(item, { maxLength: 2 }),
    any: fc.oneof(
      { weight: 2, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.array(item, { maxLength: 3 }) },
    ),
    none: fc.array(item, { maxLength: 2 }),
  });
const leaf: fc.Arbitrary<SampleCondition> = fc.oneof(
  fc.record({ kind: fc.constant('attributes' as const), sets: sets(attribute) }),
  fc.record({
    kind: fc.constantFrom('carries' as const, 'mentions' as const, 'concepts' as const),
    sets: sets(concept),
  }),
  fc.record({ kind: fc.constant('categories' as const), sets: sets(fc.constantFrom(...CATEGORIES)) }),
  fc.record({ kind: fc.constant('hasAudio' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('splits' as const), names: fc.constant(['train']) }),
);
const { condition } = fc.letrec<{ condition: SampleCondition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { weight: 3, arbitrary: leaf },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom('and' as const, 'or' as const),
        conditions: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('not' as const), condition: tie('condition') }) },
  ),
}));

/** Whether the filter matches a sample with audio, in no split, whose caption says what it carries. */
function matches(condition: SampleCondition, attributes: readonly number[]): boolean {
  const index = new ConceptIndex(CONCEPTS.length);
  const concepts = carriedConcepts(attributes);
  index.append({
    seq: 0,
    attributes,
    carries: concepts,
    mentions: concepts,
    source: 1,
    split: null,
    key: 0,
    group: 0,
    addedVersion: 1,
    audioVersion: 1,
    retiredVersion: null,
  });
  index.version = 1;
  return matchingRows(index.now(), condition).count() === 1;
}

describe('attributes that satisfy a filter', () => {
  test('do so, and still do with whatever is added that is not forbidden', () =>
    fc.assert(
      fc.property(condition, attribute, fc.array(attribute), fc.integer(), (filter, own, others, seed) => {
        const wanted: SampleCondition = { kind: 'attributes', sets: { all: [own], any: null, none: [] } };
        const demands = satisfy([wanted, filter], seed);
        fc.pre(demands !== null);
        const { required, forbidden } = demands;
        expect(required).toContain(own);
        expect(required.filter((one) => forbidden.includes(one))).toEqual([]);
        expect(required.filter((one) => required.some((other) => contradict(one, other)))).toEqual([]);
        expect(matches(filter, required)).toBe(true);
        const added = others.filter((one) => !forbidden.includes(one));
        expect(
          matches(
            filter,
            [...new Set([...required, ...added])].sort((a, b) => a - b),
          ),
        ).toBe(true);
      }),
      { seed: 20261123, numRuns: 500 },
    ));

  test('are found wherever a sample that matches could exist, as far as single attributes go', () =>
    fc.assert(
      fc.property(condition, attribute, fc.integer(), (filter, own, seed) => {
        fc.pre(matches(filter, [own]));
        const wanted: SampleCondition = { kind: 'attributes', sets: { all: [own], any: null, none: [] } };
        expect(satisfy([wanted, filter], seed)).not.toBeNull();
      }),
      { seed: 20261123, numRuns: 300 },
    ));

  test('are not found where a filter excludes itself, or asks for what is never generated', () => {
    const all = (...list: number[]): SampleCondition => ({
      kind: 'attributes',
      sets: { all: list, any: null, none: [] },
    });
    const none = (...list: number[]): SampleCondition => ({
      kind: 'attributes',
      sets: { all: [], any: null, none: list },
    });
    expect(satisfy([all(3), none(3)], 0)).toBeNull();
    expect(satisfy([{ kind: 'attributes', sets: { all: [], any: [], none: [] } }], 0)).toBeNull();
    expect(satisfy([all(3), { kind: 'splits', names: ['train'] }], 0)).toBeNull();
    expect(satisfy([all(3), { kind: 'sources', sources: [1] }], 0)).toBeNull();
    const [slow, fast] = ['slow tempo', 'fast tempo'].map((name) => ATTRIBUTES.find((one) => one.name === name)!.index);
    expect(satisfy([all(slow!, fast!)], 0)).toBeNull();
    expect(satisfy([all(slow!, fast!)], 0, true)!.required).toEqual([slow!, fast!].sort((a, b) => a - b));
  });
});
