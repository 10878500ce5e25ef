import type { BitSet } from './bit-set';
import { IntList } from './int-list';

/**
 * Orders of the rows by a seed, without a shuffle: the place of a row depends on the seed and on the row's own key, so
 * the same rows come first on every machine, in whatever order they were imported, and rows that are added later do
 * not change the order of the others.
 *
 * Rows whose keys begin with the same bits share a bucket. A seed puts the buckets in an order, and the rows within
 * a bucket: to find the first rows of a large set only the first buckets have to be looked at.
 */
const BUCKET_BITS = 14;
const BUCKETS = 2 ** BUCKET_BITS;
const HALF_BITS = BUCKET_BITS / 2;
const HALF_MASK = 2 ** HALF_BITS - 1;
const NONE = -1;

export class SeededOrder {
  private readonly keys = new IntList();
  /** Newest row of each bucket, and for each row the one before it in its bucket. */
  private readonly newest = new Int32Array(BUCKETS).fill(NONE);
  private readonly previous = new IntList();

  get byteLength(): number {
    return this.keys.byteLength + this.newest.byteLength + this.previous.byteLength;
  }

  /** Adds the next row. */
  append(key: number): void {
    const bucket = bucketOf(key);
    this.previous.push(this.newest[bucket]!);
    this.newest[bucket] = this.keys.length;
    this.keys.push(key);
  }

  /** The first `count` of `rows` in the order of the seed; fewer where there are fewer. */
  first(rows: BitSet, count: number, seed: number): number[] {
    if (count === 0) return [];
    const available = rows.count();
    // A bucket at a time costs a look at every row of the bucket, so rare rows are gathered at once.
    const visits = (count / Math.max(1, available)) * this.keys.length;
    return visits > 4 * available || available <= count
      ? this.sortByPlace(rows.rows(), seed).slice(0, count)
      : this.fromBuckets(rows, count, seed);
  }

  private fromBuckets(rows: BitSet, count: number, seed: number): number[] {
    const found: number[] = [];
    for (let place = 0; place < BUCKETS && found.length < count; place++) {
      const inBucket: number[] = [];
      for (let row = this.newest[bucketAt(place, seed)]!; row !== NONE; row = this.previous.at(row)) {
        if (rows.has(row)) inBucket.push(row);
      }
      if (inBucket.length > 1) found.push(...this.sortByPlace(inBucket, seed));
      else if (inBucket.length === 1) found.push(inBucket[0]!);
    }
    return found.slice(0, count);
  }

  private sortByPlace(rows: readonly number[], seed: number): number[] {
    const places = rows.map((row) => placeOf(bucketOf(this.keys.at(row)), seed));
    const priorities = rows.map((row) => mix(this.keys.at(row), seed));
    return rows
      .map((_row, i) => i)
      .sort(
        (a, b) =>
          places[a]! - places[b]! ||
          priorities[a]! - priorities[b]! ||
          this.keys.at(rows[a]!) - this.keys.at(rows[b]!) ||
          rows[a]! - rows[b]!,
      )
      .map((i) => rows[i]!);
  }
}

function bucketOf(key: number): number {
  return key >>> (32 - BUCKET_BITS);
}

/** Place of a bucket in the order of the seed: a permutation, by a Feistel network of four rounds. */
function placeOf(bucket: number, seed: number): number {
  let left = bucket >>> HALF_BITS;
  let right = bucket & HALF_MASK;
  for (let round = 0; round < 4; round++) [left, right] = [right, left ^ roundOf(right, round, seed)];
  return (left << HALF_BITS) | right;
}

/** The inverse of `placeOf`. */
function bucketAt(place: number, seed: number): number {
  let left = place >>> HALF_BITS;
  let right = place & HALF_MASK;
  for (let round = 3; round >= 0; round--) [left, right] = [right ^ roundOf(left, round, seed), left];
  return (left << HALF_BITS) | right;
}

function roundOf(half: number, round: number, seed: number): number {
  return mix(half | (round << HALF_BITS), seed) & HALF_MASK;
}

/** As good as random for every pair of key and seed: murmur3's finaliser over both. */
export function mix(key: number, seed: number): number {
  let h = key ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13) ^ Math.imul(seed, 0x9e3779b1), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
