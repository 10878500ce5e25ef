import type { Manner } from './attributes/meaning';
import { fit, nearestTone, voicing, type DegreeRange, type Harmony } from './harmony';
import type { Stroke } from './perform';
import { BARS_PER_PHRASE, chordAt, type Bar, type Score } from './score';
import { chance, pick, stream } from './streams';
import { onBeats } from './texture';
import type { TuneNote } from './tune';

/** Chords, held chords and basses. What is asked of a player: its name, its range in degrees, its manners. */
export interface Player {
  readonly name: string;
  readonly range: DegreeRange;
  readonly manners: ReadonlySet<Manner>;
}

const GROOVY_CHORDS = ['..X.x..X..X.x...', 'X..X..X...X.X..x', '..X..X..x.X..X.x'];
const STRUMMED_CHORDS = ['X.x.X.xxX.x.X.xx', 'X.xxX.xxX.x.X.xx', 'X.x.x.x.X.xxx.x.'];
const THREE_AGAINST_FOUR = ['X--x--X--x--X--x', 'X..x..X..x..X.x.'];
const HELD = ['X---------------'];
/** Tones of the chord in the order of a broken chord, an eighth each. */
const BROKEN = [
  [0, 2, 1, 2],
  [0, 1, 2, 1],
  [0, 1, 2, 3],
  [2, 1, 0, 1],
];
const RISING_BROKEN = [[0, 1, 2, 3]];

/** Piano and other keyboards: a left hand, chords in the right, a run now and then at the end of a phrase. */
export function playKeys(score: Score, player: Player): Stroke[] {
  const right = chordsOf(score, player, middleOf(player.range) + 2, patternsOf(score, player.manners));
  return [...leftHand(score, player), ...right, ...runs(score, player)];
}

/** A piano alone: the tune in the right hand, the accompaniment in the left. */
export function playAlone(score: Score, player: Player, tune: readonly TuneNote[][]): Stroke[] {
  const melody = tune.flat().map((note): Stroke => ({
    ...{ startBeats: note.startBeats, durationBeats: note.durationBeats, loud: 8 },
    pitch: fit(note.degree + 7, player.range),
  }));
  const accompaniment = chordsOf(score, player, middleOf(player.range) - 3, patternsOf(score, player.manners));
  return [...melody, ...accompaniment, ...leftHand(score, player)];
}

/** Guitars: chords in the rhythm of the style, or picked one by one where that is quiet. */
export function playStrum(score: Score, player: Player): Stroke[] {
  return [
    ...chordsOf(score, player, middleOf(player.range), patternsOf(score, player.manners)),
    ...runs(score, player),
  ];
}

export function playPad(score: Score, player: Player): Stroke[] {
  return chordsOf(score, player, middleOf(player.range), HELD, -6);
}

/** A section of strings: held, in halves, or in repeated eighths. */
export function playSection(score: Score, player: Player): Stroke[] {
  const patterns = [HELD[0]!, 'X-------x-------', 'X---x---x---x---', 'x-x-x-x-x-x-x-x-'];
  return chordsOf(score, player, middleOf(player.range), patterns, -4);
}

/** One long sound, begun anew with every phrase. */
export function playNoise(score: Score): Stroke[] {
  return score.bars
    .filter(({ barInPhrase }) => barInPhrase === 0)
    .map(({ startBeats, beats }) => ({ startBeats, durationBeats: beats * BARS_PER_PHRASE, pitch: 0, loud: -10 }));
}

type Patterns = readonly string[] | 'broken';

function patternsOf({ brief, styles, seed }: Score, manners: ReadonlySet<Manner>): Patterns {
  if (manners.has('groovy')) return GROOVY_CHORDS;
  if (manners.has('rhythmic')) return STRUMMED_CHORDS;
  if (manners.has('accompaniment')) return 'broken';
  if (manners.has('harmony')) return HELD;
  if (brief.isPolyrhythmic) return THREE_AGAINST_FOUR;
  // Where tunes are sparse or flowing, chords may as well be broken.
  const isQuiet = styles.comp.tune === 'sparse' || styles.comp.tune === 'flowing';
  return isQuiet && chance(stream(seed, 'comp', 'broken'), 35) ? 'broken' : styles.comp.comp;
}

function chordsOf(score: Score, player: Player, middle: number, patterns: Patterns, loud = -8): Stroke[] {
  let before: number[] | null = null;
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'comp', player.name, bar.letter);
    const pattern = patterns === 'broken' ? null : pick(random, patterns);
    const broken = pick(random, score.brief.contours.includes('rising') ? RISING_BROKEN : BROKEN);
    const strokes = bar.chords.flatMap((chord) => {
      const keys = (before = voicing(chord, before, middle));
      return pattern === null
        ? breakChord(chord, keys, broken, loud - 4)
        : strokesOf(pattern, bar, chord).flatMap((stroke) =>
            keys.map((pitch): Stroke => ({ ...stroke, pitch, loud: stroke.loud + loud })),
          );
    });
    return isOnBeats(score, player) ? onBeats(strokes) : strokes;
  });
}

/** What is asked for between the beats is played there. */
function isOnBeats({ isSpare, brief }: Score, { manners }: Player): boolean {
  return isSpare && !brief.isPolyrhythmic && !manners.has('groovy') && !manners.has('rhythmic');
}

