import type { DrumManner } from './attributes/meaning';
import { DRUM, type DrumName, type DrumPartName } from './drum-parts';
import type { Stroke } from './perform';
import { BARS_PER_PHRASE, type Bar, type Score } from './score';
import { chance, pick, stream } from './streams';
import { SIX_EIGHT, WALTZ, type Groove } from './styles';
import { onBeats } from './texture';

type Manners = ReadonlySet<DrumManner>;

/** Percussion parts: the kit with the groove of the style, and instruments of their own that know the same groove. */
export function playDrumPart(score: Score, part: DrumPartName, manners: Manners): Stroke[] {
  return score.bars.flatMap((bar) => {
    const strokes = barOf(score, bar, part, manners);
    if (!isOnBeats(score, manners)) return strokes;
    const drums = new Set(strokes.map(({ pitch }) => pitch));
    return [...drums].flatMap((drum) => onBeats(strokes.filter(({ pitch }) => pitch === drum)));
  });
}

/** What is asked for between the beats is played there. */
function isOnBeats({ isSpare, brief }: Score, manners: Manners): boolean {
  const asked = (['groovy', 'slick', 'syncopated'] as const).some((manner) => manners.has(manner));
  return isSpare && !brief.isPolyrhythmic && !asked;
}

function barOf(score: Score, bar: Bar, part: DrumPartName, manners: Manners): Stroke[] {
  const groove = grooveOf(score, bar);
  switch (part) {
    case 'drums':
    case 'acoustic drums':
    case 'electronic drums':
      return kitBar(score, bar, part, groove, manners);
    case 'kick drum':
      return strokesOf(bar, 'kick', groove.kick ?? 'X.......X.......', 14);
    case 'four on the floor':
      return strokesOf(bar, 'kick', 'X...X...X...X...', 8);
    case 'snare drum':
      return snareBar(score, bar, groove, manners);
    case 'cymbals':
      return cymbalBar(bar);
    case 'tambourine':
      return strokesOf(bar, 'tambourine', ownPattern(score, bar, part, TAMBOURINE), -4);
    case 'shakers':
      return strokesOf(bar, 'shaker', ownPattern(score, bar, part, SHAKERS), -6);
    case 'clapping':
      return strokesOf(bar, 'clap', ownPattern(score, bar, part, CLAPS), 4);
    case 'percussion':
      return Object.entries(
        ownPattern(score, bar, part, score.brief.isPolyrhythmic ? THREE_AGAINST_FOUR : HANDS),
      ).flatMap(([drum, pattern]) => strokesOf(bar, drum as DrumName, pattern, -4));
    case 'beatboxing':
      return Object.entries(ownPattern(score, bar, part, BEATBOX)).flatMap(([drum, pattern]) =>
        strokesOf(bar, drum as DrumName, pattern, 0),
      );
  }
}

const TAMBOURINE = ['x.x.X.x.x.x.X.x.', 'xoxoXoxoxoxoXoxo', '....X.......X.x.'];
const SHAKERS = ['XoxoXoxoXoxoXoxo', 'xoXoxoXoxoXoxoXo', 'XooxXooxXooxXoox'];
const CLAPS = ['....X.......X...', '....X.......X.x.', '....X..x....X...'];
const HANDS: readonly Groove[] = [
  { highConga: 'o.x...x.o.x...x.', lowConga: '......xx......xx', cabasa: 'x.x.x.x.x.x.x.x.' },
  { highConga: 'x..x..x...x.x...', lowConga: '....x.......x.x.', cowbell: 'X...x...X...x...' },
  { highConga: 'x.xx..x.x.xx..x.', cabasa: 'xoxoxoxoxoxoxoxo', claves: 'X..x..x...x.x...' },
];
const THREE_AGAINST_FOUR: readonly Groove[] = [
  { highConga: 'X..x..x..x..x..x', lowConga: 'X...x...x...x...', cabasa: 'x.x.x.x.x.x.x.x.' },
  { cowbell: 'X..x..x..x..x..x', lowConga: 'X...x...x...x...', claves: 'X..x..x...x.x...' },
];
const BEATBOX: readonly Groove[] = [
  { kick: 'X.....x.X.......', snare: '....X.......X...', closedHat: '..x...x...x...xx' },
  { kick: 'X..x......x.....', rim: '....X.......X...', closedHat: 'x.x...x.x.x...x.' },
  { kick: 'X.x.......xx....', snare: '....X.......X..x', openHat: '..x.......x.....' },
];

/** A letter of the form has its groove; other metres have theirs. */
function grooveOf({ seed, styles, metre }: Score, bar: Bar): Groove {
  if (metre === '3/4') return WALTZ;
  if (metre === '6/8') return SIX_EIGHT;
  const { grooves } = styles.groove;
  const first = stream(seed, 'groove').below(grooves.length);
  return grooves[(first + bar.letter.charCodeAt(0)) % grooves.length]!;
}

function ownPattern<T>({ seed }: Score, bar: Bar, part: DrumPartName, patterns: readonly T[]): T {
  return pick(stream(seed, 'percussion', part, bar.letter), patterns);
}

