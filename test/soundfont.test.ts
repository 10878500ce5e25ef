import fc from 'fast-check';
import { carriedConcepts, CONCEPTS, contradict, findConcept, mentionedConcepts } from '../src/concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';
import { ConceptIndex } from '../src/concepts/concept-index';
import { donorAttributes } from '../src/inference/donor-attributes';
import { compose, PERCUSSION_CHANNEL, type Plan } from '../src/inference/soundfont/compose';
import { DRUM, GROOVES, VOICES } from '../src/inference/soundfont/instruments';
import { TEMPLATE_CAPTION } from '../src/inference/template-caption';

const attributes = fc
  .subarray(
    ATTRIBUTES.map(({ index }) => index),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => [...list].sort((a, b) => a - b));
const indices = (...names: string[]) => names.map((name) => findAttribute(name)!.index).sort((a, b) => a - b);
const conceptsOf = (list: readonly number[]) => new Set(carriedConcepts(list).map((index) => CONCEPTS[index]!.name));
const pitched = (plan: Plan) => plan.parts.filter(({ channel }) => channel !== PERCUSSION_CHANNEL);

describe('the composer', () => {
  it('gives the same piece for the same attributes and seed, and another for another seed', () => {
    const list = indices('piano', 'violin', 'drums', 'sad');
    expect(compose(list, 7, 20)).toEqual(compose(list, 7, 20));
    expect(compose(list, 8, 20)).not.toEqual(compose(list, 7, 20));
  });

  it('plays every instrument and voice that is asked for and, if any is, no other', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        const plan = compose(list, seed, 10);
        const asked = conceptsOf(list);
        const played = new Set(pitched(plan).map(({ concept }) => concept));
        const isPercussive = Object.keys(GROOVES).some((concept) => asked.has(concept));
        expect(plan.parts.some(({ channel }) => channel === PERCUSSION_CHANNEL)).toBe(isPercussive);
        const voices = VOICES.filter(({ concept }) => asked.has(concept));
        if (voices.length === 0) {
          expect([...played]).toEqual(isPercussive ? [] : ['piano']);
          return;
        }
        for (const concept of played) expect(asked.has(concept)).toBe(true);
        for (const { concept } of voices) {
          const narrower = findConcept(concept)!.includes.map((index) => CONCEPTS[index]!.name);
          expect(played.has(concept) || narrower.some((name) => played.has(name))).toBe(true);
        }
      }),
      { seed: 20261123 },
    ));

  it('keeps to the ranges, within the duration, on channels of their own', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), fc.integer({ min: 1, max: 30 }), (list, seed, seconds) => {
        const plan = compose(list, seed, seconds);
        expect(new Set(plan.parts.map(({ channel }) => channel)).size).toBe(plan.parts.length);
        for (const part of plan.parts) {
          const range = VOICES.find(({ concept }) => concept === part.concept)?.range;
          expect(part.notes.length).toBeGreaterThan(0);
          for (const { startSeconds, durationSeconds, key, velocity } of part.notes) {
            expect(startSeconds).toBeLessThan(seconds);
            expect(durationSeconds).toBeGreaterThan(0);
            expect(velocity).toBeGreaterThanOrEqual(1);
            expect(velocity).toBeLessThanOrEqual(127);
            if (part.channel === PERCUSSION_CHANNEL) expect(Object.values(DRUM)).toContain(key);
            else expect(key >= range![0] && key <= range![1]).toBe(true);
          }
        }
      }),
      { seed: 20261123 },
    ));

  it.each([
    ['slow tempo', 60, 80],
    ['medium tempo', 95, 112],
    ['fast tempo', 130, 150],
  ])('takes %s as %i to %i beats a minute', (tempo, low, high) => {
    for (let seed = 0; seed < 50; seed++) {
      const { beatsPerMinute } = compose(indices(tempo, 'piano'), seed, 5);
      expect(beatsPerMinute).toBeGreaterThanOrEqual(low);
      expect(beatsPerMinute).toBeLessThanOrEqual(high);
    }
  });
});

describe('completing attributes', () => {
  /** Donors of random attributes, contradictions included. */
  const view = fc.array(attributes, { maxLength: 20 }).map((donors) => {
    const index = new ConceptIndex(CONCEPTS.length);
    donors.forEach((list, seq) =>
      index.append({
        seq,
        attributes: list,
        carries: carriedConcepts(list),
        mentions: [],
        source: 1,
        split: null,
        key: Math.imul(seq + 1, 0x9e3779b1),
        group: seq,
        addedVersion: 1,
        audioVersion: null,
        retiredVersion: null,
      }),
    );
    index.version = 1;
    return index.now();
  });

  it('keeps what was given, adds from one sample that has as much of it as any, and never what contradicts', () =>
    fc.assert(
      fc.asyncProperty(view, attributes, attributes, fc.integer(), async (donors, given, unwanted, seed) => {
        const forbidden = unwanted.filter((one) => !given.includes(one));
        const completer = donorAttributes(() => Promise.resolve({ view: donors, rows: donors.live }));
        const complete = async () => (await completer.complete({ given, forbidden, seed, dataVersion: 1 })).attributes;
        const completed = await complete();
        expect(completed).toEqual(await complete());
        expect(completed).toEqual(expect.arrayContaining([...given]));
        const added = completed.filter((one) => !given.includes(one));
        const lists = donors.live.rows().map((row) => [...donors.index.lists.of(row)]);
        const withAll = lists.filter((list) => given.every((one) => list.includes(one)));
        const withAny = lists.filter((list) => given.some((one) => list.includes(one)));
        const pool = [withAll, withAny, lists].find((candidates) => candidates.length > 0) ?? [];
        expect(added.length === 0 || pool.some((list) => added.every((one) => list.includes(one)))).toBe(true);
        for (const one of added) {
          expect(forbidden).not.toContain(one);
          expect(completed.filter((other) => contradict(one, other))).toEqual([]);
        }
      }),
      { seed: 20261123 },
    ));
});

describe('the template caption', () => {
  it('mentions what the attributes carry, and nothing else', () =>
    fc.assert(
      fc.asyncProperty(attributes, async (list) => {
        const caption = await TEMPLATE_CAPTION.write(list, 0);
        const names = (concepts: readonly number[]) => concepts.map((index) => CONCEPTS[index]!.name);
        expect({ caption, concepts: names(mentionedConcepts(caption)) }).toEqual({
          caption,
          concepts: names(carriedConcepts(list)),
        });
      }),
      { numRuns: 500, seed: 20261123 },
    ));
});
