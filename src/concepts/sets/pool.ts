import type { ConceptIndex } from '../concept-index';
import { ATTRIBUTES } from '../taxonomy';

/** Candidates for one side, in the order of the seed, with the attributes that count as lists. */
export interface Pool {
  /** Row numbers. */
  readonly rows: Int32Array;
  /** Source-id groups. */
  readonly groups: Int32Array;
  /** Attributes of candidate `i`: `attributes[offsets[i]]` to `attributes[offsets[i + 1] - 1]`, ascending. */
  readonly offsets: Int32Array;
  readonly attributes: Uint8Array;
}

/** @param counted the attributes that count */
export function createPool(index: ConceptIndex, rows: readonly number[], counted: ReadonlySet<number>): Pool {
  const offsets = new Int32Array(rows.length + 1);
  const attributes = new Uint8Array(rows.reduce((sum, row) => sum + index.lists.of(row).length, 0));
  const counts = new Uint8Array(ATTRIBUTES.length);
  for (const attribute of counted) counts[attribute] = 1;
  let end = 0;
  for (const [i, row] of rows.entries()) {
    for (const attribute of index.lists.of(row)) if (counts[attribute] === 1) attributes[end++] = attribute;
    offsets[i + 1] = end;
  }
  return {
    rows: Int32Array.from(rows),
    groups: Int32Array.from(rows, (row) => index.groups.of(row)),
    offsets,
    attributes: attributes.subarray(0, end),
  };
}

/** Attributes of candidate `i`. */
export function attributesAt(pool: Pool, i: number): Uint8Array {
  return pool.attributes.subarray(pool.offsets[i], pool.offsets[i + 1]);
}
