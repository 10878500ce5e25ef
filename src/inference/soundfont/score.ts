import type { Brief } from './brief';
import { COLOUR_TONES, type Harmony, type Key } from './harmony';
import { MODES, type Metre, type Mode, type Section } from './plan';
import { chance, pick, stream } from './streams';
import { styleOf, type Style } from './styles';

/**
 * What all parts share: key, metre, styles, form and chords. Each is decided by a stream of its own, and as long as the
 * piece goes on the same way: a longer piece begins like a shorter one.
 */
export interface Score {
  readonly seed: number;
  readonly brief: Brief;
  readonly metre: Metre;
  readonly key: Key;
  /** Accompaniment and percussion play on the beats alone; six-eight is heard by what is between them. */
  readonly isSpare: boolean;
  /** Of several genres one decides the accompaniment and the tune, one the bass, one the percussion. */
  readonly styles: { readonly comp: Style; readonly bass: Style; readonly groove: Style };
  readonly sections: readonly Section[];
  readonly bars: readonly Bar[];
}

/** Three or four beats; of 6/8 two written bars. */
export interface Bar {
  readonly index: number;
  readonly startBeats: number;
  readonly beats: number;
  /** Of the section, without its strokes: what repeats under a letter is the same. */
  readonly letter: string;
  readonly label: string;
  readonly barInSection: number;
  readonly sectionBars: number;
  /** From 0; a phrase has four bars. */
  readonly phrase: number;
  readonly barInPhrase: number;
  readonly chords: readonly Harmony[];
}

export const BARS_PER_PHRASE = 4;

export function scoreOf(brief: Brief, seed: number, durationBeats: number): Score {
  const metre = metreOf(brief, seed);
  const styles = brief.styles.length > 0 ? brief.styles : (['plain'] as const);
  const styleFor = (what: string) => styleOf(pick(stream(seed, 'style', what), styles));
  const harmony = styleFor('harmony');
  const colour = brief.colours.length > 0 ? pick(stream(seed, 'colour'), brief.colours) : harmony.colour;
  const barBeats = metre === '3/4' ? 3 : 4;
  const sections: Section[] = [];
  const bars: Bar[] = [];
  const form = formOf(brief, seed, harmony);
  // One section more than is heard: what leads into it is there already.
  for (let phrase = 0, start = 0, isBeyond = false; !isBeyond;) {
    isBeyond = start >= durationBeats;
    const { label, bars: count } = form.next().value;
    const degrees = progressionOf(harmony, seed, label, count);
    sections.push({ label, startBeats: start, durationBeats: count * barBeats });
    for (let i = 0; i < count; i++, start += barBeats) {
      const roots = degrees[i]!;
      bars.push({
        index: bars.length,
        startBeats: start,
        beats: barBeats,
        letter: letterOf(label),
        label,
        barInSection: i,
        sectionBars: count,
        phrase: phrase + Math.floor(i / BARS_PER_PHRASE),
        barInPhrase: i % BARS_PER_PHRASE,
        chords: roots.map((root, half) => ({
          startBeats: start + half * 2,
          durationBeats: roots.length === 1 ? barBeats : half === 0 ? 2 : barBeats - 2,
          root,
          tones: COLOUR_TONES[colour],
        })),
      });
    }
    phrase += Math.ceil(count / BARS_PER_PHRASE);
  }
  return {
    seed,
    brief,
    metre,
    isSpare: brief.texture === 'spare' && metre !== '6/8',
    key: { tonic: stream(seed, 'tonic').below(12), mode: modeOf(brief, seed) },
    styles: { comp: styleFor('comp'), bass: styleFor('bass'), groove: styleFor('groove') },
    sections,
    bars,
  };
}

/** Within the range asked for, nearer to one end where the moods lean to it. */
export function tempoOf({ bpm: [low, high], tempoLean }: Brief, seed: number): number {
  const random = stream(seed, 'tempo').below(1001) / 1000;
  const share = tempoLean < 0 ? random * (1 + tempoLean) : tempoLean + random * (1 - tempoLean);
  return Math.round(low + (high - low) * share);
}

/** The chord that sounds at a time within a bar. */
export function chordAt(bar: Bar, beats: number): Harmony {
  return bar.chords.find(({ startBeats, durationBeats }) => beats < startBeats + durationBeats) ?? bar.chords.at(-1)!;
}

function metreOf({ metres }: Brief, seed: number): Metre {
  return metres.length > 0 ? pick(stream(seed, 'metre'), metres) : '4/4';
}

const MODES_WHERE_NONE_IS_ASKED: readonly Mode[] = [
  ...(['ionian', 'ionian', 'ionian', 'ionian', 'aeolian', 'aeolian', 'aeolian'] as const),
  ...(['dorian', 'mixolydian'] as const),
];

function modeOf({ brightness }: Brief, seed: number): Mode {
  return brightness === null ? pick(stream(seed, 'mode'), MODES_WHERE_NONE_IS_ASKED) : MODES[brightness]!;
}

const FORMS = ["A A' B A", "A A' B B'", 'A B A C', "A A' B C", "A B A' B'"];
const REPETITIVE_FORMS = ["A A A' A", 'A A A A', "A A' A A'"];

/** Sections without end: a form, then another one with the same letters. */
function* formOf(brief: Brief, seed: number, style: Style): Generator<{ label: string; bars: number }, never> {
  const bars = style.sectionBars ?? pick(stream(seed, 'section bars'), [4, 4, 4, 8]);
  for (let cycle = 0; ; cycle++) {
    const form = pick(stream(seed, 'form', cycle), brief.isRepetitive ? REPETITIVE_FORMS : FORMS);
    for (const label of form.split(' ')) yield { label, bars };
  }
}

function letterOf(label: string): string {
  return label.replace(/'/g, '');
}

/** Roots of the chords of a section, 0 to 6, a list a bar. What varies a section ends on another chord. */
function progressionOf({ progressions }: Style, seed: number, label: string, bars: number): number[][] {
  const letter = letterOf(label);
  // Letters take progressions in turn, so that B is another one than A where there are two.
  const first = stream(seed, 'harmony').below(progressions.length);
  const second = stream(seed, 'harmony', 'turn').below(Math.max(1, progressions.length - 1)) + 1;
  const place = first + second * (letter.charCodeAt(0) - 'A'.charCodeAt(0));
  const progression = progressions[place % progressions.length]!.split(' ').map((bar) =>
    bar.split('/').map((degree) => Number(degree) - 1),
  );
  const roots = Array.from({ length: bars }, (_, bar) => [...progression[bar % progression.length]!]);
  const random = stream(seed, 'cadence', label);
  // Half a cadence in the middle of eight bars, and at the end of a varied section.
  if (bars === 8 && chance(random, 60)) roots[3] = [pick(random, [4, 4, 3])];
  if (label !== letter && chance(random, 70)) roots[bars - 1] = [pick(random, [4, 3, 1])];
  return roots;
}
