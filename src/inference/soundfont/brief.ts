import { ATTRIBUTES } from '../../concepts/taxonomy';
import { MEANINGS } from './attribute-table';
import type { Colour, Contour, DrumManner, Manner, Meaning, Range } from './attributes/meaning';
import type { DrumPartName } from './drum-parts';
import type { Texture } from '../stages';
import { MODES, type Metre } from './plan';
import type { StyleName } from './styles';
import { FALLBACK, voiceOf, type VoiceName } from './voices';

/** What the wishes of all attributes come to. Independent of the seed. */
export interface Brief {
  readonly bpm: Range;
  readonly tempoLean: number;
  /** Empty: 4/4. */
  readonly metres: readonly Metre[];
  readonly styles: readonly StyleName[];
  readonly swing: number;
  readonly swing16: number;
  readonly anticipation: number;
  readonly isHarmonySyncopated: boolean;
  readonly isPolyrhythmic: boolean;
  readonly isSteady: boolean;
  readonly texture: Texture;
  readonly accent: number;
  /** Place in MODES; null where no attribute says. */
  readonly brightness: number | null;
  readonly velocity: number;
  readonly length: number;
  readonly register: number;
  readonly reverb: number;
  /** Empty: the style's. */
  readonly colours: readonly Colour[];
  readonly swell: number;
  /** Empty: any. */
  readonly contours: readonly Contour[];
  readonly leaps: number;
  readonly isRepetitive: boolean;
  readonly parts: readonly PartBrief[];
  readonly drums: readonly DrumBrief[];
}

export interface PartBrief {
  readonly voice: VoiceName;
  /** Null: the voice's own. */
  readonly program: number | null;
  readonly manners: ReadonlySet<Manner>;
  /** Plays because nothing else would: tune and accompaniment in one. */
  readonly isAlone: boolean;
}

export interface DrumBrief {
  readonly part: DrumPartName;
  readonly manners: ReadonlySet<DrumManner>;
}

const DEFAULT_BPM: Range = [84, 124];
const DEFAULTS = { accent: 8, velocity: 82, length: 0.9, reverb: 40, straight: 0.5 };

/** @param attributes taxonomy indices; unknown ones wish nothing */
export function briefOf(attributes: readonly number[]): Brief {
  // In the order of the taxonomy: the order in which they are asked must not matter.
  const asked = [...new Set(attributes)].filter((index) => index in MEANINGS).sort((a, b) => a - b);
  const meanings = asked.map((index) => MEANINGS[index]!);
  const mean = (field: NumericField, otherwise: number) => average(meanings.map((one) => one[field])) ?? otherwise;
  const any = (field: BooleanField) => meanings.some((one) => one[field] === true);
  const listed = <T>(valueOf: (meaning: Meaning) => T | undefined) =>
    [...new Set(meanings.map(valueOf))].filter(isThere);
  const moods = asked.filter((index) => ATTRIBUTES[index]!.category === 'mood').map((index) => MEANINGS[index]!);
  const metres = meanings.flatMap((one) => one.metres ?? []);
  return {
    bpm: tempoRange(asked),
    tempoLean: mean('tempoLean', 0),
    metres,
    styles: listed((one) => one.style),
    swing: mean('swing', DEFAULTS.straight),
    swing16: mean('swing16', DEFAULTS.straight),
    anticipation: mean('anticipation', 0),
    isHarmonySyncopated: any('isHarmonySyncopated'),
    isPolyrhythmic: any('isPolyrhythmic'),
    isSteady: any('isSteady'),
    texture: any('isSpare') ? 'spare' : 'full',
    accent: Math.round(mean('accent', DEFAULTS.accent)),
    // A mood knows the mode better than a genre does.
    brightness: brightnessOf(moods) ?? brightnessOf(meanings),
    velocity: Math.round(mean('velocity', DEFAULTS.velocity)),
    length: mean('length', DEFAULTS.length),
    register: Math.round(mean('register', 0)),
    reverb: Math.round(mean('reverb', DEFAULTS.reverb)),
    colours: listed((one) => one.colour),
    swell: mean('swell', 0),
    contours: listed((one) => one.contour),
    leaps: Math.round(mean('leaps', 0)),
    isRepetitive: any('isRepetitive'),
    ...ensembleOf(meanings),
  };
}

