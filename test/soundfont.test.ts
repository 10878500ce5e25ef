import fc from 'fast-check';
import { carriedConcepts, CONCEPTS, findConcept } from '../src/concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../src/concepts/taxonomy';
import { tempoRange } from '../src/inference/soundfont/brief';
import { compose } from '../src/inference/soundfont/compose';
import { DRUM, DRUM_PART_NAMES, drumPartOf } from '../src/inference/soundfont/drum-parts';
import { METRES, PERCUSSION_CHANNEL, type Plan } from '../src/inference/soundfont/plan';
import { ORCHESTRA, VOICES } from '../src/inference/soundfont/voices';

const attributes = fc
  .subarray(
    ATTRIBUTES.map(({ index }) => index),
    { minLength: 1, maxLength: 12 },
  )
  .map((list) => [...list].sort((a, b) => a - b));
const indices = (...names: string[]) => names.map((name) => findAttribute(name)!.index).sort((a, b) => a - b);
const conceptsOf = (list: readonly number[]) => new Set(carriedConcepts(list).map((index) => CONCEPTS[index]!.name));
const pitched = (plan: Plan) => plan.parts.filter(({ channel }) => channel !== PERCUSSION_CHANNEL);
const percussive = (plan: Plan) => plan.parts.filter(({ channel }) => channel === PERCUSSION_CHANNEL);
const PITCHED_CONCEPTS = [...new Set(VOICES.map(({ concept }) => concept))];
const SUNG_CONCEPTS = new Set(VOICES.filter(({ isSung }) => isSung).map(({ concept }) => concept));
const DRUM_CONCEPTS = DRUM_PART_NAMES.map((name) => drumPartOf(name).concept);
const narrowerOf = (concept: string) => findConcept(concept)!.includes.map((index) => CONCEPTS[index]!.name);

