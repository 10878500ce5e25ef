import type { ConceptIndex } from '../concept-index';

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

/** @param counted the attributes that count, ascending */
export function createPool(index: ConceptIndex, rows: readonly number[], counted: readonly number[]): Pool {
  const offsets = new Int32Array(rows.length + 1);
  const columns = counted.map((attribute) => index.attributes[attribute]!);
  // Column by column: each is read in one go, and what it says is put in place in a second round.
  for (const column of columns) {
    for (let i = 0; i < rows.length; i++) if (column.has(rows[i]!)) offsets[i + 1]!++;
  }
  for (let i = 0; i < rows.length; i++) offsets[i + 1]! += offsets[i]!;
  const attributes = new Uint8Array(offsets[rows.length]!);
  const next = offsets.slice();
  for (let c = 0; c < columns.length; c++) {
    const column = columns[c]!;
    for (let i = 0; i < rows.length; i++) if (column.has(rows[i]!)) attributes[next[i]!++] = counted[c]!;
  }
  return {
    rows: Int32Array.from(rows),
    groups: Int32Array.from(rows, (row) => index.groups.at(row)),
    offsets,
    attributes,
  };
}

/** Attributes of candidate `i`. */
export function attributesAt(pool: Pool, i: number): Uint8Array {
  return pool.attributes.subarray(pool.offsets[i], pool.offsets[i + 1]);
}
