import fc from 'fast-check';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';
import { compose } from '../src/inference/soundfont/compose';
import { MEANINGS } from '../src/inference/soundfont/attribute-table';
import { PERCUSSION_CHANNEL, type Part, type Plan } from '../src/inference/soundfont/plan';
import { VOICES } from '../src/inference/soundfont/voices';

/** Counterfactual pairs: two pieces that differ in what was changed and in nothing else. */
const index = (name: string) => findAttribute(name)!.index;
const isPlayer = (one: number) => Boolean(MEANINGS[one]!.parts ?? MEANINGS[one]!.drums);
const all = ATTRIBUTES.map(({ index: one }) => one);
/** Attributes that ask for a part and for nothing else. */
const PLAYERS = all.filter((one) => isPlayer(one) && ATTRIBUTES[one]!.category !== 'genre');
const OTHERS = all.filter((one) => !isPlayer(one) && !MEANINGS[one]!.silences);

const SUNG = VOICES.filter(({ isSung }) => isSung).map(({ name }) => name);

const others = fc.subarray(OTHERS, { maxLength: 6 });
const players = fc.subarray(PLAYERS, { minLength: 1, maxLength: 6 });

/** One player of basses, one of drum kits: what is asked of one of them is asked of that player. */
const FAMILIES: Readonly<Record<string, string>> = {
  ...{ bass: 'bass', 'bass guitar': 'bass', 'synth bass': 'bass' },
  ...{ drums: 'kit', 'acoustic drums': 'kit', 'electronic drums': 'kit' },
};
const familyOf = (part: string) => FAMILIES[part] ?? part;
const familiesOf = (attribute: number) =>
  [
    ...(MEANINGS[attribute]!.parts ?? []).map(({ voice }) => voice),
    ...(MEANINGS[attribute]!.drums ?? []).map(({ part }) => part),
  ].map((name) => familyOf(name));
const withoutFamilies = ({ parts }: Plan, families: readonly string[]): Part[] =>
  parts.filter(({ name, concept }) => !families.includes(familyOf(name)) && !families.includes(concept));
const shared = ({ parts: _parts, ...rest }: Plan) => rest;

describe('pairs of pieces', () => {
  it('differ in the part that is added, left out or swapped, and in no other', () =>
    fc.assert(
      fc.property(
        others,
        players,
        fc.constantFrom(...PLAYERS),
        fc.constantFrom(...PLAYERS),
        fc.integer(),
        (...args) => {
          const [context, band, one, another, seed] = args;
          const list = [...context, ...band];
          const touched = [...familiesOf(one), ...familiesOf(another)];
          const base = compose(list, seed, 8);
          const withOne = compose([...list, one], seed, 8);
          const withAnother = compose([...list, another], seed, 8);
          const without = compose(
            [...list, one].filter((x) => x !== one && x !== another),
            seed,
            8,
          );
          expect(shared(withOne)).toEqual(shared(base));
          expect(withoutFamilies(withOne, touched)).toEqual(withoutFamilies(base, touched));
          expect(withoutFamilies(withAnother, touched)).toEqual(withoutFamilies(withOne, touched));
          const isAnyLeft = band.some((x) => x !== one && x !== another);
          if (isAnyLeft) expect(withoutFamilies(without, touched)).toEqual(withoutFamilies(base, touched));
        },
      ),
      { seed: 20261123, numRuns: 200 },
    ));

  it('keep a part bit for bit where its family is not touched, in each of the players', () => {
    const band = ['piano', 'violin', 'drums', 'bass', 'flute', 'female voice', 'tambourine'].map(index);
    const base = compose(band, 3, 20);
    for (const player of PLAYERS) {
      const touched = familiesOf(player);
      const changed = compose([...band, player], 3, 20);
      const kept = withoutFamilies(changed, touched);
      expect(kept.length).toBeGreaterThanOrEqual(base.parts.length - 1);
      expect(kept).toEqual(withoutFamilies(base, touched));
    }
  });

  it('differ in nothing but what an absence silences', () =>
    fc.assert(
      fc.property(
        others,
        players,
        fc.constantFrom('no percussion', 'no voices'),
        fc.integer(),
        (context, band, name, seed) => {
          // The piano keeps something to hear: without it another piano would take the place of what is silenced.
          const list = [...context, ...band, index('piano')];
          const isSilenced = (part: Part) =>
            name === 'no percussion' ? part.channel === PERCUSSION_CHANNEL : SUNG.includes(part.name);
          const base = compose(list, seed, 8);
          const silenced = compose([...list, index(name)], seed, 8);
          expect(shared(silenced)).toEqual(shared(base));
          expect(silenced.parts).toEqual(base.parts.filter((part) => !isSilenced(part)));
        },
      ),
      { seed: 20261123 },
    ));

  it('have the same notes in beats at another tempo, in the texture of whichever was there first', () =>
    fc.assert(
      fc.property(players, fc.constantFrom('spare', 'full'), fc.integer(), (band, texture, seed) => {
        const slow = compose([...band, index('slow tempo')], seed, 20, texture);
        const fast = compose([...band, index('fast tempo')], seed, 20, texture);
        expect(slow.beatsPerMinute).toBeLessThan(fast.beatsPerMinute);
        slow.parts.forEach(({ notes, ...part }, i) => {
          const { notes: faster, ...same } = fast.parts[i]!;
          expect(same).toEqual(part);
          expect(faster.slice(0, notes.length)).toEqual(notes);
        });
      }),
      { seed: 20261123 },
    ));

  it('have the same rhythm, form and degrees of the scale in another mode', () => {
    const steps = { ionian: [0, 2, 4, 5, 7, 9, 11], dorian: [0, 2, 3, 5, 7, 9, 10] };
    const melody = ({ parts, tonic }: Plan, concept: string, mode: 'ionian' | 'dorian') =>
      parts
        .find((part) => part.concept === concept)!
        .notes.map(({ startBeats, key }) => [startBeats, steps[mode].indexOf((key - tonic + 120) % 12)]);
    for (let seed = 0; seed < 50; seed++) {
      const band = ['violin', 'cello', 'flute', 'bass guitar', 'guitar solo'];
      // "positive" is major, "mysterious" dorian; they differ in chord colour, loudness and space besides.
      const bright = compose([...band, 'positive'].map(index), seed, 20);
      const dark = compose([...band, 'mysterious'].map(index), seed, 20);
      expect([bright.mode, bright.isMinor, dark.mode, dark.isMinor]).toEqual(['ionian', false, 'dorian', true]);
      expect([dark.tonic, dark.beatsPerMinute, dark.form]).toEqual([bright.tonic, bright.beatsPerMinute, bright.form]);
      expect(dark.chords.map(({ degree }) => degree)).toEqual(bright.chords.map(({ degree }) => degree));
      for (const concept of band) {
        const degrees = melody(dark, concept, 'dorian');
        expect(degrees).toEqual(melody(bright, concept, 'ionian'));
        for (const [, degree] of degrees) expect(degree).not.toBe(-1);
      }
    }
  });
});
