import type { Colour } from './attributes/meaning';
import type { DrumName } from './drum-parts';

/**
 * The styles of the genres, in a notation like drum tablature: a bar of 4/4 is sixteen sixteenths. A bar of 3/4 takes
 * the first twelve; swing and 6/8 are bent later.
 *
 * - grooves and accompaniment: `X` accented, `x` ordinary, `o` hardly heard, `-` goes on, `.` silent
 * - bass: `R` root, `3` `5` `7` of the chord, `8` octave, `a` a step away from the next root, `-` goes on, `.` silent
 * - progressions: degrees of the scale, a bar each; `2/5` are two in a bar
 * - broken chords: tones of the chord from below, an eighth each
 */
export interface Style {
  readonly progressions: readonly string[];
  readonly colour: Colour;
  readonly comp: readonly string[];
  readonly bass: readonly string[];
  readonly grooves: readonly Groove[];
  /** How busy tunes are. */
  readonly tune: 'sparse' | 'flowing' | 'busy' | 'syncopated';
  /** GS drum kit of acoustic drums: 0 standard, 8 room, 16 power, 32 jazz, 40 brush, 48 orchestra. */
  readonly kit: number;
  /** General MIDI programs of what depends on the style. */
  readonly bassProgram: number;
  readonly guitarProgram: number;
  /** Bars of a section; 4 or 8 where nothing is said. */
  readonly sectionBars?: number;
}

export type Groove = Readonly<Partial<Record<DrumName, string>>>;

const EIGHTHS = 'x.x.x.x.x.x.x.x.';
const ACCENTED_EIGHTHS = 'X.x.X.x.X.x.X.x.';
const SIXTEENTHS = 'XoxoXoxoXoxoXoxo';
const BACK_BEAT = '....X.......X...';
const FLOOR = 'X...X...X...X...';
const OFF_BEAT = '..X...X...X...X.';

const [FINGERED, DOUBLE_BASS, PICKED, SYNTH_BASS] = [33, 32, 34, 38];
const [NYLON, JAZZ_GUITAR, CLEAN, MUTED, OVERDRIVEN, DISTORTED] = [24, 26, 27, 28, 29, 30];