type FieldOf<T> = { [K in keyof Meaning]-?: Exclude<Meaning[K], undefined> extends T ? K : never }[keyof Meaning];
type NumericField = FieldOf<number>;
type BooleanField = FieldOf<boolean>;

/**
 * The beats per minute asked for: what the attributes of a category have in common, or where they have nothing in
 * common the mean of their ranges; tempo goes before genre, genre before mood, and a later category only narrows.
 */
export function tempoRange(attributes: readonly number[]): Range {
  let range: Range | null = null;
  for (const category of ['tempo', 'genre', 'mood'] as const) {
    const ranges = attributes
      .filter((index) => ATTRIBUTES[index]?.category === category)
      .flatMap((index) => MEANINGS[index]!.bpm ?? []);
    const lows = ranges.filter((_value, i) => i % 2 === 0);
    const highs = ranges.filter((_value, i) => i % 2 === 1);
    if (lows.length === 0) continue;
    const inCommon: Range = [Math.max(...lows), Math.min(...highs)];
    const own: Range = isEmpty(inCommon) ? [Math.round(average(lows)!), Math.round(average(highs)!)] : inCommon;
    const narrowed: Range = range === null ? own : [Math.max(range[0], own[0]), Math.min(range[1], own[1])];
    if (!isEmpty(narrowed)) range = narrowed;
  }
  return range ?? DEFAULT_BPM;
}

function isEmpty([low, high]: Range): boolean {
  return low > high;
}

/**
 * Who plays. One part a voice that is asked for. A bass of no kind is the bass of a kind that is asked for beside it,
 * and so are drums: their manners are handed on. Where no instrument and no voice is asked for, a piano plays alone.
 */
function ensembleOf(meanings: readonly Meaning[]): Pick<Brief, 'parts' | 'drums'> {
  const silenced = new Set(meanings.map(({ silences }) => silences));
  const wishes = meanings
    .flatMap(({ parts }) => parts ?? [])
    .filter(({ voice }) => !(silenced.has('voices') && voiceOf(voice).isSung));
  const drumWishes = silenced.has('percussion') ? [] : meanings.flatMap(({ drums }) => drums ?? []);

  const bass = wishes.some(({ voice }) => voice === 'bass guitar') ? 'bass guitar' : 'synth bass';
  const hasNamedBass = wishes.some(({ voice }) => voice === bass);
  const parts = grouped(wishes, ({ voice }) => (voice === 'bass' && hasNamedBass ? bass : voice)).map(
    ([voice, group]): PartBrief => ({
      voice,
      program:
        group.filter((wish) => wish.voice === voice).find(({ program }) => program !== undefined)?.program ?? null,
      manners: new Set(group.map(({ manner }) => manner).filter(isThere)),
      isAlone: false,
    }),
  );

  const kits = (['acoustic drums', 'electronic drums'] as const).filter((kit) =>
    drumWishes.some(({ part }) => part === kit),
  );
  const drums = grouped(drumWishes, ({ part }) => (part === 'drums' ? (kits[0] ?? part) : part)).map(
    ([part, group]): DrumBrief => ({ part, manners: new Set(group.map(({ manner }) => manner).filter(isThere)) }),
  );

  const isInstrumentAsked = drums.length > 0 || parts.some(({ voice }) => voiceOf(voice).role !== 'noise');
  if (isInstrumentAsked) return { parts, drums };
  const isBeaten = meanings.some(({ isBeat }) => isBeat) && !silenced.has('percussion');
  return {
    parts: [{ voice: FALLBACK, program: null, manners: new Set(), isAlone: true }, ...parts],
    drums: isBeaten ? [{ part: 'drums', manners: new Set() }] : [],
  };
}

function grouped<K, T>(items: readonly T[], keyOf: (item: T) => K): [K, T[]][] {
  const groups = new Map<K, T[]>();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups];
}

function brightnessOf(meanings: readonly Meaning[]): number | null {
  const mean = average(meanings.map(({ mode }) => (mode ? MODES.indexOf(mode) : undefined)));
  return mean === null ? null : Math.round(mean);
}

function average(values: readonly (number | undefined)[]): number | null {
  const there = values.filter(isThere);
  return there.length === 0 ? null : there.reduce((sum, value) => sum + value, 0) / there.length;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}