describe('the composer', () => {
  it('gives the same piece for the same attributes and seed, in any order', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        const plan = compose(list, seed, 20);
        expect(compose(list, seed, 20)).toEqual(plan);
        expect(compose([...list].reverse(), seed, 20)).toEqual(plan);
      }),
      { seed: 20261123 },
    ));

  it('never gives the same piece for two seeds', () => {
    const lists = [indices('piano', 'violin', 'drums', 'sad'), indices('techno'), indices('drums'), indices('violin')];
    for (const list of lists) {
      const pieces = new Set<string>();
      for (let seed = 0; seed < 500; seed++) pieces.add(JSON.stringify(compose(list, seed, 10).parts));
      expect(pieces.size).toBe(500);
    }
  });

  it('gives pieces of one list that share much of their rhythm and less of their notes', () => {
    const list = indices('piano', 'bass guitar', 'drums', 'violin', 'pop', 'happy');
    const pieces = Array.from({ length: 200 }, (_piece, seed) => {
      const { parts, tonic } = compose(list, seed, 20);
      const all = parts.flatMap(({ name, notes }) =>
        notes.map(({ startBeats, key }) => ({
          onset: `${name} ${startBeats.toFixed(2)}`,
          degree: (key - tonic + 12) % 12,
        })),
      );
      return {
        onsets: new Set(all.map(({ onset }) => onset)),
        notes: new Set(all.map(({ onset, degree }) => `${onset} ${degree}`)),
      };
    });
    const shared = (a: ReadonlySet<string>, b: ReadonlySet<string>) => {
      const both = [...a].filter((one) => b.has(one)).length;
      return both / (a.size + b.size - both);
    };
    const most = { onsets: 0, notes: 0 };
    pieces.forEach((piece, i) => {
      for (const other of pieces.slice(0, i)) {
        most.onsets = Math.max(most.onsets, shared(piece.onsets, other.onsets));
        most.notes = Math.max(most.notes, shared(piece.notes, other.notes));
      }
    });
    // Of 124,750 pairs in docs/soundfont-fidelity.md the most alike have 0.944 and 0.768.
    expect(most.onsets).toBeLessThan(0.96);
    expect(most.notes).toBeLessThan(0.8);
  });

  it('plays every instrument and voice that is asked for and, if any is, no other', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        const plan = compose(list, seed, 10);
        const asked = conceptsOf(list);
        const isAsked = (concept: string) =>
          asked.has(concept) && !(asked.has('no vocals') && SUNG_CONCEPTS.has(concept));
        const askedPitched = PITCHED_CONCEPTS.filter(isAsked);
        const askedDrums = asked.has('no percussion') ? [] : DRUM_CONCEPTS.filter((concept) => asked.has(concept));
        const played = new Set(pitched(plan).map(({ concept }) => concept));
        const beaten = new Set(percussive(plan).map(({ concept }) => concept));

        const isNothingAsked = askedDrums.length === 0 && askedPitched.every((concept) => concept === 'ambient sounds');
        if (isNothingAsked) {
          expect([...played].sort()).toEqual([...askedPitched, 'piano'].sort());
          expect(asked.has('no percussion') ? [...beaten] : []).toEqual([]);
          return;
        }
        for (const concept of played) expect(askedPitched).toContain(concept);
        for (const concept of beaten) expect(askedDrums).toContain(concept);
        for (const concept of askedPitched) {
          const isCovered = concept === 'bass' && (played.has('bass guitar') || played.has('synthesizer'));
          expect(played.has(concept) || isCovered || narrowerOf(concept).some((name) => played.has(name))).toBe(true);
        }
        for (const concept of askedDrums) {
          expect(beaten.has(concept) || narrowerOf(concept).some((name) => beaten.has(name))).toBe(true);
        }
      }),
      { seed: 20261123, numRuns: 500 },
    ));

  it('has no percussion and no voice where that is asked for', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        expect(percussive(compose([...list, ...indices('no percussion')], seed, 10))).toEqual([]);
        for (const absence of ['no voices', 'no voice', 'no singer']) {
          const plan = compose([...list, ...indices(absence)], seed, 10);
          expect(plan.parts.filter(({ concept }) => SUNG_CONCEPTS.has(concept))).toEqual([]);
          expect(plan.parts.length).toBeGreaterThan(0);
        }
      }),
      { seed: 20261123 },
    ));

  it('plays a piano where nothing is asked to play, and drums with it only for a beat', () => {
    const parts = (...names: string[]) => compose(indices(...names), 1, 10).parts.map(({ concept }) => concept);
    expect(parts('sad')).toEqual(['piano']);
    expect(parts('no percussion', 'no voices')).toEqual(['piano']);
    expect(parts('dance rhythm')).toEqual(['piano', 'drums']);
    expect(parts('dance rhythm', 'no percussion')).toEqual(['piano']);
    expect(parts('dance rhythm', 'violin')).toEqual(['violin']);
  });

  it('keeps to ranges and durations, a channel a voice, with every part in the first beat', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), fc.integer({ min: 1, max: 30 }), (list, seed, seconds) => {
        const plan = compose(list, seed, seconds);
        const durationBeats = (seconds * plan.beatsPerMinute) / 60;
        expect(new Set(plan.parts.map(({ name }) => name)).size).toBe(plan.parts.length);
        for (const part of plan.parts) {
          const voice = [...VOICES, ...ORCHESTRA].find(({ name }) => name === part.name);
          expect(part.channel).toBe(voice?.channel ?? PERCUSSION_CHANNEL);
          expect(part.notes[0]!.startBeats).toBeLessThan(0.75);
          const ends = new Map<number, number>();
          for (const { startBeats, durationBeats: length, key, velocity } of part.notes) {
            expect(startBeats).toBeLessThan(durationBeats);
            expect(length).toBeGreaterThan(0);
            expect(velocity).toBeGreaterThanOrEqual(1);
            expect(velocity).toBeLessThanOrEqual(127);
            // No key is struck while it still sounds.
            expect(ends.get(key) ?? 0).toBeLessThanOrEqual(startBeats + 1e-9);
            ends.set(key, startBeats + length);
            if (voice) expect(key >= voice.range[0] && key <= voice.range[1]).toBe(true);
            else expect(Object.values(DRUM)).toContain(key);
          }
        }
      }),
      { seed: 20261123 },
    ));

  it('goes on as it began: a longer piece starts with the shorter one', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), fc.integer({ min: 1, max: 20 }), (list, seed, seconds) => {
        const [short, long] = [compose(list, seed, seconds), compose(list, seed, seconds + 13)];
        short.parts.forEach((part, i) => {
          expect(long.parts[i]!.notes.slice(0, part.notes.length)).toEqual(part.notes);
        });
      }),
      { seed: 20261123 },
    ));

  it('has sections and chords without a gap, in whole bars', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        const plan = compose(list, seed, 30);
        for (const spans of [plan.form, plan.chords]) {
          let end = 0;
          for (const { startBeats, durationBeats } of spans) {
            expect(startBeats).toBe(end);
            end += durationBeats;
          }
          expect(end).toBeGreaterThanOrEqual((30 * plan.beatsPerMinute) / 60);
        }
        for (const { durationBeats } of plan.form) expect(durationBeats % METRES[plan.metre].beatsPerBar).toBe(0);
      }),
      { seed: 20261123 },
    ));

  it('keeps to the range of beats per minute that is asked for', () =>
    fc.assert(
      fc.property(attributes, fc.integer(), (list, seed) => {
        const [low, high] = tempoRange(list);
        const { beatsPerMinute } = compose(list, seed, 1);
        expect(low).toBeLessThanOrEqual(beatsPerMinute);
        expect(high).toBeGreaterThanOrEqual(beatsPerMinute);
      }),
      { seed: 20261123, numRuns: 500 },
    ));

  it('plays a slow piece on its beats, whatever the genre, but for tunes and what is asked for between them', () => {
    const isBetween = ({ startBeats }: { startBeats: number }) => !Number.isInteger(startBeats);
    const accompaniment = [
      'piano',
      'acoustic guitar',
      'strings',
      'bass guitar',
      'drums',
      'shimmering shakers',
      'percussion',
    ];
    const between = (...names: string[]) => {
      const plans = [0, 1, 2, 3, 4].map((seed) => compose(indices(...accompaniment, ...names), seed, 20));
      return plans.flatMap(({ parts }) => parts.filter(({ notes }) => notes.some(isBetween)).map(({ name }) => name));
    };
    for (const genre of ['techno', 'jazz', 'reggae', 'latin dance music', 'funk', 'ambient', 'country']) {
      expect(between(genre, 'slow tempo')).toEqual([]);
      expect(between(genre)).not.toEqual([]);
    }
    expect(between('slow tempo', 'groovy bass')).toContain('bass guitar');
    expect(between('slow tempo', 'groovy drumming rhythm')).toContain('drums');
    expect(between('slow tempo', 'violin', 'pop')).toContain('violin');
    // Six-eight is heard by what is between its beats.
    const rock = Array.from({ length: 10 }, (_, seed) => compose(indices(...accompaniment, 'slow rock'), seed, 20));
    for (const { metre, parts } of rock) {
      const { notes } = parts.find(({ name }) => name === 'drums')!;
      expect(notes.some(isBetween)).toBe(metre === '6/8');
    }
    expect(new Set(rock.map(({ metre }) => metre)).size).toBe(2);
    // Whatever is left out, every player is there.
    for (const { parts } of [0, 1, 2].map((seed) => compose(indices(...accompaniment, 'techno', 'slow'), seed, 5))) {
      expect(parts.every(({ notes }) => notes.length > 4)).toBe(true);
    }
  });

  it.each([
    ['slow tempo', 66, 76],
    ['medium tempo', 92, 116],
    ['fast tempo', 132, 168],
  ])('takes %s as %i to %i beats a minute, whatever the genre', (tempo, low, high) => {
    for (const genre of ['techno', 'ambient', 'jazz', 'ballad', 'trap']) {
      for (let seed = 0; seed < 50; seed++) {
        const { beatsPerMinute } = compose(indices(tempo, genre, 'piano'), seed, 5);
        expect(beatsPerMinute).toBeGreaterThanOrEqual(low);
        expect(beatsPerMinute).toBeLessThanOrEqual(high);
      }
    }
  });
});
