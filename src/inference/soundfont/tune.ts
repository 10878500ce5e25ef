import type { Contour } from './attributes/meaning';
import { nearestTone } from './harmony';
import { chordAt, type Bar, type Score } from './score';
import { chance, pick, stream } from './streams';
import type { Style } from './styles';
import type { Random } from '../../concepts/random';

/** A note of the tune, in degrees around the tonic near middle C. */
export interface TuneNote {
  readonly startBeats: number;
  readonly durationBeats: number;
  readonly degree: number;
}

/** Lengths in beats of the notes of a bar of four; a bar of three leaves off what is beyond. */
const RHYTHMS: Readonly<Record<Style['tune'], readonly (readonly number[])[]>> = {
  sparse: [
    [2, 2],
    [3, 1],
    [1.5, 2.5],
    [1, 1, 2],
    [2, 1, 1],
  ],
  flowing: [
    [1, 1, 1, 1],
    [1, 0.5, 0.5, 2],
    [1.5, 0.5, 1, 1],
    [0.5, 0.5, 1, 1, 1],
    [1, 1, 0.5, 0.5, 1],
    [2, 1, 0.5, 0.5],
  ],
  busy: [
    [0.5, 0.5, 0.5, 0.5, 1, 1],
    [1, 0.5, 0.5, 0.5, 0.5, 1],
    [0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5],
    [0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.5],
  ],
  syncopated: [
    [0.5, 1, 0.5, 1.5, 0.5],
    [0.75, 0.75, 0.5, 1, 1],
    [1, 0.5, 1, 0.5, 1],
    [1.5, 0.5, 0.5, 1, 0.5],
    [0.5, 0.5, 1, 0.5, 1, 0.5],
  ],
};

/** Steps that motifs prefer, and where the bars of a phrase stand, in degrees. */
const CONTOURS: Readonly<Record<Contour, { steps: readonly number[]; bars: readonly number[] }>> = {
  arch: { steps: [1, 1, 2, -1, 1, -2], bars: [0, 2, 3, 0] },
  rising: { steps: [1, 1, 1, 2, 1], bars: [0, 1, 3, 4] },
  falling: { steps: [-1, -1, -1, -2, 1], bars: [4, 3, 1, 0] },
  wave: { steps: [1, -1, 2, -2, 1, -1], bars: [1, 0, 2, 0] },
};

interface Motif {
  readonly rhythm: readonly number[];
  /** Degrees above the first note, one a note. */
  readonly offsets: readonly number[];
}

/**
 * The tune, a list of notes a bar. Phrases are made of motifs: stated, answered by a repetition or a sequence on the
 * next chord, varied, and brought to a long note that leaves room to breathe. What repeats in the form repeats; what
 * varies a section ends otherwise.
 */
export function tuneOf(score: Score): TuneNote[][] {
  const { brief, seed } = score;
  const contour = brief.contours.length > 0 ? brief.contours : (['arch', 'wave', 'arch', 'rising', 'falling'] as const);
  let anchor = 0;
  return score.bars.map((bar) => {
    const letter = stream(seed, 'tune', bar.letter);
    const shape = CONTOURS[pick(letter, contour)];
    const plan = pick(letter, PHRASES);
    const motifs = { a: motifOf(letter, score, shape.steps), b: motifOf(letter, score, shape.steps) };
    const varied = stream(seed, 'tune', bar.label, bar.barInSection);
    const isVaried = bar.label !== bar.letter && bar.barInPhrase >= 2;
    if (bar.barInPhrase === 0) anchor = 0;
    const target = shape.bars[bar.barInPhrase]! + (isVaried ? varied.below(3) - 1 : 0);
    // The bar begins near where the last one did, drawn to where the phrase goes.
    anchor = nearestTone(Math.round((anchor + 2 * target) / 3), bar.chords[0]!);
    if (bar.barInPhrase === 3) return cadence(bar, anchor, varied);
    const motif = motifs[plan[bar.barInPhrase]!];
    return stateMotif(bar, isVaried ? variationOf(motif, varied) : motif, anchor);
  });
}

/** Motifs of the first three bars of a phrase; the fourth is the cadence. */
const PHRASES: readonly (readonly ('a' | 'b')[])[] = [
  ['a', 'a', 'b'],
  ['a', 'b', 'a'],
  ['a', 'a', 'a'],
  ['a', 'b', 'b'],
];

function motifOf(random: Random, { styles }: Score, steps: readonly number[]): Motif {
  const rhythm = pick(random, RHYTHMS[styles.comp.tune]);
  const offsets = [0];
  while (offsets.length < rhythm.length) offsets.push(clamp(offsets.at(-1)! + pick(random, steps), -4, 5));
  return { rhythm, offsets };
}

function variationOf({ rhythm, offsets }: Motif, random: Random): Motif {
  switch (random.below(3)) {
    case 0:
      return { rhythm, offsets: offsets.map((offset) => -offset) };
    case 1:
      return { rhythm: [...rhythm].reverse(), offsets };
    default:
      return { rhythm, offsets: offsets.map((offset, i) => (i === offsets.length - 1 ? offset + 2 : offset)) };
  }
}

/** Notes on a strong beat are tones of the chord, the others go by the motif. */
function stateMotif(bar: Bar, { rhythm, offsets }: Motif, anchor: number): TuneNote[] {
  const notes: TuneNote[] = [];
  let at = 0;
  rhythm.forEach((length, i) => {
    if (at < bar.beats) {
      const startBeats = bar.startBeats + at;
      const wanted = anchor + offsets[i]!;
      const degree = at % 2 === 0 || length >= 1.5 ? nearestTone(wanted, chordAt(bar, startBeats)) : wanted;
      notes.push({ startBeats, durationBeats: Math.min(length, bar.beats - at), degree });
    }
    at += length;
  });
  return notes;
}

/** A long note, with or without a step before it; the end of the bar is silent. */
function cadence(bar: Bar, anchor: number, random: Random): TuneNote[] {
  const rest = 1;
  const goal = nearestTone(anchor, bar.chords.at(-1)!);
  if (chance(random, 40)) {
    return [
      { startBeats: bar.startBeats, durationBeats: bar.beats - rest, degree: nearestTone(anchor, bar.chords[0]!) },
    ];
  }
  return [
    { startBeats: bar.startBeats, durationBeats: 0.5, degree: goal + pick(random, [2, 1, -2]) },
    { startBeats: bar.startBeats + 0.5, durationBeats: 0.5, degree: goal + pick(random, [1, -1]) },
    { startBeats: bar.startBeats + 1, durationBeats: bar.beats - 1 - rest, degree: goal },
  ];
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(high, value));
}
