import { Random } from '../../src/concepts/random';
import { ATTRIBUTES } from '../../src/concepts/taxonomy';
import { MEANINGS } from '../../src/inference/soundfont/attribute-table';
import { compose } from '../../src/inference/soundfont/compose';
import type { Plan } from '../../src/inference/soundfont/plan';
import { attribute, percent, randomList } from './clips';

/** How unlike pieces are, on their plans: of one attribute list by seed, and of one genre and another. */
const SEEDS = 500;
const SECONDS = 20;
const LIST = ['piano', 'bass guitar', 'drums', 'violin', 'pop', 'happy'];
const LISTS_PER_GENRE = 10;

export function measureVariety(): string[] {
  const list = LIST.map(attribute).sort((a, b) => a - b);
  const plans = Array.from({ length: SEEDS }, (_plan, seed) => compose(list, seed, SECONDS));
  const onsets = plans.map((plan) => setOf(plan, (part, note) => `${part} ${quarterOf(note.startBeats)}`));
  const notes = plans.map((plan) =>
    setOf(plan, (part, note) => `${part} ${quarterOf(note.startBeats)} ${(note.key - plan.tonic + 12) % 12}`),
  );
  const chroma = plans.map(chromaOf);
  const similarity = { onsets: [] as number[], notes: [] as number[], chroma: [] as number[] };
  for (let i = 0; i < SEEDS; i++) {
    for (let j = 0; j < i; j++) {
      similarity.onsets.push(jaccard(onsets[i]!, onsets[j]!));
      similarity.notes.push(jaccard(notes[i]!, notes[j]!));
      similarity.chroma.push(cosine(chroma[i]!, chroma[j]!));
    }
  }
  const line = (name: string, values: number[]) => {
    values.sort((a, b) => a - b);
    const at = (share: number) => values[Math.floor(share * (values.length - 1))]!.toFixed(3);
    return `| ${name} | ${at(0.5)} | ${at(0.999)} | ${at(1)} |`;
  };
  return [
    '| similarity of two pieces | median | 99.9 % below | most alike |',
    '| --- | --- | --- | --- |',
    line('onsets: shared among all (Jaccard)', similarity.onsets),
    line('notes: the same onset and degree, whatever the key (Jaccard)', similarity.notes),
    line('chroma: pitch classes bar by bar (cosine)', similarity.chroma),
  ];
}

/** Leave-one-out: the nearest piece of another list; is it of the same genre, or of one with the same style? */
export function measureGenres(): string[] {
  const random = new Random(5);
  const genres = ATTRIBUTES.filter(({ category, index }) => category === 'genre' && !MEANINGS[index]!.unsupported);
  const pieces = genres.flatMap(({ index, name }) =>
    Array.from({ length: LISTS_PER_GENRE }, (_piece, i) => {
      const band = [index, ...['drums', 'bass guitar', 'piano', 'guitar'].map(attribute)];
      const attributes = randomList(random, band, { mood: 1 });
      return { name, style: MEANINGS[index]!.style ?? name, features: featuresOf(compose(attributes, i, SECONDS)) };
    }),
  );
  const centroids = new Map(
    [...new Set(pieces.map(({ style }) => style))].map((style) => [style, pieces.filter((one) => one.style === style)]),
  );
  const confused = new Map<string, number>();
  let right = 0;
  for (const piece of pieces) {
    let best = '';
    let distance = Number.POSITIVE_INFINITY;
    for (const [style, members] of centroids) {
      const centre = mean(members.filter((one) => one !== piece).map(({ features }) => features));
      const own = centre.reduce((sum, value, i) => sum + (value - piece.features[i]!) ** 2, 0);
      if (own < distance) [best, distance] = [style, own];
    }
    if (best === piece.style) right++;
    else confused.set(`${piece.name} as ${best}`, (confused.get(`${piece.name} as ${best}`) ?? 0) + 1);
  }
  const weak = [...confused].sort((a, b) => b[1] - a[1]).slice(0, 10);
  return [
    `Of ${pieces.length} pieces (${genres.length} genres, ${LISTS_PER_GENRE} lists each, all with drums, bass guitar, piano and guitar and a mood) ${percent(right / pieces.length)} are nearest to the mean of the other pieces of their own style, among ${centroids.size} styles, by groove, harmony and programs alone. Genres that are one thing by another name (classical, classical music, western classical music) share a style.`,
    '',
    '| most often mistaken | of 10 |',
    '| --- | --- |',
    ...weak.map(([pair, count]) => `| ${pair} | ${count} |`),
  ];
}

type Note = Plan['parts'][number]['notes'][number];

function setOf(plan: Plan, keyOf: (part: string, note: Note) => string): Set<string> {
  return new Set(plan.parts.flatMap(({ name, notes }) => notes.map((note) => keyOf(name, note))));
}

/** Pitched notes by bar and pitch class relative to the tonic. */
function chromaOf(plan: Plan): number[] {
  const chroma = new Array<number>(8 * 12).fill(0);
  for (const { channel, notes } of plan.parts) {
    for (const { startBeats, durationBeats, key } of channel === 9 ? [] : notes) {
      const bar = Math.floor(startBeats / 4);
      if (bar < 8) chroma[bar * 12 + ((key - plan.tonic + 12) % 12)]! += durationBeats;
    }
  }
  return chroma;
}

/** Groove (drum and bass by sixteenth of the bar), harmony (degrees, size of chords), swing and programs. */
function featuresOf(plan: Plan): number[] {
  const groove = new Map<string, number>();
  const add = (key: string, weight: number) => groove.set(key, (groove.get(key) ?? 0) + weight);
  const bars = Math.max(1, Math.max(...plan.parts.flatMap(({ notes }) => notes.map((note) => note.startBeats))) / 4);
  for (const { channel, notes, name, program } of plan.parts) {
    for (const { startBeats, key } of notes) {
      const step = Math.round((startBeats % 4) * 4) % 16;
      if (channel === 9) add(`drum ${key} ${step}`, 1 / bars);
      else if (name.includes('bass')) add(`bass ${step}`, 1 / bars);
      else add(`${name} ${step}`, 0.3 / bars);
    }
    add(`program ${name} ${program}`, 1);
  }
  for (const { degree, tones } of plan.chords) {
    add(`degree ${degree}`, 1 / plan.chords.length);
    add(`size ${tones.length}`, 1 / plan.chords.length);
  }
  add('swing', 6 * (plan.swing.ratio - 0.5));
  add(`metre ${plan.metre}`, 0.5);
  const features = new Array<number>(4_096).fill(0);
  for (const [key, value] of groove) features[hash(key)]! += value;
  return features;
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return (value >>> 0) % 4_096;
}

function mean(rows: readonly (readonly number[])[]): number[] {
  const sum = new Array<number>(rows[0]?.length ?? 0).fill(0);
  for (const row of rows) for (const [i, value] of row.entries()) sum[i]! += value / rows.length;
  return sum;
}

function quarterOf(beats: number): number {
  return Math.round(beats * 4);
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const one of a) if (b.has(one)) shared++;
  return shared / (a.size + b.size - shared);
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let [ab, aa, bb] = [0, 0, 0];
  for (const [i, value] of a.entries()) {
    ab += value * b[i]!;
    aa += value * value;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}
