import type { BitSet } from '../bit-set';
import type { ConceptIndex } from '../concept-index';
import { mix } from '../seeded-order';

/** Draws by seed. */

/** Independent uses of one seed. */
export type Stream = 'positives' | 'negatives' | 'random sets' | 'search' | 'folds';

/** 32 bits that depend on every bit of the seed and on the stream. */
export function streamSeed(seed: number, stream: Stream): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193);
  return mix(hash, seed);
}

/**
 * The first `count` of `rows` in the order of the seed with at most one row of each source id, and none of a group in
 * `taken`, which the groups of the drawn rows are added to.
 */
export function drawUnrelated(
  index: ConceptIndex,
  rows: BitSet,
  count: number,
  seed: number,
  taken: Set<number>,
): number[] {
  if (count === 0) return [];
  const available = rows.count();
  for (let wanted = count + 16; ; wanted *= 2) {
    const drawn: number[] = [];
    const groups = new Set<number>();
    for (const row of index.order.first(rows, wanted, seed)) {
      if (drawn.length === count) break;
      const group = index.groups.of(row);
      if (taken.has(group) || groups.has(group)) continue;
      groups.add(group);
      drawn.push(row);
    }
    if (drawn.length < count && wanted < available) continue;
    for (const group of groups) taken.add(group);
    return drawn;
  }
}
