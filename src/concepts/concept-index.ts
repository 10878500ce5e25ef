import { BitSet } from './bit-set';
import { ATTRIBUTES } from './taxonomy';

/**
 * The samples as columns of bits: which rows carry an attribute, carry or mention a concept, have audio, and so on.
 *
 * Derived from PostgreSQL and rebuilt at will; a row is addressed by its number (`seq`), dense from 0 and growing in
 * commit order. What lives here: the columns and how rows enter them. What must not: I/O, SQL, GraphQL.
 */
export interface IndexRow {
  readonly seq: number;
  readonly attributes: readonly number[];
  readonly carries: readonly number[];
  readonly mentions: readonly number[];
  readonly source: number;
  readonly split: string | null;
  readonly hasAudio: boolean;
  readonly retired: boolean;
}

export class ConceptIndex {
  /** Data version that the columns show. */
  version = 0;
  /** Number of rows, retired ones included. */
  size = 0;
  readonly attributes: readonly BitSet[];
  readonly carries: readonly BitSet[];
  readonly mentions: readonly BitSet[];
  readonly splits = new Map<string, BitSet>();
  readonly sources = new Map<number, BitSet>();
  readonly withAudio = new BitSet();
  readonly retired = new BitSet();

  constructor(conceptCount: number) {
    this.attributes = ATTRIBUTES.map(() => new BitSet());
    this.carries = Array.from({ length: conceptCount }, () => new BitSet());
    this.mentions = Array.from({ length: conceptCount }, () => new BitSet());
  }

  /**
   * Adds the next row.
   * @throws RangeError where `row.seq` is not the next number: a gap would shift every row after it.
   */
  append(row: IndexRow): void {
    if (row.seq !== this.size) throw new RangeError(`row ${row.seq} does not follow row ${this.size - 1}`);
    this.size++;
    for (const attribute of row.attributes) this.attributes[attribute]!.add(row.seq);
    for (const concept of row.carries) this.carries[concept]!.add(row.seq);
    for (const concept of row.mentions) this.mentions[concept]!.add(row.seq);
    if (row.split !== null) column(this.splits, row.split).add(row.seq);
    column(this.sources, row.source).add(row.seq);
    this.update(row.seq, row);
  }

  /** Follows the two changes that a row can undergo later. */
  update(seq: number, change: Pick<IndexRow, 'hasAudio' | 'retired'>): void {
    if (change.hasAudio) this.withAudio.add(seq);
    if (change.retired) this.retired.add(seq);
  }

  /** The rows that are part of the data now. */
  live(): BitSet {
    return BitSet.full(this.size).subtract(this.retired);
  }

  get byteLength(): number {
    const columns = [
      ...this.attributes,
      ...this.carries,
      ...this.mentions,
      ...this.splits.values(),
      ...this.sources.values(),
      this.withAudio,
      this.retired,
    ];
    return columns.reduce((sum, set) => sum + set.byteLength, 0);
  }
}

function column<K>(columns: Map<K, BitSet>, key: K): BitSet {
  let set = columns.get(key);
  if (!set) columns.set(key, (set = new BitSet()));
  return set;
}
