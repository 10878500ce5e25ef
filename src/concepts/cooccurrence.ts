import { lowestBit, type BitSet } from './bit-set';

/**
 * How often things occur together, and how surprising that is.
 */
export interface Cooccurrence {
  /** Rows in the scope. */
  readonly total: number;
  /** Rows of the scope in each row set and each column set. */
  readonly rowCounts: readonly number[];
  readonly columnCounts: readonly number[];
  /** `counts[i][j]`: rows of the scope that are in row set i and in column set j. */
  readonly counts: readonly (readonly number[])[];
}

/**
 * Counts every pair of a row set and a column set within `scope`.
 *
 * A sample carries few of the sets, so it is cheaper to visit each sample's pairs than to intersect every pair of
 * sets: about (sets + samples x sets per sample squared) steps for each 32 samples.
 */
export function cooccurrence(rows: readonly BitSet[], columns: readonly BitSet[], scope: BitSet): Cooccurrence {
  const counts = rows.map(() => new Array<number>(columns.length).fill(0));
  // What each of the 32 samples of a word carries.
  const carriedRows = Array.from({ length: 32 }, () => [] as number[]);
  const carriedColumns = Array.from({ length: 32 }, () => [] as number[]);
  const collect = (sets: readonly BitSet[], into: number[][], at: number, mask: number) => {
    for (let set = 0; set < sets.length; set++) {
      for (let word = sets[set]!.word(at) & mask; word !== 0; word &= word - 1) into[lowestBit(word)]!.push(set);
    }
  };
  for (let at = 0; at < scope.wordCount; at++) {
    const mask = scope.word(at);
    if (mask === 0) continue;
    collect(rows, carriedRows, at, mask);
    collect(columns, carriedColumns, at, mask);
    for (let sample = 0; sample < 32; sample++) {
      for (const row of carriedRows[sample]!) {
        const line = counts[row]!;
        for (const column of carriedColumns[sample]!) line[column]!++;
      }
      carriedRows[sample]!.length = 0;
      carriedColumns[sample]!.length = 0;
    }
  }
  return {
    total: scope.count(),
    rowCounts: rows.map((set) => set.countIntersection(scope)),
    columnCounts: columns.map((set) => set.countIntersection(scope)),
    counts,
  };
}

/**
 * Pointwise mutual information in bits, log2(p(a, b) / (p(a) p(b))), from counts over `total` rows.
 * Null where the two never occur together (it would be minus infinity).
 * (Church & Hanks 1990, "Word Association Norms, Mutual Information, and Lexicography".)
 */
export function pointwiseMutualInformation(both: number, a: number, b: number, total: number): number | null {
  if (both === 0) return null;
  return Math.log2((both * total) / (a * b));
}
