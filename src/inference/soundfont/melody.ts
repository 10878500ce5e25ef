import { fit, nearestTone, type DegreeRange, type Harmony } from './harmony';
import type { Player } from './accompaniment';
import type { Stroke } from './perform';
import { BARS_PER_PHRASE, chordAt, type Bar, type Score } from './score';
import { chance, pick, stream } from './streams';
import type { TuneNote } from './tune';

/**
 * Melody instruments and voices. They share the tune of the piece and differ in what they make of it, so that they
 * agree without knowing of each other.
 */
type Tune = readonly (readonly TuneNote[])[];

/** The tune, in some phrases a third below; a melody rests a phrase now and then. */
export function playTune(score: Score, player: Player, tune: Tune): Stroke[] {
  const { name, range, manners } = player;
  const home = homeOf(player);
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'melody', name, bar.phrase);
    const isThird = chance(random, 20);
    const rests = bar.phrase > 0 && chance(random, 15);
    if (rests) return [];
    return tune[bar.index]!.map((note): Stroke => {
      const chord = chordAt(bar, note.startBeats);
      const degree = isThird ? thirdBelow(note, bar, chord) : note.degree;
      const pitch = manners.has('flat')
        ? home + flattened(degree)
        : home + degree + (isWide(manners) ? widening(degree) : 0);
      return strokeOf(note, fit(pitch, range), isWide(manners) ? 20 : manners.has('flat') ? 0 : 8);
    });
  });
}

/** Where the tune has a tone of the chord, so has its second voice; between them it goes along in thirds. */
function thirdBelow({ startBeats, durationBeats, degree }: TuneNote, bar: Bar, chord: Harmony): number {
  const isStrong = (startBeats - bar.startBeats) % 2 === 0 || durationBeats >= 1.5;
  return isStrong ? nearestTone(degree - 2, chord) : degree - 2;
}

function isWide(manners: Player['manners']): boolean {
  return manners.has('passionate');
}

/** High notes higher by an octave: the tune spans about two. */
function widening(degree: number): number {
  return degree >= 4 ? 7 : 0;
}

/** The tonic, or the step above it. */
function flattened(degree: number): number {
  return degree > 2 ? 1 : 0;
}

/** In each phrase either the tune or answers: figures in the ends of its bars, where the tune has long notes. */
export function playAnswer(score: Score, player: Player, tune: Tune): Stroke[] {
  const { name, range } = player;
  const home = homeOf(player);
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'answer', name, bar.phrase);
    const hasTune = chance(random, 45);
    if (hasTune) return tune[bar.index]!.map((note) => strokeOf(note, fit(home + note.degree, range), 4));
    const figure = pick(random, FIGURES);
    const own = stream(score.seed, 'answer', name, bar.index);
    if (bar.barInPhrase % 2 === 0) {
      const long = nearestTone(home + 4, bar.chords[0]!);
      return [{ startBeats: bar.startBeats, durationBeats: bar.beats - 1, pitch: fit(long, range), loud: 0 }];
    }
    const start = bar.startBeats + bar.beats - 2;
    const first = nearestTone(home + 2 + own.below(4), chordAt(bar, start));
    return figure.map((offset, i) => ({
      ...{ startBeats: start + i / 2, durationBeats: 0.5, loud: 4 },
      pitch: fit(first + offset, range),
    }));
  });
}

const FIGURES = [
  [0, 1, 2, 4],
  [4, 2, 1, 0],
  [0, 2, 1, 2],
  [2, 3, 2, 0],
];

/** A second voice in halves, moving against the tune. */
export function playCounter(score: Score, player: Player, tune: Tune): Stroke[] {
  const home = homeOf(player);
  let last = home;
  let before: number | null = null;
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'counter', player.name, bar.letter, bar.barInSection);
    const lengths = pick(random, bar.beats === 3 ? [[3], [2, 1]] : [[4], [2, 2], [2, 2], [3, 1]]);
    const notes = tune[bar.index]!;
    const direction = Math.sign((before ?? notes[0]!.degree) - notes[0]!.degree);
    before = notes[0]!.degree;
    let startBeats = bar.startBeats;
    return lengths.map((durationBeats) => {
      const step = direction === 0 ? random.below(3) - 1 : direction;
      last = fit(nearestTone(Math.round((3 * last + home) / 4) + 2 * step, chordAt(bar, startBeats)), player.range);
      const stroke = { startBeats, durationBeats, pitch: last, loud: 2 };
      startBeats += durationBeats;
      return stroke;
    });
  });
}

