/**
 * What concepts sound like: one table that a musician can read and correct. Programs are General MIDI, from 0.
 */
export type Role = 'chords' | 'pad' | 'lead' | 'bass';

export interface Voice {
  readonly concept: string;
  readonly role: Role;
  readonly program: number;
  /** Lowest and highest MIDI key of its part. */
  readonly range: readonly [number, number];
}

/** Pitched instruments and voices. A narrower concept stands before a broader one and replaces it. */
export const VOICES: readonly Voice[] = [
  { concept: 'piano', role: 'chords', program: 0, range: [48, 76] },
  { concept: 'keyboard', role: 'chords', program: 4, range: [48, 76] },
  { concept: 'synthesizer', role: 'lead', program: 81, range: [60, 84] },
  { concept: 'guitar solo', role: 'lead', program: 29, range: [55, 83] },
  { concept: 'acoustic guitar', role: 'chords', program: 25, range: [45, 72] },
  { concept: 'electric guitar', role: 'chords', program: 27, range: [45, 72] },
  { concept: 'guitar', role: 'chords', program: 24, range: [45, 72] },
  { concept: 'bass guitar', role: 'bass', program: 33, range: [28, 48] },
  { concept: 'bass', role: 'bass', program: 32, range: [28, 48] },
  { concept: 'violin', role: 'lead', program: 40, range: [60, 88] },
  { concept: 'cello', role: 'lead', program: 42, range: [40, 67] },
  { concept: 'strings', role: 'pad', program: 48, range: [48, 79] },
  { concept: 'orchestra', role: 'pad', program: 49, range: [43, 79] },
  { concept: 'flute', role: 'lead', program: 73, range: [65, 91] },
  { concept: 'woodwinds', role: 'lead', program: 71, range: [55, 82] },
  { concept: 'trumpet', role: 'lead', program: 56, range: [58, 82] },
  { concept: 'brass', role: 'pad', program: 61, range: [46, 74] },
  { concept: 'male vocals', role: 'lead', program: 53, range: [48, 65] },
  { concept: 'female vocals', role: 'lead', program: 52, range: [60, 79] },
  { concept: 'vocals', role: 'lead', program: 54, range: [53, 74] },
];

/** What plays where no instrument or voice is asked for: there has to be something to hear. */
export const FALLBACK: Voice = { concept: 'piano', role: 'chords', program: 0, range: [48, 76] };

/** Beats per minute; several tempi are averaged. */
export const TEMPI: Readonly<Record<string, number>> = { slow: 70, 'medium tempo': 104, fast: 140 };
export const DEFAULT_TEMPO = 96;

export const MINOR: readonly string[] = [
  ...['sad', 'melancholic', 'dark', 'mysterious', 'eerie', 'scary', 'suspenseful', 'aggressive', 'harsh', 'chaotic'],
  ...['intense', 'poignant', 'nostalgic', 'metal', 'heavy metal', 'psychedelic', 'dramatic'],
];

/** Velocity, 0 to 127; several moods are averaged. */
export const DYNAMICS: Readonly<Record<string, number>> = {
  ...{ calm: 60, gentle: 55, soft: 52, mellow: 60, ambient: 55, meditative: 52, dreamy: 58, ethereal: 55, ballad: 62 },
  ...{ energetic: 104, aggressive: 112, intense: 106, exciting: 102, 'hard rock': 108, metal: 112, harsh: 110 },
  ...{ epic: 104, dance: 98, chaotic: 108, upbeat: 96 },
};
export const DEFAULT_DYNAMICS = 82;

/** General MIDI percussion keys. */
export const DRUM = {
  kick: 36,
  snare: 38,
  clap: 39,
  closedHat: 42,
  openHat: 46,
  tom: 45,
  crash: 49,
  tambourine: 54,
  shaker: 70,
};

/** Sixteenths of a 4/4 bar on which a drum sounds, by concept; a narrower concept adds nothing to a broader one. */
export const GROOVES: Readonly<Record<string, Readonly<Partial<Record<keyof typeof DRUM, readonly number[]>>>>> = {
  drums: { kick: [0, 8, 10], snare: [4, 12], closedHat: [0, 2, 4, 6, 8, 10, 12, 14] },
  percussion: { shaker: [0, 2, 4, 6, 8, 10, 12, 14], tom: [0, 6, 10] },
  'kick drum': { kick: [0, 6, 8, 14] },
  'four on the floor': { kick: [0, 4, 8, 12], openHat: [2, 6, 10, 14] },
  'snare drum': { snare: [4, 12, 15] },
  cymbals: { crash: [0], closedHat: [0, 4, 8, 12] },
  tambourine: { tambourine: [0, 2, 4, 6, 8, 10, 12, 14] },
  shakers: { shaker: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15] },
  clapping: { clap: [4, 12] },
};
