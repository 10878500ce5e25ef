import { fit, keyOf, type DegreeRange } from './harmony';
import type { Note, Swing } from './plan';
import { chordAt, type Bar, type Score } from './score';
import { chance, stream } from './streams';

/** A note as it is composed: straight, in degrees, with a loudness of its own. */
export interface Stroke {
  readonly startBeats: number;
  readonly durationBeats: number;
  /** Degree of the scale, 0 near middle C; in percussion the MIDI key. */
  readonly pitch: number;
  /** Louder or softer than the part, in steps of velocity. */
  readonly loud: number;
}

export interface Performance {
  /** Name of the part: its random streams are its own. */
  readonly name: string;
  /** Louder or softer than the piece, in steps of velocity. */
  readonly loud: number;
  /** Degrees; null in percussion, whose pitches are keys. */
  readonly range: DegreeRange | null;
  /** Share of its length for which a note sounds, at least; held sounds overrule staccato. */
  readonly leastLength: number;
  /** Of the notes on a beat so many of a hundred come an eighth early. */
  readonly anticipation: number;
  /** Chords change an eighth early. */
  readonly isHarmonyEarly: boolean;
  /** A melody instrument leaps where the moods ask for leaps. */
  readonly isLeaping: boolean;
  /** One note at a time. */
  readonly isMonophonic: boolean;
}

/** From strokes to notes: early notes, loudness, articulation, register, swing. */
export function perform(score: Score, strokes: readonly Stroke[], how: Performance): Note[] {
  const { brief, seed } = score;
  const swing = swingOf(score);
  const notes = strokes.flatMap((stroke): Note[] => {
    const bar = barAt(score, stroke.startBeats);
    const random = stream(seed, 'perform', how.name, Math.round(stroke.startBeats * 48));
    const jitter = random.below(7) - 3;
    const inBar = stroke.startBeats - bar.startBeats;
    const isOnBeat = Number.isInteger(stroke.startBeats);
    const isEarly = isOnBeat && chance(random, how.anticipation) && (inBar === 1 || inBar === 3 || bar.index > 0);
    const isChordEarly = how.isHarmonyEarly && inBar === 0 && bar.index > 0;
    const early = isEarly || isChordEarly ? 0.5 : 0;
    const start = Math.max(0, stroke.startBeats - early);
    const length = (stroke.durationBeats + early) * Math.max(how.leastLength, brief.length);
    const end = start + Math.max(0.05, length);
    const leap = how.isLeaping && chance(random, brief.leaps) ? (random.below(2) === 0 ? 7 : -7) : 0;
    const key = how.range
      ? keyOf(score.key, fit(stroke.pitch + leap, how.range), chordAt(bar, stroke.startBeats).root)
      : stroke.pitch;
    const startBeats = bend(start, swing);
    return [
      {
        startBeats,
        durationBeats: bend(end, swing) - startBeats,
        key,
        velocity: velocityOf(score, bar, stroke, how.loud + jitter),
      },
    ];
  });
  return separate(announced(notes), how.isMonophonic);
}

/** Contrast between the sections, in steps of velocity. */
const SECTION_LOUDNESS: Readonly<Record<string, number>> = { B: 6, C: 3 };

/** Beats are louder than what is between them; phrases grow or fade. */
function velocityOf({ brief }: Score, bar: Bar, { startBeats, loud }: Stroke, more: number): number {
  const inBar = startBeats - bar.startBeats;
  const weight = inBar === 0 ? 0.6 : Number.isInteger(inBar) ? 0.3 : -0.4;
  const inPhrase = (bar.barInPhrase + inBar / bar.beats) / 4 - 0.5;
  const swell = brief.velocity * 0.25 * brief.swell * 2 * inPhrase;
  const velocity = brief.velocity + brief.accent * weight + swell + (SECTION_LOUDNESS[bar.letter] ?? 0) + loud + more;
  return Math.max(1, Math.min(127, Math.round(velocity)));
}

export function swingOf({ brief, metre }: Score): Swing {
  // Six-eight is eighths in triplets: everything that is composed in halves of a beat falls there.
  if (metre === '6/8') return { ratio: 2 / 3, pairBeats: 1 };
  if (brief.swing > 0.5) return { ratio: brief.swing, pairBeats: 1 };
  return { ratio: brief.swing16, pairBeats: 0.5 };
}

/** Where a straight time falls in swing: the first half of a pair is drawn out, the second one pressed. */
function bend(beats: number, { ratio, pairBeats }: Swing): number {
  const pair = Math.floor(beats / pairBeats);
  const within = beats / pairBeats - pair;
  const bent = within < 0.5 ? within * 2 * ratio : ratio + (within - 0.5) * 2 * (1 - ratio);
  return (pair + bent) * pairBeats;
}

function barAt({ bars }: Score, beats: number): Bar {
  const index = Math.floor(beats / bars[0]!.beats);
  return bars[Math.min(index, bars.length - 1)]!;
}

/** Nothing waits for its first entry: a clip of a second has every part. */
function announced(notes: readonly Note[]): Note[] {
  const [first] = notes;
  if (!first || notes.some(({ startBeats }) => startBeats < 0.5)) return [...notes];
  const earliest = notes.reduce((a, b) => (b.startBeats < a.startBeats ? b : a), first);
  const durationBeats = Math.min(earliest.durationBeats, earliest.startBeats);
  return [{ ...earliest, startBeats: 0, durationBeats }, ...notes];
}

/** In order, no key struck while it still sounds; of a monophonic part no note while another sounds. */
function separate(notes: readonly Note[], isMonophonic: boolean): Note[] {
  const sorted = [...notes].sort((a, b) => a.startBeats - b.startBeats || a.key - b.key || b.velocity - a.velocity);
  const nextStart = new Map<number, number>();
  const kept: Note[] = [];
  for (const note of sorted.reverse()) {
    const voice = isMonophonic ? 0 : note.key;
    const next = nextStart.get(voice) ?? Infinity;
    if (next <= note.startBeats) continue;
    nextStart.set(voice, note.startBeats);
    kept.push({ ...note, durationBeats: Math.min(note.durationBeats, next - note.startBeats) });
  }
  return kept.reverse();
}
