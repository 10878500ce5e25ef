/** A piece of music as data: what the composer gives and the renderer and the MIDI file take. Times are in beats. */

/** Modes from the darkest to the brightest: the place in the list is a mode's brightness. */
export const MODES = ['phrygian', 'aeolian', 'dorian', 'mixolydian', 'ionian', 'lydian'] as const;
export type Mode = (typeof MODES)[number];

/** The beat is a quarter note, in 6/8 a dotted quarter. */
export const METRES = {
  '4/4': { beatsPerBar: 4, quartersPerBeat: 1 },
  '3/4': { beatsPerBar: 3, quartersPerBeat: 1 },
  '6/8': { beatsPerBar: 2, quartersPerBeat: 1.5 },
} as const;
export type Metre = keyof typeof METRES;

export interface Note {
  readonly startBeats: number;
  /** Above 0. */
  readonly durationBeats: number;
  /** MIDI key, 0 to 127. */
  readonly key: number;
  /** 1 to 127. */
  readonly velocity: number;
}

export interface Part {
  /** What tells it from the other parts of the plan. */
  readonly name: string;
  /** The concept that it sounds. */
  readonly concept: string;
  /** MIDI channel, 0 to 15; 9 is percussion. Percussion parts share it, and few others share theirs: see `voices.ts`. */
  readonly channel: number;
  /** General MIDI program from 0; of percussion the GS drum kit. */
  readonly program: number;
  /** MIDI pan: 0 left, 64 middle, 127 right. */
  readonly pan: number;
  /** Reverb send, 0 to 127. */
  readonly reverb: number;
  /** MIDI volume, 0 to 127. */
  readonly volume: number;
  /** In the order of their beginnings. */
  readonly notes: readonly Note[];
}

export interface Section {
  /** `A`, `B`, ...; with a stroke where it varies an earlier one. */
  readonly label: string;
  readonly startBeats: number;
  readonly durationBeats: number;
}

export interface Chord {
  readonly startBeats: number;
  readonly durationBeats: number;
  /** Of the scale, 1 to 7. */
  readonly degree: number;
  /** Pitch classes from C = 0, root first. */
  readonly tones: readonly number[];
}

export interface Swing {
  /** Where the off-beat falls between two beats: 0.5 is straight, 0.667 triplets. */
  readonly ratio: number;
  /** The two notes that it makes unequal: 1 for eighths (pairs of a beat), 0.5 for sixteenths. */
  readonly pairBeats: number;
}

export interface Plan {
  readonly beatsPerMinute: number;
  readonly metre: Metre;
  readonly mode: Mode;
  readonly isMinor: boolean;
  /** Pitch class of the tonic, from C = 0. */
  readonly tonic: number;
  /** Already in the notes. */
  readonly swing: Swing;
  readonly form: readonly Section[];
  readonly chords: readonly Chord[];
  readonly parts: readonly Part[];
}

export const PERCUSSION_CHANNEL = 9;
