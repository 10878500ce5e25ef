import { carriedConcepts, CONCEPTS } from '../../concepts/concepts';
import { Random } from '../../concepts/random';
import {
  DEFAULT_DYNAMICS,
  DEFAULT_TEMPO,
  DRUM,
  DYNAMICS,
  FALLBACK,
  GROOVES,
  MINOR,
  TEMPI,
  VOICES,
  type Voice,
} from './instruments';

/**
 * From attributes to a piece of music: a plan of notes, pure and seeded. Phrases of four bars with a chord progression
 * each, every voice in its role, drums with a fill at the end of a phrase.
 */
export interface Note {
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** MIDI key, 0 to 127. */
  readonly key: number;
  /** 1 to 127. */
  readonly velocity: number;
}

export interface Part {
  /** The concept that it sounds. */
  readonly concept: string;
  /** MIDI channel; 9 is percussion. */
  readonly channel: number;
  /** General MIDI program, from 0. */
  readonly program: number;
  readonly notes: readonly Note[];
}

export interface Plan {
  readonly beatsPerMinute: number;
  readonly isMinor: boolean;
  /** Pitch class of the tonic, from C = 0. */
  readonly tonic: number;
  readonly parts: readonly Part[];
}

export const PERCUSSION_CHANNEL = 9;
const BARS_PER_PHRASE = 4;
const BEATS_PER_BAR = 4;

const MAJOR_SCALE = [0, 2, 4, 5, 7, 9, 11];
const MINOR_SCALE = [0, 2, 3, 5, 7, 8, 10];
/** Scale degrees of the chords of a phrase, from 0. */
const PROGRESSIONS = {
  major: [
    [0, 4, 5, 3],
    [0, 5, 3, 4],
    [0, 3, 1, 4],
    [3, 4, 0, 5],
  ],
  minor: [
    [0, 5, 2, 6],
    [0, 3, 4, 0],
    [0, 6, 5, 4],
    [5, 6, 0, 0],
  ],
} as const;

/** @param attributes taxonomy indices */
export function compose(attributes: readonly number[], seed: number, durationSeconds: number): Plan {
  const concepts = new Set(carriedConcepts(attributes).map((index) => CONCEPTS[index]!.name));
  const random = new Random(seed);
  const tempo = average(namedValues(TEMPI, concepts)) ?? DEFAULT_TEMPO;
  const beatsPerMinute = Math.round(tempo) + random.below(7) - 3;
  const isMinor = MINOR.some((concept) => concepts.has(concept));
  const tonic = random.below(12);
  const loudness = Math.round(average(namedValues(DYNAMICS, concepts)) ?? DEFAULT_DYNAMICS);

  const secondsPerBeat = 60 / beatsPerMinute;
  const bars = Math.ceil(durationSeconds / (secondsPerBeat * BEATS_PER_BAR));
  const harmony = composeHarmony(random, isMinor, tonic, bars);
  const context: Context = { random, harmony, secondsPerBeat, loudness, scale: scaleOf(isMinor, tonic) };

  const voices = voicesOf(concepts);
  const parts = voices.map((voice, i): Part => ({
    concept: voice.concept,
    channel: i < PERCUSSION_CHANNEL ? i : i + 1,
    program: voice.program,
    notes: withinDuration(PLAYERS[voice.role](context, voice), durationSeconds),
  }));
  const drums = withinDuration(playDrums(context, concepts), durationSeconds);
  if (drums.length > 0) parts.push({ concept: 'percussion', channel: PERCUSSION_CHANNEL, program: 0, notes: drums });
  return { beatsPerMinute, isMinor, tonic, parts };
}

interface Chord {
  /** Pitch classes, root first. */
  readonly tones: readonly number[];
}

interface Context {
  readonly random: Random;
  /** A chord a bar. */
  readonly harmony: readonly Chord[];
  readonly secondsPerBeat: number;
  readonly loudness: number;
  /** Pitch classes. */
  readonly scale: readonly number[];
}

/** The asked voices; a broader concept only where no narrower one of it is asked for. */
function voicesOf(concepts: ReadonlySet<string>): Voice[] {
  const asked = VOICES.filter(({ concept }) => concepts.has(concept));
  const isCovered = (voice: Voice) =>
    asked.some((other) =>
      CONCEPTS.find(({ name }) => name === voice.concept)!.includes.some((i) => CONCEPTS[i]!.name === other.concept),
    );
  const voices = asked.filter((voice) => !isCovered(voice));
  const hasDrums = Object.keys(GROOVES).some((concept) => concepts.has(concept));
  // Fifteen channels besides percussion.
  return voices.length > 0 || hasDrums ? voices.slice(0, 15) : [FALLBACK];
}

function composeHarmony(random: Random, isMinor: boolean, tonic: number, bars: number): Chord[] {
  const scale = scaleOf(isMinor, tonic);
  const choices = PROGRESSIONS[isMinor ? 'minor' : 'major'];
  const chords: Chord[] = [];
  while (chords.length < bars) {
    for (const degree of choices[random.below(choices.length)]!) {
      chords.push({ tones: [0, 2, 4].map((step) => scale[(degree + step) % 7]!) });
    }
  }
  return chords;
}

function scaleOf(isMinor: boolean, tonic: number): number[] {
  return (isMinor ? MINOR_SCALE : MAJOR_SCALE).map((step) => (step + tonic) % 12);
}