/** Two players in thirds: short figures on the beats of every second bar, fanfares into a new phrase. */
export function playRiff(score: Score, player: Player, tune: Tune): Stroke[] {
  const home = homeOf(player);
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'riff', player.name, bar.letter);
    const pattern = pick(random, RIFFS);
    const hasTune = chance(stream(score.seed, 'riff', player.name, 'tune', bar.phrase), 30);
    const upper = hasTune
      ? tune[bar.index]!.map((note) => strokeOf(note, home + note.degree, 2))
      : bar.barInPhrase % 2 === 0
        ? riffOf(bar, pattern, home)
        : [];
    return upper.flatMap((stroke) => {
      const lower = nearestTone(stroke.pitch - 2, chordAt(bar, stroke.startBeats));
      return [
        { ...stroke, pitch: fit(stroke.pitch, player.range) },
        { ...stroke, pitch: fit(lower, player.range), loud: stroke.loud - 8 },
      ];
    });
  });
}

/** Sixteenths; the digit is the tone above the root. */
const RIFFS = ['0.2.4---....4.4-', '4..4..4-....2.4-', '0-..2-..4-----..', '..4.4...2.4-----'];

function riffOf(bar: Bar, pattern: string, home: number): Stroke[] {
  return [...pattern].slice(0, bar.beats * 4).flatMap((sign, step): Stroke[] => {
    if (sign === '.' || sign === '-') return [];
    const startBeats = bar.startBeats + step / 4;
    const held = /^-*/.exec(pattern.slice(step + 1, bar.beats * 4))![0].length;
    const pitch = nearestTone(home + chordAt(bar, startBeats).root + Number(sign), chordAt(bar, startBeats));
    return [{ startBeats, durationBeats: (held + 1) / 4, pitch, loud: 4 }];
  });
}

/** The tune with its long notes broken into turns and runs; freer from phrase to phrase. */
export function playSolo(score: Score, player: Player, tune: Tune): Stroke[] {
  const home = homeOf(player);
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'solo', player.name, bar.index);
    return tune[bar.index]!.flatMap((note): Stroke[] => {
      const pitch = home + note.degree;
      if (note.durationBeats < 1 || chance(random, 25)) return [strokeOf(note, fit(pitch, player.range), 8)];
      const turn = pick(random, TURNS);
      const count = Math.min(turn.length, Math.floor(note.durationBeats * (note.durationBeats >= 2 ? 2 : 4)));
      const each = note.durationBeats / count;
      return turn.slice(0, count).map((offset, i) => ({
        ...{ startBeats: note.startBeats + i * each, durationBeats: each, loud: i === 0 ? 10 : 4 },
        pitch: fit(pitch + offset, player.range),
      }));
    });
  });
}

const TURNS = [
  [0, 1, 0, -1, 0, 2, 1, 0],
  [0, 1, 2, 3, 4, 3, 2, 1],
  [0, 2, 4, 2, 1, 0, -1, 0],
  [2, 1, 0, 2, 1, 0, -1, -2],
  [0, -1, 0, 1, 2, 1, 2, 4],
];

const RAP = ['XxxxXxxxXxxxXx..', 'X.xxX.xxXxx.Xx..', 'xxX.xxX.xxX.X...', 'X.xXx.xXx.xXx.X.', 'XxX.xxX.xXx.X.x.'];
const SPEECH = ['X.xx..X.x.......', '..X.xx.X..x..X..', 'X..x.x....X.xx..', 'x.X...x.xX......'];

/** Syllables around one pitch, the stressed ones a step or two above; a breath at the end of a phrase. */
export function playSyllables(score: Score, { name, range }: Player, delivery: 'rap' | 'speech'): Stroke[] {
  const middle = Math.floor((range.low + range.high) / 2);
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, delivery, name, bar.index);
    const pattern = pick(random, delivery === 'rap' ? RAP : SPEECH);
    const line = chance(random, 50) ? 1 : 0;
    return [...pattern].slice(0, bar.beats * 4).flatMap((sign, step): Stroke[] => {
      const isBreath = bar.barInPhrase === BARS_PER_PHRASE - 1 && step >= bar.beats * 4 - 4;
      if (sign === '.' || isBreath) return [];
      const rise = sign === 'X' ? 1 + random.below(2) : -random.below(2);
      const startBeats = bar.startBeats + step / 4;
      return [
        { startBeats, durationBeats: 0.22, pitch: fit(middle + line + rise, range), loud: sign === 'X' ? 14 : 4 },
      ];
    });
  });
}

/** The octave of the tune that lies best in a range: its tonic, low in the middle third. */
function homeOf({ range }: { readonly range: DegreeRange }): number {
  return 7 * Math.round((range.low + range.high - 4) / 14);
}

function strokeOf({ startBeats, durationBeats }: TuneNote, pitch: number, loud: number): Stroke {
  return { startBeats, durationBeats, pitch, loud };
}
