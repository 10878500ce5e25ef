import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { writePublishedParquet, type LayoutRow } from '../scripts/published-parquet';
import { ATTRIBUTES } from '../src/concepts/taxonomy';
import frequencies from './attribute-counts.json';
import { createRandom, pick } from './random';

/**
 * Rows with the real attribute frequencies (each attribute drawn on its own, so frequencies and the mean number per
 * row are real and co-occurrence is not) and captions of the real length that name some of them.
 */
const ROWS_PER_GROUP = 1_000;
const CACHE = join(__dirname, '..', '.cache', 'bench');
const SHARES = ATTRIBUTES.map(({ name }) => (frequencies.counts as Record<string, number>)[name]! / frequencies.rows);

const OPENINGS = ['This track', 'A lively piece', 'An intimate recording', 'The composition', 'This slow burner'];
const VERBS = ['features', 'is built on', 'opens with', 'leans on', 'weaves together'];
const FILLERS = [
  'while subtle dynamics add depth without overpowering the intimate atmosphere',
  'creating a captivating soundscape that evolves throughout the arrangement',
  'as harmonies swell and recede beneath the main theme in gentle waves',
  'propelling the listener forward through each section with relentless momentum',
  'before a reprise brings the opening idea back in a brighter register',
  'and a short bridge lets the texture thin out until only the pulse remains',
];

/** Path of a Parquet folder with `count` rows, made on first use. */
export function benchRows(count: number): string {
  const folder = join(CACHE, `rows-${count}`);
  const file = join(folder, 'default', 'train-00000-of-00001.parquet');
  if (!existsSync(file)) {
    mkdirSync(join(folder, 'default'), { recursive: true });
    writePublishedParquet(file, generateRows(count, 1), { rowGroupSize: ROWS_PER_GROUP });
  }
  return folder;
}

function generateRows(count: number, seed: number): LayoutRow[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const attributes = ATTRIBUTES.filter((_attribute, index) => random() < SHARES[index]!).map(({ name }) => name);
    // About a quarter of the real rows share their source id with another.
    const id = `bench-${random() < 0.21 && i > 0 ? i - 1 : i}`;
    return { id, caption: captionOf(random, attributes), attributes };
  });
}

function captionOf(random: () => number, attributes: readonly string[]): string {
  const named = attributes.filter(() => random() < 0.5).join(', ') || 'a single idea';
  const sentences = [`${pick(random, OPENINGS)} ${pick(random, VERBS)} ${named}, ${pick(random, FILLERS)}.`];
  while (sentences.join(' ').length < 380) {
    sentences.push(
      `${pick(random, OPENINGS)} ${pick(random, VERBS)} ${pick(random, attributes.length ? attributes : ['noise'])}, ${pick(random, FILLERS)}.`,
    );
  }
  return sentences.join(' ');
}