function breakChord(chord: Harmony, keys: readonly number[], order: readonly number[], loud: number): Stroke[] {
  return Array.from({ length: Math.round(chord.durationBeats * 2) }, (_, i): Stroke => {
    const place = order[i % order.length]!;
    const pitch = keys[place % keys.length]! + (place >= keys.length ? 7 : 0);
    return { startBeats: chord.startBeats + i / 2, durationBeats: 0.75, pitch, loud };
  });
}

/** The strokes of a pattern that fall into the time of a chord. */
function strokesOf(pattern: string, bar: Bar, chord: Harmony): Stroke[] {
  return [...pattern].flatMap((sign, step) => {
    const startBeats = bar.startBeats + step / 4;
    const end = chord.startBeats + chord.durationBeats;
    const isStruck = /[Xxo]/.test(sign);
    // A chord that goes on under a new harmony is struck with it.
    const isChange = sign === '-' && startBeats === chord.startBeats;
    if (!(isStruck || isChange) || startBeats < chord.startBeats || startBeats >= end) return [];
    const held = /^-*/.exec(pattern.slice(step + 1))![0].length;
    const durationBeats = Math.min((held + 1) / 4, end - startBeats);
    return [{ startBeats, durationBeats, pitch: 0, loud: sign === 'X' ? 4 : sign === 'o' ? -14 : -2 }];
  });
}

/** Roots with the chords, a fifth in the middle of the bar. */
function leftHand({ bars, seed }: Score, { name, range }: Player): Stroke[] {
  const low = { low: range.low, high: range.low + 9 };
  return bars.flatMap((bar) => {
    const hasFifth = chance(stream(seed, 'left hand', name, bar.letter), 60);
    return bar.chords.flatMap(({ root, startBeats, durationBeats }): Stroke[] => {
      const half = hasFifth && durationBeats > 2 ? 2 : durationBeats;
      const first = { startBeats, durationBeats: half, pitch: fit(root, low), loud: -4 };
      if (half === durationBeats) return [first];
      return [
        first,
        { startBeats: startBeats + half, durationBeats: durationBeats - half, pitch: fit(root + 4, low), loud: -8 },
      ];
    });
  });
}

/** In some last bars of a phrase, a run in eighths over the last two beats. */
function runs(score: Score, { name, range, manners }: Player): Stroke[] {
  if (score.brief.isSteady || score.isSpare || manners.size > 0) return [];
  return score.bars.flatMap((bar) => {
    const random = stream(score.seed, 'run', name, bar.index);
    if (bar.barInPhrase !== BARS_PER_PHRASE - 1 || !chance(random, 45)) return [];
    const direction = random.below(2) === 0 ? 1 : -1;
    const start = bar.startBeats + bar.beats - 2;
    const first = fit(nearestTone(middleOf(range) + 5, chordAt(bar, start)), range);
    return [0, 1, 2, 3].map((i) => ({
      startBeats: start + i / 2,
      durationBeats: 0.5,
      pitch: first + direction * i,
      loud: -2,
    }));
  });
}

const GROOVY_BASS = ['R..R..8.7.R.5.a.', 'R.R...8R..5.R.a.', 'R..R8.R...5R8.a.', 'R...R.7.8..R.5a.'];
const POLYRHYTHMIC_BASS = ['R--5--R--8--5--R'];

/** The line of the style, chord by chord, with a walk into the next phrase. */
export function playBass(score: Score, player: Player): Stroke[] {
  const { name, range, manners } = player;
  const { bars, brief, seed, styles } = score;
  const low = { low: range.low, high: range.low + 8 };
  const patterns = manners.has('groovy') ? GROOVY_BASS : brief.isPolyrhythmic ? POLYRHYTHMIC_BASS : styles.bass.bass;
  return bars.flatMap((bar) => {
    const pattern = pick(stream(seed, 'bass', name, bar.letter), patterns);
    const next = bars[bar.index + 1]?.chords[0] ?? bar.chords[0]!;
    const random = stream(seed, 'bass fill', name, bar.index);
    const isFilled = bar.barInPhrase === BARS_PER_PHRASE - 1 && !brief.isSteady && chance(random, 55);
    const line = bassLine(bar, isFilled ? `${pattern.slice(0, bar.beats * 4 - 4)}5.a.` : pattern, next, low, range);
    return (isOnBeats(score, player) ? onBeats(line) : line).map((stroke) => ({ ...stroke, loud: stroke.loud + 2 }));
  });
}

function bassLine(bar: Bar, pattern: string, next: Harmony, low: DegreeRange, range: DegreeRange): Stroke[] {
  return [...pattern].slice(0, bar.beats * 4).flatMap((sign, step): Stroke[] => {
    const startBeats = bar.startBeats + step / 4;
    const chord = chordAt(bar, startBeats);
    const isChange = step > 0 && startBeats === chord.startBeats;
    if ((sign === '.' || sign === '-') && !isChange) return [];
    const root = fit(chord.root, low);
    const held = /^-*/.exec(pattern.slice(step + 1, bar.beats * 4))![0].length;
    return [{ startBeats, durationBeats: (held + 1) / 4, pitch: fit(toneOf(isChange ? 'R' : sign), range), loud: 0 }];

    function toneOf(tone: string): number {
      switch (tone) {
        case '3':
          return root + 2;
        case '5':
          return root + 4;
        case '7':
          return root + 6;
        case '8':
          return root + 7;
        case 'a':
          return fit(next.root, low) + (fit(next.root, low) > root ? -1 : 1);
        default:
          return root;
      }
    }
  });
}

function middleOf({ low, high }: DegreeRange): number {
  return Math.floor((low + high) / 2);
}
