/**
 * A set of row numbers as a growable bit vector. Unions, intersections and counts of whole columns take microseconds,
 * which is what facets, co-occurrence and set selection are made of.
 */
export class BitSet {
  private words: Uint32Array;

  constructor(words: Uint32Array = new Uint32Array(0)) {
    this.words = words;
  }

  /** All rows from 0 to `size` - 1. */
  static full(size: number): BitSet {
    const words = new Uint32Array((size + 31) >>> 5).fill(0xffffffff);
    if (size & 31) words[words.length - 1] = (1 << (size & 31)) - 1;
    return new BitSet(words);
  }

  static of(rows: Iterable<number>): BitSet {
    const set = new BitSet();
    for (const row of rows) set.add(row);
    return set;
  }

  /** Bytes held, for measuring the index. */
  get byteLength(): number {
    return this.words.byteLength;
  }

  /** Number of 32-row words held. */
  get wordCount(): number {
    return this.words.length;
  }

  /** Rows 32 `i` to 32 `i` + 31 as bits, lowest row first. */
  word(i: number): number {
    return this.words[i] ?? 0;
  }

  add(row: number): void {
    const word = row >>> 5;
    if (word >= this.words.length) this.grow(word + 1);
    this.words[word]! |= 1 << (row & 31);
  }

  delete(row: number): void {
    const word = row >>> 5;
    if (word < this.words.length) this.words[word]! &= ~(1 << (row & 31));
  }

  has(row: number): boolean {
    return ((this.words[row >>> 5] ?? 0) & (1 << (row & 31))) !== 0;
  }

  clone(): BitSet {
    return new BitSet(this.words.slice());
  }

  /** Keeps the rows that are also in `other`. In place. */
  intersect(other: BitSet): this {
    const a = this.words;
    const b = other.words;
    const shared = Math.min(a.length, b.length);
    for (let i = 0; i < shared; i++) a[i]! &= b[i]!;
    a.fill(0, shared);
    return this;
  }

  /** Adds the rows of `other`. In place. */
  union(other: BitSet): this {
    const b = other.words;
    if (b.length > this.words.length) this.grow(b.length);
    const a = this.words;
    for (let i = 0; i < b.length; i++) a[i]! |= b[i]!;
    return this;
  }

  /** Removes the rows of `other`. In place. */
  subtract(other: BitSet): this {
    const a = this.words;
    const b = other.words;
    const shared = Math.min(a.length, b.length);
    for (let i = 0; i < shared; i++) a[i]! &= ~b[i]!;
    return this;
  }

  count(): number {
    let total = 0;
    for (const word of this.words) total += popcount(word);
    return total;
  }

  /** How many rows are in both; allocates nothing. */
  countIntersection(other: BitSet): number {
    const a = this.words;
    const b = other.words;
    const shared = Math.min(a.length, b.length);
    let total = 0;
    for (let i = 0; i < shared; i++) {
      const word = a[i]! & b[i]!;
      if (word !== 0) total += popcount(word);
    }
    return total;
  }

  /** The rows in ascending order. */
  rows(): number[] {
    const rows: number[] = [];
    for (let i = 0; i < this.words.length; i++) {
      for (let word = this.words[i]!; word !== 0; word &= word - 1) {
        rows.push((i << 5) | lowestBit(word));
      }
    }
    return rows;
  }

  /** Up to `limit` rows greater than `after`, ascending. */
  rowsAfter(after: number, limit: number): number[] {
    const rows: number[] = [];
    const start = after + 1;
    for (let i = start >>> 5; i < this.words.length && rows.length < limit; i++) {
      let word = this.words[i]!;
      if (i === start >>> 5) word &= ~0 << (start & 31);
      for (; word !== 0 && rows.length < limit; word &= word - 1) rows.push((i << 5) | lowestBit(word));
    }
    return rows;
  }

  /** Up to `limit` rows less than `before`, descending. */
  rowsBefore(before: number, limit: number): number[] {
    const rows: number[] = [];
    const last = Math.min(before, this.words.length << 5) - 1;
    for (let i = last >>> 5; i >= 0 && last >= 0 && rows.length < limit; i--) {
      let word = this.words[i]!;
      if (i === last >>> 5) word &= ~0 >>> (31 - (last & 31));
      while (word !== 0 && rows.length < limit) {
        const bit = 31 - Math.clz32(word);
        rows.push((i << 5) | bit);
        word &= ~(1 << bit);
      }
    }
    return rows;
  }

  private grow(words: number): void {
    // By an eighth: the columns are most of the index, and doubling would leave up to half of them unused.
    const grown = new Uint32Array(Math.max(words, Math.ceil(this.words.length * 1.125), 8));
    grown.set(this.words);
    this.words = grown;
  }
}

/** Position of the lowest set bit of a word that is not zero. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/** Number of set bits of a 32-bit word (Warren, Hacker's Delight, 5-1). */
function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