export const STYLES = {
  /** Where no genre is asked for. */
  plain: {
    progressions: ['1 4 1 5', '1 6 4 5', '1 5 4 4', '1 3 4 5'],
    colour: 'triad',
    comp: ['X---x---X---x---', 'X-----x-X-------', 'X---x-x-X---x---'],
    bass: ['R-------5-------', 'R---R---5---R---', 'R-----R-5-------'],
    grooves: [
      { kick: 'X.......X.......', snare: BACK_BEAT, closedHat: ACCENTED_EIGHTHS },
      { kick: 'X.......X.x.....', snare: BACK_BEAT, closedHat: EIGHTHS },
    ],
    ...{ tune: 'flowing', kit: 0, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  rock: {
    progressions: ['1 4 5 4', '1 7 4 1', '6 4 1 5', '1 5 6 4', '1 1 4 5'],
    colour: 'triad',
    comp: ['X-x-x-x-X-x-x-x-', 'X---x-x---x-X-x-', 'X--x--x-X-x-x---'],
    bass: ['R.R.R.R.R.R.R.R.', 'R.R.R.R.R.R.5.a.', 'R-R...R.R-R.5.5.'],
    grooves: [
      { kick: 'X.......X.x.....', snare: BACK_BEAT, closedHat: ACCENTED_EIGHTHS },
      { kick: 'X.x.....X.x.....', snare: BACK_BEAT, openHat: 'X...x...X...x...' },
      { kick: 'X.....x.x.x.....', snare: BACK_BEAT, ride: ACCENTED_EIGHTHS },
    ],
    ...{ tune: 'flowing', kit: 16, bassProgram: PICKED, guitarProgram: OVERDRIVEN },
  },
  metal: {
    progressions: ['1 1 6 7', '1 2 1 7', '1 6 3 7', '1 1 2 5'],
    colour: 'power',
    comp: ['X.xxX.xxX.xxX.xx', 'X.x.xxX.x.xxX.x.', 'XxxxXxxxX---X---'],
    bass: ['R.RRR.RRR.RRR.RR', 'R.R.RRR.R.RRR.R.', 'RRRRRRRRRRRR8R7R'],
    grooves: [
      { kick: 'XxxxXxxxXxxxXxxx', snare: BACK_BEAT, ride: 'X...X...X...X...' },
      { kick: 'X.xxX.xxX.xxX.xx', snare: BACK_BEAT, openHat: 'X...x...X...x...' },
      { kick: 'X.x.x.x.X.x.x.x.', snare: 'x.x.x.x.x.x.x.x.', crash: 'X.......x.......' },
    ],
    ...{ tune: 'busy', kit: 16, bassProgram: PICKED, guitarProgram: DISTORTED },
  },
  pop: {
    progressions: ['1 5 6 4', '6 4 1 5', '1 6 4 5', '4 1 5 6', '1 4 6 5'],
    colour: 'triad',
    comp: ['X---x---x-x-x---', 'X--x--x-X--x--x-', 'X-----x---x-X---', 'X---X---X---X-x-'],
    bass: ['R-----R-R---5---', 'R--R--R-R--R--5-', 'R---R---R---a---'],
    grooves: [
      { kick: 'X.....x.X.......', snare: BACK_BEAT, closedHat: EIGHTHS },
      { kick: 'X.......X..x....', snare: BACK_BEAT, closedHat: ACCENTED_EIGHTHS, clap: BACK_BEAT },
      { kick: 'X..x..x.X.......', snare: BACK_BEAT, closedHat: SIXTEENTHS },
    ],
    ...{ tune: 'syncopated', kit: 8, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  electropop: {
    progressions: ['6 4 1 5', '1 5 6 4', '4 5 6 1', '6 5 4 4'],
    colour: 'triad',
    comp: ['..X...X...X...X.', 'X--X--X-X--X--X-', 'X---x-x-..x-X---'],
    bass: ['R.R.R.R.R.R.R.R.', '..R...R...R...R.', 'R..R..R.R..R..8.'],
    grooves: [
      { kick: FLOOR, clap: BACK_BEAT, openHat: OFF_BEAT },
      { kick: FLOOR, snare: BACK_BEAT, closedHat: SIXTEENTHS },
    ],
    ...{ tune: 'syncopated', kit: 24, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  ballad: {
    progressions: ['1 5 6 4', '1 3 4 5', '1 6 2 5', '4 5 3 6'],
    colour: 'triad',
    comp: ['X---x---x---x---', 'X-------x-------', 'X-----x-x-------'],
    bass: ['R-----------5---', 'R-------5-------', 'R-------R---a---'],
    grooves: [
      { kick: 'X.......x.......', rim: BACK_BEAT, closedHat: EIGHTHS },
      { kick: 'X.......x.x.....', snare: '........X.......', ride: 'x...x...x...x...' },
    ],
    ...{ tune: 'sparse', kit: 8, bassProgram: FINGERED, guitarProgram: NYLON },
  },
  electronic: {
    progressions: ['1 1 6 6', '1 4 6 5', '6 6 4 5', '1 7 6 7'],
    colour: 'sus',
    comp: ['X-x.x-x.X-x.x-x.', 'X--x--x--x--x-x-', 'X-------x-x-x---'],
    bass: ['R..R..R.R..R..R.', 'R.8.R.8.R.8.R.8.', 'R-----R-..R-5-7-'],
    grooves: [
      { kick: 'X.....x...X.....', snare: BACK_BEAT, closedHat: SIXTEENTHS },
      { kick: 'X..x..x.X.....x.', clap: BACK_BEAT, closedHat: EIGHTHS },
    ],
    ...{ tune: 'syncopated', kit: 24, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  dance: {
    progressions: ['6 4 1 5', '1 7 6 7', '6 6 4 5', '4 6 5 1'],
    colour: 'triad',
    comp: ['..X...X...X...X.', 'X--x--x-X--x--x-', 'X..X..X...X.X...'],
    bass: ['..R...R...R...R.', '..RR..RR..RR..R8', 'R.8.R.8.R.8.R.8.'],
    grooves: [
      { kick: FLOOR, clap: BACK_BEAT, openHat: OFF_BEAT },
      { kick: FLOOR, snare: BACK_BEAT, openHat: OFF_BEAT, closedHat: SIXTEENTHS },
    ],
    ...{ tune: 'syncopated', kit: 24, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  house: {
    progressions: ['1 6 2 5', '1 1 4 4', '6 2 5 1', '4 3 6 6'],
    colour: 'seventh',
    comp: ['..X..X....X..X..', '...X..X....X..X.', 'X..X..X..X..X...'],
    bass: ['R..R..8...R.R.7.', '..R...R...R..R8.', 'R...R..R..R.8.7.'],
    grooves: [
      { kick: FLOOR, clap: BACK_BEAT, openHat: OFF_BEAT, closedHat: 'o.o.o.o.o.o.o.o.' },
      { kick: FLOOR, clap: BACK_BEAT, openHat: OFF_BEAT, rim: '...x..x....x....' },
    ],
    ...{ tune: 'sparse', kit: 25, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  techno: {
    progressions: ['1 1 1 1', '1 1 1 7', '1 1 2 1'],
    colour: 'power',
    comp: ['X..x..x..x..x...', '..X...X...X..X..', 'x..X....x..X....'],
    bass: ['.RRR.RRR.RRR.RRR', '..R...R...R...R.', 'R..R..R..R..R.R.'],
    grooves: [
      { kick: FLOOR, closedHat: OFF_BEAT, rim: '...x......x..x..' },
      { kick: FLOOR, openHat: OFF_BEAT, clap: '............X...', closedHat: SIXTEENTHS },
    ],
    ...{ tune: 'sparse', kit: 25, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  trance: {
    progressions: ['6 4 1 5', '1 6 3 7', '1 7 6 6', '6 7 1 5'],
    colour: 'triad',
    comp: ['x.xXx.xXx.xXx.xX', '..X...X...X...X.', 'X.xX.xX.xX.xX.x.'],
    bass: ['.RRR.RRR.RRR.RRR', '..R8..R8..R8..R8'],
    grooves: [
      { kick: FLOOR, clap: BACK_BEAT, openHat: OFF_BEAT, closedHat: SIXTEENTHS },
      { kick: FLOOR, snare: BACK_BEAT, openHat: OFF_BEAT, ride: EIGHTHS },
    ],
    ...{ tune: 'busy', kit: 24, bassProgram: SYNTH_BASS, guitarProgram: MUTED },
  },
  latin: {
    progressions: ['1 4 5 4', '1 7 6 5', '1 4 1 5', '2 5 1 1'],
    colour: 'seventh',
    comp: ['X.x.X..X..x.X..x', 'X..X..X...X.X...', '..X.X..X..X.X..X'],
    bass: ['...R..5-...R..5-', 'R-----5---8---5-', 'R..5..8-...5..R-'],
    grooves: [
      {
        kick: 'X..x..x.X..x..x.',
        claves: 'X..x..x...x.x...',
        highConga: 'o.x...x.o.x...x.',
        lowConga: '......xx......xx',
      },
      { kick: 'X...X...X...X...', snare: '...x..x....x..x.', cowbell: 'X.x.X.x.X.x.X.x.' },
    ],
    ...{ tune: 'syncopated', kit: 0, bassProgram: DOUBLE_BASS, guitarProgram: NYLON },
  },
  afrobeat: {
    progressions: ['1 1 4 4', '1 1 1 7', '1 4 1 4', '1 6 4 5'],
    colour: 'seventh',
    comp: ['..x.x..x..x.x..x', 'x..x..x...x.x...', '..X..X..X..X..x.'],
    bass: ['R..R..5...8.7.5.', 'R.....R8..7.5...', 'R..5..8...R.5...'],
    grooves: [
      {
        kick: 'X.....x...x.....',
        snare: '...o..X....o.X..',
        closedHat: 'x.xxx.xxx.xxx.xx',
        cowbell: 'X..x..x...x.x...',
      },
      { kick: 'X...x.....x.x...', rim: '...x..x...x..x..', openHat: '..x...x...x...x.', highConga: 'x..x..x.x..x..x.' },
    ],
    ...{ tune: 'syncopated', kit: 0, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  ambient: {
    progressions: ['1 1 4 4', '1 1 6 6', '4 4 1 1', '1 3 6 4'],
    colour: 'ninth',
    comp: ['x---------------', 'x-------x-------', '....x-----------'],
    bass: ['R---------------', 'R-----------5---'],
    grooves: [
      { kick: 'x...............', rim: '........o.......', ride: 'o...o...o...o...' },
      { lowTom: 'x.......o.......', ride: 'o.......o.......' },
    ],
    ...{ tune: 'sparse', kit: 48, bassProgram: 35, guitarProgram: CLEAN },
  },
  hiphop: {
    progressions: ['1 1 6 6', '1 6 1 5', '1 4 1 4', '6 5 6 5'],
    colour: 'seventh',
    comp: ['X-----x---------', 'X---....x--x....', '..x-----..x-----'],
    bass: ['R..R....R-....5.', 'R-----R..R..8...', 'R.....R-..R..7..'],
    grooves: [
      { kick: 'X..x......x.....', snare: BACK_BEAT, closedHat: EIGHTHS },
      { kick: 'X.....xx..x.....', snare: BACK_BEAT, closedHat: 'x.x.x.xxx.x.x.x.' },
    ],
    ...{ tune: 'sparse', kit: 25, bassProgram: FINGERED, guitarProgram: JAZZ_GUITAR },
  },
  trap: {
    progressions: ['1 1 6 6', '1 1 1 6', '1 6 3 7', '1 2 1 1'],
    colour: 'triad',
    comp: ['X---------------', 'x---x---x---x---', 'X-----x-----x---'],
    bass: ['R---------R-----', 'R-----R---------', 'R------R----8-5-'],
    grooves: [
      { kick: 'X......x..x.....', snare: '........X.......', closedHat: 'XxxxXxxxXxxxXxxx' },
      {
        kick: 'X.....x......x..',
        clap: '........X.......',
        closedHat: 'x.x.xxx.x.xxx.xx',
        openHat: '..............x.',
      },
    ],
    ...{ tune: 'sparse', kit: 25, bassProgram: SYNTH_BASS, guitarProgram: JAZZ_GUITAR },
  },
  rnb: {
    progressions: ['2 5 1 6', '4 3 2 1', '1 6 2 5', '4 5 3 6'],
    colour: 'ninth',
    comp: ['X-----x---x-----', 'X--x----..x-x---', '..X---x-----x---'],
    bass: ['R-----.R..R.5.a.', 'R--.8-..R-..5.a.', 'R.......R.R...7.'],
    grooves: [
      { kick: 'X......x..x.....', snare: BACK_BEAT, closedHat: EIGHTHS },
      { kick: 'X.x....x.x......', rim: BACK_BEAT, closedHat: SIXTEENTHS },
    ],
    ...{ tune: 'syncopated', kit: 8, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  soul: {
    progressions: ['1 4 1 5', '1 2 4 5', '1 6 2 5', '4 1 4 5'],
    colour: 'seventh',
    comp: ['..X...X...X...X.', 'X---..x-..X-..x-', 'X-..X-..X-..X-x-'],
    bass: ['R.R.3.5.R.R.5.a.', 'R..R5.8.R..R5.a.', 'R-..5.R.3-..5.a.'],
    grooves: [
      { kick: 'X.....x.X.x.....', snare: BACK_BEAT, closedHat: ACCENTED_EIGHTHS, tambourine: BACK_BEAT },
      { kick: 'X..x....X.x.....', snare: 'X...X...X...X...', closedHat: EIGHTHS },
    ],
    ...{ tune: 'syncopated', kit: 8, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  funk: {
    progressions: ['1 1 1 1', '1 1 4 4', '1 4 1 4', '2 5 2 5'],
    colour: 'ninth',
    comp: ['X..x..X...xx..X.', '..xX..x...xX..xx', 'X.xx....X.xx..x.'],
    bass: ['R..R..8.7.R..5.a', 'R.R....8..7R.5..', 'RR..8..R..5.7.R.'],
    grooves: [
      { kick: 'X.x....x..x..x..', snare: '....X..o.o..X..o', closedHat: SIXTEENTHS },
      { kick: 'X..x..x...x.....', snare: '....X..o.o.oX...', closedHat: EIGHTHS, openHat: '......x.......x.' },
    ],
    ...{ tune: 'syncopated', kit: 0, bassProgram: 36, guitarProgram: MUTED },
  },
  gospel: {
    progressions: ['1 4 1 5', '1 3 4 1', '4 1 2/5 1', '1 6 2 5'],
    colour: 'seventh',
    comp: ['X---x---X---x---', 'X-x-X---X-x-X---', 'X--x--x-X--x--x-'],
    bass: ['R---3---5---a---', 'R---5---R-3-a---', 'R-R-5---R-R-a---'],
    grooves: [
      { kick: 'X.......X.x.....', snare: BACK_BEAT, ride: ACCENTED_EIGHTHS, tambourine: EIGHTHS },
      { kick: 'X..x....X..x....', snare: BACK_BEAT, closedHat: EIGHTHS, clap: BACK_BEAT },
    ],
    ...{ tune: 'flowing', kit: 8, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  reggae: {
    progressions: ['1 4 1 4', '1 5 6 4', '1 2 1 2', '1 4 5 4'],
    colour: 'triad',
    comp: ['....X.......X...', '....X.x.....X.x.', '..x.X.....x.X...'],
    bass: ['R..R3.5.....R.5.', '....R..R5...3.R.', 'R.....R.3.5.....'],
    grooves: [
      { kick: '........X.......', rim: '........X.......', closedHat: ACCENTED_EIGHTHS },
      { kick: FLOOR, snare: '........X.......', closedHat: '..x...x...x...x.' },
    ],
    ...{ tune: 'syncopated', kit: 8, bassProgram: FINGERED, guitarProgram: CLEAN },
  },
  jazz: {
    progressions: ['2 5 1 6', '1 6 2 5', '1 4 3/6 2/5', '3 6 2 5', '1 2/5 1 4'],
    colour: 'seventh',
    comp: ['X.....x.........', '......X.....x...', '..x.....X.....x.', 'X-----x-----x...'],
    bass: ['R---3---5---a---', 'R---5---3---a---', 'R---8---7---a---', 'R---3---5-5-a---'],
    grooves: [
      { ride: 'X...x.x.X...x.x.', pedalHat: '....x.......x...', kick: 'o...o...o...o...' },
      { ride: 'X...X.x.X...X.x.', pedalHat: '....x.......x...', snare: '......o.......o.' },
    ],
    ...{ tune: 'busy', kit: 32, bassProgram: DOUBLE_BASS, guitarProgram: JAZZ_GUITAR },
  },
  blues: {
    progressions: ['1 1 1 1 4 4 1 1 5 4 1 5', '1 4 1 1 4 4 1 1 5 4 1 1', '1 4 1 1 4 4 1 6 2 5 1 5'],
    colour: 'seventh',
    comp: ['X-.x..X-....x-..', '..X-....X---..x-', 'X-x-X-x-X-x-X-x-'],
    bass: ['R-R-3-3-5-5-7-7-', 'R---3---5---a---', 'R-..5-R-3-..5-a-'],
    grooves: [
      { kick: 'X.......X.......', snare: BACK_BEAT, ride: ACCENTED_EIGHTHS },
      { kick: 'X.....x.X.......', snare: BACK_BEAT, closedHat: ACCENTED_EIGHTHS },
    ],
    ...{ tune: 'syncopated', kit: 0, bassProgram: DOUBLE_BASS, guitarProgram: OVERDRIVEN, sectionBars: 12 },
  },
  folk: {
    progressions: ['1 4 1 5', '1 5 4 1', '1 6 4 5', '1 1 4 5'],
    colour: 'triad',
    comp: ['X-x-x-x-X-x-x-x-', 'X---x-x-X---x-x-', 'X---x---x---x---'],
    bass: ['R-------5-------', 'R---5---R---5---'],
    grooves: [
      { kick: 'X.......X.......', rim: '....x.......x...', tambourine: EIGHTHS },
      { lowTom: 'X.......x.......', brush: ACCENTED_EIGHTHS },
    ],
    ...{ tune: 'flowing', kit: 40, bassProgram: DOUBLE_BASS, guitarProgram: CLEAN },
  },
  country: {
    progressions: ['1 4 1 5', '1 1 4 5', '1 5 1 4', '4 1 5 1'],
    colour: 'triad',
    comp: ['....X.x.....X.x.', '....X.......X.x.', '..x.X.x...x.X.x.'],
    bass: ['R---....5---....', 'R---....5---3-a-'],
    grooves: [
      { kick: 'X.......X.......', snare: BACK_BEAT, closedHat: EIGHTHS },
      { kick: 'X.......X.......', brush: 'x.x.X.x.x.x.X.xx' },
    ],
    ...{ tune: 'flowing', kit: 40, bassProgram: DOUBLE_BASS, guitarProgram: CLEAN },
  },
  classical: {
    progressions: ['1 5 1 4/5', '1 4 5 1', '1 6 2 5', '1 2 5 1', '1 3/6 4 5'],
    colour: 'triad',
    comp: ['x-x-x-x-x-x-x-x-', 'x---x---x---x---', 'X-------x-------'],
    bass: ['R---....5---....', 'R-------5---3---', 'R---3---5---a---'],
    grooves: [
      { lowTom: 'X...........x...', snare: '............o.o.' },
      { kick: 'X.......x.......', snare: 'x...x.xxx...x...' },
    ],
    ...{ tune: 'flowing', kit: 48, bassProgram: DOUBLE_BASS, guitarProgram: NYLON },
  },
  cinematic: {
    progressions: ['1 6 3 7', '1 1 6 5', '6 4 1 5', '1 4 6 5'],
    colour: 'triad',
    comp: ['x.x.x.x.x.x.x.x.', 'X---------------', 'X-----x-----x---'],
    bass: ['R---------------', 'R-----------R---', 'R-------R-------'],
    grooves: [
      { lowTom: 'X..x..x.X..x..x.', kick: 'X.......x.......', crash: 'o...............' },
      { lowTom: 'X.......X.x.x.x.', kick: 'X...............', snare: '............xxxx' },
    ],
    ...{ tune: 'sparse', kit: 48, bassProgram: DOUBLE_BASS, guitarProgram: CLEAN },
  },
} as const satisfies Readonly<Record<string, Style>>;

export type StyleName = keyof typeof STYLES;

export function styleOf(name: StyleName): Style {
  return STYLES[name];
}

/** Grooves of metres other than 4/4, whatever the style: a waltz, and in 6/8 two beats of three with a back beat. */
export const WALTZ: Groove = { kick: 'X...........', rim: '....x...x...', closedHat: 'x...x.x.x...' };
export const SIX_EIGHT: Groove = { kick: 'X......x........', snare: BACK_BEAT, closedHat: 'Xxx.xxx.Xxx.xxx.' };
