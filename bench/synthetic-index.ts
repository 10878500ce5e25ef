import type { IndexRow } from '../src/concepts/concept-index';
import { carriedConcepts, CONCEPTS } from '../src/concepts/concepts';
import { ATTRIBUTES } from '../src/concepts/taxonomy';
import frequencies from './attribute-counts.json';
import { createRandom } from './random';

/**
 * Index rows with the real attribute frequencies, each attribute drawn on its own; four of five carried concepts are
 * mentioned, and about two others; about a quarter share their source id with the row before. No captions: at two
 * million rows only the index is of interest.
 */
const SHARES = ATTRIBUTES.map(({ name }) => (frequencies.counts as Record<string, number>)[name]! / frequencies.rows);

export function* syntheticRows(count: number, seed: number): Generator<IndexRow> {
  const random = createRandom(seed);
  let group = 0;
  for (let seq = 0; seq < count; seq++) {
    const attributes: number[] = [];
    for (let attribute = 0; attribute < SHARES.length; attribute++) {
      if (random() < SHARES[attribute]!) attributes.push(attribute);
    }
    const carries = carriedConcepts(attributes);
    const mentions = new Set(carries.filter(() => random() < 0.8));
    while (random() < 0.67) mentions.add(Math.floor(random() * CONCEPTS.length));
    if (seq === 0 || random() >= 0.21) group = seq;
    yield {
      seq,
      attributes,
      carries,
      mentions: [...mentions].sort((a, b) => a - b),
      source: 1,
      split: 'train',
      key: Math.floor(random() * 2 ** 32) | 0,
      group,
      addedVersion: 1 + Math.floor(seq / 1_000),
      audioVersion: null,
      retiredVersion: null,
    };
  }
}
