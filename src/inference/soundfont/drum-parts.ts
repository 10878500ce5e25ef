/** Percussion: keys of the General MIDI drum map, and the parts that play them. All are on channel 9. */
export const DRUM = {
  kick: 36,
  rim: 37,
  snare: 38,
  clap: 39,
  /** The slap of the brush kit, a snare elsewhere. */
  brush: 40,
  lowTom: 45,
  midTom: 47,
  highTom: 50,
  closedHat: 42,
  pedalHat: 44,
  openHat: 46,
  crash: 49,
  ride: 51,
  tambourine: 54,
  cowbell: 56,
  highConga: 63,
  lowConga: 64,
  cabasa: 69,
  shaker: 70,
  claves: 75,
} as const;

export type DrumName = keyof typeof DRUM;

export interface DrumPart {
  readonly concept: string;
  /** GS drum kit: 0 standard, 24 electronic, 25 TR-808; acoustic ones as the style has it. */
  readonly kit: number | 'style kit';
  readonly volume: number;
  readonly pan: number;
}

/** By the name in the attribute table, which is the concept's. */
const DRUM_PARTS = {
  drums: { concept: 'drums', kit: 'style kit', volume: 100, pan: 64 },
  'acoustic drums': { concept: 'acoustic drums', kit: 'style kit', volume: 100, pan: 64 },
  'electronic drums': { concept: 'electronic drums', kit: 24, volume: 100, pan: 64 },
  'kick drum': { concept: 'kick drum', kit: 16, volume: 106, pan: 64 },
  'four on the floor': { concept: 'four on the floor', kit: 24, volume: 104, pan: 64 },
  'snare drum': { concept: 'snare drum', kit: 16, volume: 100, pan: 64 },
  percussion: { concept: 'percussion', kit: 0, volume: 96, pan: 64 },
  cymbals: { concept: 'cymbals', kit: 0, volume: 92, pan: 50 },
  tambourine: { concept: 'tambourine', kit: 0, volume: 84, pan: 84 },
  shakers: { concept: 'shakers', kit: 0, volume: 90, pan: 40 },
  clapping: { concept: 'clapping', kit: 0, volume: 100, pan: 58 },
  beatboxing: { concept: 'beatboxing', kit: 25, volume: 100, pan: 64 },
} as const satisfies Readonly<Record<string, DrumPart>>;

export type DrumPartName = keyof typeof DRUM_PARTS;

export function drumPartOf(name: DrumPartName): DrumPart {
  return DRUM_PARTS[name];
}

export const DRUM_PART_NAMES = Object.keys(DRUM_PARTS) as DrumPartName[];