function kitBar(score: Score, bar: Bar, part: DrumPartName, groove: Groove, manners: Manners): Stroke[] {
  const { brief, seed } = score;
  const isSteady = brief.isSteady || manners.has('steady');
  const loud = manners.has('strong') ? 18 : 0;
  const random = stream(seed, 'kit', part, bar.index);
  const isFilled = chance(random, bar.barInSection === bar.sectionBars - 1 ? 85 : 40);
  const hasFill = bar.barInPhrase === BARS_PER_PHRASE - 1 && isFilled && !isSteady;
  const fill = pick(random, FILLS);
  const fillStart = bar.beats - (chance(random, 40) ? 2 : 1);
  const strokes = Object.entries(groove).flatMap(([drum, pattern]) => strokesOf(bar, drum as DrumName, pattern, loud));
  const kept = hasFill ? strokes.filter(({ startBeats }) => startBeats - bar.startBeats < fillStart) : strokes;
  if (hasFill) kept.push(...fillStrokes(bar, fill, fillStart, loud));
  if (!isSteady && bar.barInSection === 0 && bar.index > 0) kept.push(strike('crash', bar.startBeats, 6));
  if (manners.has('slick') || manners.has('groovy')) kept.push(...ghosts(bar, random, strokes));
  if (manners.has('groovy'))
    kept.push(strike('kick', bar.startBeats + 1.75, 0), strike('openHat', bar.startBeats + 0.5, -4));
  // Two in three bars vary by one stroke between the beats.
  if (!isSteady && !hasFill && chance(random, 65)) {
    const at =
      bar.startBeats +
      pick(
        random,
        [0.75, 1.25, 1.75, 2.25, 2.75].filter((beats) => beats < bar.beats),
      );
    kept.push(strike(pick(random, ['kick', 'closedHat', 'snare'] as const), at, -22));
  }
  return kept;
}

/** Four sixteenths of the last beats, drum by drum: s snare, h m l toms, k kick. */
const FILLS = ['sshhmmll', 's.ss.sll', 'sksksmml', 'hh.mm.ll', 'ss.s.s.s', 'h.m.l.kk', 'ssssmmll'];
const FILL_DRUMS: Readonly<Record<string, DrumName>> = {
  s: 'snare',
  h: 'highTom',
  m: 'midTom',
  l: 'lowTom',
  k: 'kick',
};

function fillStrokes(bar: Bar, fill: string, fillStart: number, loud: number): Stroke[] {
  const steps = (bar.beats - fillStart) * 4;
  return [...fill.slice(fill.length - steps)].flatMap((sign, i) => {
    const drum = FILL_DRUMS[sign];
    return drum ? [strike(drum, bar.startBeats + fillStart + i / 4, loud - 6 + 2 * i)] : [];
  });
}

/** Snares that are hardly heard, on sixteenths where the snare is silent. */
function ghosts(bar: Bar, random: ReturnType<typeof stream>, strokes: readonly Stroke[]): Stroke[] {
  return [0.75, 1.75, 2.25, 2.75, 3.75]
    .filter((beats) => beats < bar.beats && chance(random, 60))
    .map((beats) => bar.startBeats + beats)
    .filter((at) => !strokes.some(({ startBeats, pitch }) => startBeats === at && pitch === DRUM.snare))
    .map((at) => strike('snare', at, -34));
}

function snareBar(score: Score, bar: Bar, groove: Groove, manners: Manners): Stroke[] {
  const isSyncopated = manners.has('syncopated');
  const pattern = isSyncopated
    ? pick(stream(score.seed, 'snare', bar.letter), ['...X..X....X..X.', '...X..x...X...X.', '..X..X....X..X..'])
    : (groove.snare ?? groove.clap ?? '....X.......X...');
  const isPickup = bar.barInPhrase === BARS_PER_PHRASE - 1 && !score.brief.isSteady && !isSyncopated;
  const pickup = isPickup ? [strike('snare', bar.startBeats + bar.beats - 0.25, 0)] : [];
  return [...strokesOf(bar, 'snare', pattern, 12), ...pickup];
}

/** The ride in sixteenths that swell towards the next section, a crash on each section. */
function cymbalBar(bar: Bar): Stroke[] {
  const share = bar.barInPhrase / (BARS_PER_PHRASE - 1);
  const ride = strokesOf(bar, 'ride', 'xoxoxoxoxoxoxoxo', -14).map((stroke) => ({
    ...stroke,
    loud: stroke.loud + Math.round(16 * share),
  }));
  return bar.barInSection === 0 ? [strike('crash', bar.startBeats, -4), ...ride] : ride;
}

function strokesOf(bar: Bar, drum: DrumName, pattern: string, loud: number): Stroke[] {
  return [...pattern].slice(0, bar.beats * 4).flatMap((sign, step) => {
    if (sign === '.') return [];
    const more = sign === 'X' ? 8 : sign === 'o' ? -26 : -4;
    return [strike(drum, bar.startBeats + step / 4, loud + more)];
  });
}

function strike(drum: DrumName, startBeats: number, loud: number): Stroke {
  return { startBeats, durationBeats: 0.25, pitch: DRUM[drum], loud };
}
