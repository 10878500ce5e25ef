import { lowestBit, type BitSet } from '../bit-set';
import type { ConceptIndex } from '../concept-index';

/**
 * Seeded order without a shuffle: every row has a priority that depends on the seed and on the row's own content, so
 * the same rows come out on every machine, in whatever order they were imported, and rows that are added later do not
 * change the order of the others.
 */

/** Uniform 32-bit integers (mulberry32), all integer arithmetic: the same on every machine. */
export class Random {
  constructor(private state: number) {}

  /** 0 to `bound` - 1. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * bound);
  }
}

/** Independent uses of one seed. */
export type Stream = 'positives' | 'negatives' | 'random sets' | 'search' | 'folds';

/** 32 bits that depend on every bit of the seed and on the stream (murmur3's finaliser over FNV-1a). */
export function streamSeed(seed: number, stream: Stream): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193);
  return mix(hash, seed);
}

/** The murmur3 finaliser over key and seed: as good as random for every pair. */
function mix(key: number, seed: number): number {
  let h = key ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ Math.imul(seed, 0x9e3779b1), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The first `count` of `rows` in the order of the seed; fewer where there are fewer. */
export function firstInOrder(index: ConceptIndex, rows: BitSet, count: number, seed: number): number[] {
  const available = rows.count();
  const keys = index.keys.view();
  // Most rows are turned away by one comparison; should too few pass, the bound is raised.
  for (let wanted = count * 1.2 + 32; ; wanted *= 4) {
    const bound = wanted >= available ? 2 ** 32 : (wanted / available) * 2 ** 32;
    const found: number[] = [];
    const priorities: number[] = [];
    for (let i = 0; i < rows.wordCount; i++) {
      for (let word = rows.word(i); word !== 0; word &= word - 1) {
        const row = (i << 5) | lowestBit(word);
        const priority = mix(keys[row]!, seed);
        if (priority < bound) {
          found.push(row);
          priorities.push(priority);
        }
      }
    }
    if (found.length < count && bound < 2 ** 32) continue;
    const order = found.map((_row, i) => i);
    order.sort(
      (a, b) => priorities[a]! - priorities[b]! || keys[found[a]!]! - keys[found[b]!]! || found[a]! - found[b]!,
    );
    return order.slice(0, count).map((i) => found[i]!);
  }
}

/** As `firstInOrder`, but with at most one row of each source id and none of those in `taken`, which it adds to. */
export function drawUnrelated(
  index: ConceptIndex,
  rows: BitSet,
  count: number,
  seed: number,
  taken: Set<number>,
): number[] {
  const available = rows.count();
  for (let wanted = count + 16; ; wanted *= 2) {
    const drawn: number[] = [];
    const groups = new Set<number>();
    for (const row of firstInOrder(index, rows, wanted, seed)) {
      if (drawn.length === count) break;
      const group = index.groups.at(row);
      if (taken.has(group) || groups.has(group)) continue;
      groups.add(group);
      drawn.push(row);
    }
    if (drawn.length < count && wanted < available) continue;
    for (const group of groups) taken.add(group);
    return drawn;
  }
}

/** How many different source ids `rows` have. */
export function countGroups(index: ConceptIndex, rows: BitSet): number {
  const later = rows.clone().intersect(index.variants);
  let groups = rows.count() - later.count();
  const seen = new Uint8Array(index.size);
  for (let i = 0; i < later.wordCount; i++) {
    for (let word = later.word(i); word !== 0; word &= word - 1) {
      const group = index.groups.at((i << 5) | lowestBit(word));
      if (rows.has(group) || seen[group] === 1) continue;
      seen[group] = 1;
      groups++;
    }
  }
  return groups;
}
