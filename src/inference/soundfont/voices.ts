/**
 * Pitched instruments and voices: who plays what where. A part is always on its voice's channel, whoever else plays, so
 * that adding or leaving out one changes no other. There are more voices than channels: those that are seldom asked for
 * together share one (synthesizer and guitar solo, violin and spoken word, cello and rap, trumpets and the sea, and the
 * horns and woodwinds of the orchestra with guitars). The renderer does not mind, it has a synthesizer a part; a MIDI
 * file gives the second of them another port.
 */
export interface Voice {
  /** What it is called in the attribute table. */
  readonly name: string;
  readonly concept: string;
  /** 0 to 15, not 9. */
  readonly channel: number;
  /** General MIDI, from 0; the style's own where that decides. */
  readonly program: number | 'style bass' | 'style guitar';
  /** Lowest and highest MIDI key, two octaves apart or more but for singers. */
  readonly range: readonly [low: number, high: number];
  readonly role: Role;
  /** MIDI: 0 left, 64 middle, 127 right. */
  readonly pan: number;
  readonly volume: number;
  readonly isSung?: true;
}

/**
 * - `keys`: chords with a left hand; `strum`: chords of a guitar; `pad`: held chords; `section`: moving chords
 * - `bass`; `noise`: one long sound
 * - `tune`: the tune or a third below it; `answer`: the tune, or phrases between those of the tune
 * - `counter`: a second voice in long notes; `riff`: short figures in thirds; `solo`: the tune, embellished
 * - `rap`, `speech`: syllables on few pitches
 */
export type Role =
  | 'keys'
  | 'strum'
  | 'pad'
  | 'section'
  | 'bass'
  | 'noise'
  | 'tune'
  | 'answer'
  | 'counter'
  | 'riff'
  | 'solo'
  | 'rap'
  | 'speech';

const VOICE_TABLE = [
  { name: 'piano', concept: 'piano', channel: 0, program: 0, range: [36, 88], role: 'keys', pan: 54, volume: 100 },
  { name: 'keyboard', concept: 'keyboard', channel: 1, program: 4, range: [40, 84], role: 'keys', pan: 80, volume: 96 },
  {
    name: 'acoustic guitar',
    concept: 'acoustic guitar',
    channel: 2,
    program: 25,
    range: [43, 76],
    role: 'strum',
    pan: 36,
    volume: 98,
  },
  {
    name: 'electric guitar',
    concept: 'electric guitar',
    channel: 3,
    program: 'style guitar',
    range: [43, 74],
    role: 'strum',
    pan: 94,
    volume: 84,
  },
  { name: 'guitar', concept: 'guitar', channel: 4, program: 24, range: [43, 76], role: 'strum', pan: 46, volume: 98 },
  {
    name: 'guitar solo',
    concept: 'guitar solo',
    channel: 6,
    program: 29,
    range: [55, 86],
    role: 'solo',
    pan: 70,
    volume: 88,
  },
  {
    name: 'bass',
    concept: 'bass',
    channel: 5,
    program: 'style bass',
    range: [28, 52],
    role: 'bass',
    pan: 64,
    volume: 104,
  },
  {
    name: 'bass guitar',
    concept: 'bass guitar',
    channel: 5,
    program: 33,
    range: [28, 52],
    role: 'bass',
    pan: 64,
    volume: 104,
  },
  {
    name: 'synth bass',
    concept: 'synthesizer',
    channel: 6,
    program: 38,
    range: [28, 52],
    role: 'bass',
    pan: 64,
    volume: 98,
  },
  { name: 'violin', concept: 'violin', channel: 7, program: 40, range: [57, 91], role: 'tune', pan: 48, volume: 96 },
  { name: 'cello', concept: 'cello', channel: 8, program: 42, range: [38, 67], role: 'counter', pan: 80, volume: 102 },
  {
    name: 'strings',
    concept: 'strings',
    channel: 10,
    program: 48,
    range: [45, 84],
    role: 'section',
    pan: 60,
    volume: 84,
  },
  {
    name: 'orchestra',
    concept: 'orchestra',
    channel: 11,
    program: 49,
    range: [43, 84],
    role: 'section',
    pan: 58,
    volume: 84,
  },
  { name: 'flute', concept: 'flute', channel: 12, program: 73, range: [62, 93], role: 'answer', pan: 74, volume: 96 },
  { name: 'trumpet', concept: 'trumpet', channel: 13, program: 56, range: [55, 82], role: 'riff', pan: 84, volume: 84 },
  {
    name: 'male vocals',
    concept: 'male vocals',
    channel: 14,
    program: 53,
    range: [45, 67],
    role: 'tune',
    pan: 64,
    volume: 112,
    isSung: true,
  },
  {
    name: 'female vocals',
    concept: 'female vocals',
    channel: 15,
    program: 52,
    range: [57, 79],
    role: 'tune',
    pan: 64,
    volume: 104,
    isSung: true,
  },
  {
    name: 'rap',
    concept: 'rap',
    channel: 8,
    program: 54,
    range: [45, 64],
    role: 'rap',
    pan: 64,
    volume: 110,
    isSung: true,
  },
  {
    name: 'spoken word',
    concept: 'spoken word',
    channel: 7,
    program: 54,
    range: [45, 67],
    role: 'speech',
    pan: 64,
    volume: 104,
    isSung: true,
  },
  {
    name: 'ambient sounds',
    concept: 'ambient sounds',
    channel: 13,
    program: 122,
    range: [48, 72],
    role: 'noise',
    pan: 64,
    volume: 60,
  },
] as const satisfies readonly Voice[];

export type VoiceName = (typeof VOICE_TABLE)[number]['name'];
export const VOICES: readonly Voice[] = VOICE_TABLE;

/** The other instruments of an orchestra: parts of the same concept, in the renderer synthesizers of their own. */
export const ORCHESTRA: readonly Voice[] = [
  {
    name: 'orchestra horns',
    concept: 'orchestra',
    channel: 3,
    program: 60,
    range: [41, 72],
    role: 'pad',
    pan: 90,
    volume: 78,
  },
  {
    name: 'orchestra woodwinds',
    concept: 'orchestra',
    channel: 4,
    program: 68,
    range: [60, 88],
    role: 'tune',
    pan: 70,
    volume: 78,
  },
];

/** What plays where no instrument and no voice is asked for: there has to be something to hear. */
export const FALLBACK: VoiceName = 'piano';

export function voiceOf(name: VoiceName): Voice {
  return VOICES.find((voice) => voice.name === name)!;
}