type Player = (context: Context, voice: Voice) => Note[];

const PLAYERS: Readonly<Record<Voice['role'], Player>> = {
  chords({ random, harmony, secondsPerBeat, loudness }, { range }) {
    const patterns = [
      [0, 2],
      [0, 1.5, 3],
      [0, 1, 2, 3],
      [0, 0.5, 1.5, 2, 3],
    ];
    let pattern = patterns[0]!;
    return harmony.flatMap((chord, bar) => {
      if (bar % BARS_PER_PHRASE === 0) pattern = patterns[random.below(patterns.length)]!;
      const keys = voicing(chord, range);
      return pattern.flatMap((beat, i) =>
        keys.map((key) =>
          note(
            bar,
            beat,
            (pattern[i + 1] ?? BEATS_PER_BAR) - beat,
            key,
            loudness - 10 + random.below(9),
            secondsPerBeat,
          ),
        ),
      );
    });
  },
  pad({ random, harmony, secondsPerBeat, loudness }, { range }) {
    return harmony.flatMap((chord, bar) =>
      voicing(chord, range).map((key) =>
        note(bar, 0, BEATS_PER_BAR, key, loudness - 18 + random.below(7), secondsPerBeat),
      ),
    );
  },
  bass({ random, harmony, secondsPerBeat, loudness }, { range }) {
    return harmony.flatMap((chord, bar) => {
      const root = nearest(chord.tones[0]!, (range[0] + range[1]) / 2, range);
      const fifth = nearest(chord.tones[2]!, root, range);
      const line = [root, root, fifth, random.below(2) === 0 ? root : fifth];
      return line.map((key, beat) => note(bar, beat, 0.9, key, loudness + random.below(7), secondsPerBeat));
    });
  },
  lead({ random, harmony, scale, secondsPerBeat, loudness }, { range }) {
    let key = nearest(scale[0]!, (range[0] + range[1]) / 2, range);
    return harmony.flatMap((chord, bar) => {
      const notes: Note[] = [];
      for (let beat = 0; beat < BEATS_PER_BAR;) {
        const length = [0.5, 1, 1, 1.5, 2][random.below(5)]!;
        const end = Math.min(BEATS_PER_BAR, beat + length);
        // A chord tone on the beat, a step along the scale between; the end of a phrase rests.
        key =
          Number.isInteger(beat) && random.below(3) > 0
            ? nearest(chord.tones[random.below(3)]!, key, range)
            : nearest(scale[random.below(7)]!, key, range);
        const isRest = random.below(6) === 0 || (bar % BARS_PER_PHRASE === BARS_PER_PHRASE - 1 && beat >= 2);
        if (!isRest)
          notes.push(note(bar, beat, (end - beat) * 0.95, key, loudness + 4 + random.below(9), secondsPerBeat));
        beat = end;
      }
      return notes;
    });
  },
};

function playDrums({ random, harmony, secondsPerBeat, loudness }: Context, concepts: ReadonlySet<string>): Note[] {
  const narrow = Object.keys(GROOVES).filter((concept) => concepts.has(concept));
  const grooves = narrow.filter((concept) => {
    const { includes } = CONCEPTS.find(({ name }) => name === concept)!;
    return !narrow.some((other) => includes.some((i) => CONCEPTS[i]!.name === other)) || concept === 'drums';
  });
  return harmony.flatMap((_chord, bar) => {
    const isFill = bar % BARS_PER_PHRASE === BARS_PER_PHRASE - 1;
    return grooves.flatMap((concept) =>
      Object.entries(GROOVES[concept]!).flatMap(([drum, steps]) =>
        steps.flatMap((step) => {
          // A fill thins the groove out at the end of a phrase.
          if (isFill && step >= 12 && random.below(3) === 0) return [];
          const key = DRUM[drum as keyof typeof DRUM];
          return [
            note(bar, step / 4, 0.2, key, loudness - 4 + (step % 4 === 0 ? 10 : 0) + random.below(7), secondsPerBeat),
          ];
        }),
      ),
    );
  });
}

function note(bar: number, beat: number, beats: number, key: number, velocity: number, secondsPerBeat: number): Note {
  return {
    startSeconds: (bar * BEATS_PER_BAR + beat) * secondsPerBeat,
    durationSeconds: beats * secondsPerBeat,
    key,
    velocity: Math.max(1, Math.min(127, velocity)),
  };
}

/** A key for every tone of the chord, close together in the middle of the range. */
function voicing({ tones }: Chord, range: readonly [number, number]): number[] {
  return tones.map((tone) => nearest(tone, (range[0] + range[1]) / 2, range));
}

/** The key of a pitch class in the range that is nearest to another key. */
function nearest(pitchClass: number, to: number, [low, high]: readonly [number, number]): number {
  let best = low;
  for (let key = low; key <= high; key++) {
    if (key % 12 === pitchClass && (best % 12 !== pitchClass || Math.abs(key - to) < Math.abs(best - to))) best = key;
  }
  return best;
}

function withinDuration(notes: readonly Note[], durationSeconds: number): Note[] {
  return notes.filter(({ startSeconds }) => startSeconds < durationSeconds);
}

function namedValues(table: Readonly<Record<string, number>>, concepts: ReadonlySet<string>): number[] {
  return Object.entries(table).flatMap(([concept, value]) => (concepts.has(concept) ? [value] : []));
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
