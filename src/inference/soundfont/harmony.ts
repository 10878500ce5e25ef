import type { Colour } from './attributes/meaning';
import type { Mode } from './plan';

/**
 * Degrees and keys. Everything is composed in degrees of the scale (0 is the tonic near middle C, 7 the one above it),
 * and the mode says last which keys they are: another mode leaves every degree and rhythm where it is.
 */
const STEPS: Readonly<Record<Mode, readonly number[]>> = {
  phrygian: [0, 1, 3, 5, 7, 8, 10],
  aeolian: [0, 2, 3, 5, 7, 8, 10],
  dorian: [0, 2, 3, 5, 7, 9, 10],
  mixolydian: [0, 2, 4, 5, 7, 9, 10],
  ionian: [0, 2, 4, 5, 7, 9, 11],
  lydian: [0, 2, 4, 6, 7, 9, 11],
};
/** The lowest and the highest that a degree is in any mode. */
const LOWEST_STEPS = [0, 1, 3, 5, 7, 8, 10];
const HIGHEST_STEPS = [0, 2, 4, 6, 7, 9, 11];

const MIDDLE_C = 60;

/** A chord and the time in which it sounds. */
export interface Harmony {
  readonly startBeats: number;
  readonly durationBeats: number;
  /** Degree of the scale, 0 to 6. */
  readonly root: number;
  /** Degrees above the root. */
  readonly tones: readonly number[];
}

export const COLOUR_TONES: Readonly<Record<Colour, readonly number[]>> = {
  triad: [0, 2, 4],
  power: [0, 4, 7],
  seventh: [0, 2, 4, 6],
  ninth: [0, 2, 6, 8],
  sus: [0, 3, 4],
  cluster: [0, 1, 2, 4],
};

export interface Key {
  /** Pitch class, 0 to 11. */
  readonly tonic: number;
  readonly mode: Mode;
}

/** MIDI key of a degree while a chord sounds. */
export function keyOf({ tonic, mode }: Key, degree: number, root: number): number {
  const octave = Math.floor(degree / 7);
  const step = degree - 7 * octave;
  return baseOf(tonic) + 12 * octave + STEPS[mode][step]! + alteration(mode, step, root);
}

/** Dominants get their leading tone in minor, and the fourth degree its own root in lydian. */
function alteration(mode: Mode, step: number, root: number): number {
  if (root === 4 && step === 6 && (mode === 'aeolian' || mode === 'phrygian')) return 1;
  if (root === 4 && step === 1 && mode === 'phrygian') return 1;
  if (root === 3 && step === 3 && mode === 'lydian') return -1;
  return 0;
}

export interface DegreeRange {
  readonly low: number;
  readonly high: number;
}

/** The degrees that lie within a range of keys in every mode; at least an octave of them in a range of 15 semitones. */
export function degreesWithin([low, high]: readonly [number, number], tonic: number): DegreeRange {
  const keyWith = (steps: readonly number[], degree: number) => {
    const octave = Math.floor(degree / 7);
    return baseOf(tonic) + 12 * octave + steps[degree - 7 * octave]!;
  };
  let lowest = -40;
  while (keyWith(LOWEST_STEPS, lowest) < low) lowest++;
  let highest = 40;
  while (keyWith(HIGHEST_STEPS, highest) > high) highest--;
  return { low: lowest, high: highest };
}

/** The degree, moved by octaves until it lies within. */
export function fit(degree: number, { low, high }: DegreeRange): number {
  let fitted = degree;
  while (fitted > high) fitted -= 7;
  while (fitted < low) fitted += 7;
  return fitted;
}

const TRIAD = COLOUR_TONES.triad;

/**
 * The tone of the chord that is nearest to a degree; of two as near the lower. Melodies go by triads, so that the colour
 * of the chords leaves them as they are.
 */
export function nearestTone(degree: number, { root }: Harmony, tones: readonly number[] = TRIAD): number {
  for (let distance = 0; ; distance++) {
    for (const candidate of [degree - distance, degree + distance]) {
      if (tones.some((tone) => (candidate - root - tone) % 7 === 0)) return candidate;
    }
  }
}

/** A close chord whose voices move as little as they can from the chord before. */
export function voicing(harmony: Harmony, before: readonly number[] | null, middle: number): number[] {
  const isTone = (degree: number) => nearestTone(degree, harmony, harmony.tones) === degree;
  let best: number[] = [];
  let least = Infinity;
  for (let lowest = middle - 6; lowest <= middle + 1; lowest++) {
    if (!isTone(lowest)) continue;
    const chord = [lowest];
    while (chord.length < harmony.tones.length) {
      let next = chord.at(-1)! + 1;
      while (!isTone(next)) next++;
      chord.push(next);
    }
    const centre = Math.abs(chord[0]! + chord.at(-1)! - 2 * middle);
    const movement = before ? chord.reduce((sum, voice, i) => sum + Math.abs(voice - (before[i] ?? middle)), 0) : 0;
    const cost = 4 * movement + centre;
    if (cost < least) [best, least] = [chord, cost];
  }
  return best;
}

function baseOf(tonic: number): number {
  return MIDDLE_C + (tonic > 6 ? tonic - 12 : tonic);
}
