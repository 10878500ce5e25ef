import type { Metre, Mode } from '../plan';
import type { StyleName } from '../styles';
import type { VoiceName } from '../voices';
import type { DrumPartName } from '../drum-parts';

/**
 * What an attribute means in sound. Every field is a wish; how the wishes of several attributes come together is in
 * `brief.ts`: ranges are intersected, numbers averaged, everything else gathered.
 */
export interface Meaning {
  /** What one hears, in a musician's words. */
  readonly note: string;
  /** Where the sound falls short of the word. */
  readonly weakness?: string;
  /** Why it cannot be heard at all; then it wishes nothing. */
  readonly unsupported?: string;

  /** Beats per minute, lowest and highest. */
  readonly bpm?: Range;
  /** Within the range of beats per minute: -1 the slowest, 1 the fastest. */
  readonly tempoLean?: number;
  /** Metres that suit it; 4/4 where nobody says. */
  readonly metres?: readonly Metre[];
  /** Grooves, bass lines, chords and accompaniment of a genre. */
  readonly style?: StyleName;

  /** Swing of eighths, 0.5 straight to 0.667 triplets. */
  readonly swing?: number;
  /** The same of sixteenths. */
  readonly swing16?: number;
  /** Of the notes on a beat so many of a hundred come an eighth early. */
  readonly anticipation?: number;
  /** Chords come an eighth early: the accompaniment, not the tune. */
  readonly isHarmonySyncopated?: boolean;
  /** Three against four in accompaniment and percussion. */
  readonly isPolyrhythmic?: boolean;
  /** No fills, no variations of the rhythm. */
  readonly isSteady?: boolean;
  /** Little is played between the beats. */
  readonly isSpare?: boolean;
  /** Brings drums where no instrument and no voice is asked for: a beat that is meant is beaten. */
  readonly isBeat?: boolean;
  /** How much louder the beats are than what is between them, in steps of velocity. */
  readonly accent?: number;

  readonly mode?: Mode;
  /** Loudness: MIDI velocity, 1 to 127; 52 is soft (p), 82 ordinary (mf), 110 loud (ff). */
  readonly velocity?: number;
  /** Articulation: share of a note's length that sounds; 0.35 staccato, 0.9 ordinary, 1.15 tied over. */
  readonly length?: number;
  /** Octaves up (1) or down (-1), as far as the ranges allow. */
  readonly register?: number;
  /** Space: reverb send, 0 dry, 40 a room, 110 a cathedral. */
  readonly reverb?: number;
  /** Colour of the chords. */
  readonly colour?: Colour;
  /** Loudness over a phrase: 1 grows, -1 fades, by a quarter of the velocity. */
  readonly swell?: number;
  /** Shape of the tune. */
  readonly contour?: Contour;
  /** Of the notes of a tune so many of a hundred leap by an octave. */
  readonly leaps?: number;
  /** The form says the same again and again. */
  readonly isRepetitive?: boolean;

  /** Instruments and voices, each with its manner. */
  readonly parts?: readonly PartWish[];
  readonly drums?: readonly DrumWish[];
  readonly silences?: 'percussion' | 'voices';
}

export type Range = readonly [low: number, high: number];

/** Triads; open fifths; with the seventh; with seventh and ninth; fourth for third; with a second rubbing on the root. */
export type Colour = 'triad' | 'power' | 'seventh' | 'ninth' | 'sus' | 'cluster';
export type Contour = 'arch' | 'rising' | 'falling' | 'wave';

export interface PartWish {
  readonly voice: VoiceName;
  /** General MIDI program from 0, where not the voice's own. */
  readonly program?: number;
  readonly manner?: Manner;
}

/**
 * How a part is played: `groovy` off the beat and short, `rhythmic` in steady strokes, `accompaniment` in broken chords
 * and softer, `harmony` in held chords, `passionate` louder and over a wider range, `flat` on hardly more than one note.
 */
export type Manner = 'groovy' | 'rhythmic' | 'accompaniment' | 'harmony' | 'passionate' | 'flat';

export interface DrumWish {
  readonly part: DrumPartName;
  readonly manner?: DrumManner;
}

/** `strong` louder, `steady` without fills, `slick` with ghost notes, `groovy` with ghost notes and anticipations. */
export type DrumManner = 'strong' | 'steady' | 'slick' | 'groovy' | 'syncopated';

export type Meanings = Readonly<Record<string, Meaning>>;
