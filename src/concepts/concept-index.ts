import { AttributeLists } from './attribute-lists';
import { BitSet } from './bit-set';
import { Counterfactuals } from './counterfactuals';
import { IntList } from './int-list';
import { SeededOrder } from './seeded-order';
import { SourceGroups } from './source-groups';
import { ATTRIBUTES } from './taxonomy';

/**
 * The samples as columns of bits: which rows carry an attribute, carry or mention a concept, have audio, and so on.
 *
 * Derived from PostgreSQL and rebuilt at will; a row is addressed by its number (`seq`), dense from 0 and growing in
 * commit order. What lives here: the columns, how rows enter them, and how they were at an earlier data version. What
 * must not: I/O, SQL, GraphQL.
 */
export interface IndexRow {
  readonly seq: number;
  readonly attributes: readonly number[];
  readonly carries: readonly number[];
  readonly mentions: readonly number[];
  readonly source: number;
  readonly split: string | null;
  /** 32 bits of the sample's id: the same for the same sample in every installation, and as good as random. */
  readonly key: number;
  /** Number of the first row with the same source id. */
  readonly group: number;
  readonly addedVersion: number;
  /** Data versions at which the row got audio and was retired; null where that has not happened. */
  readonly audioVersion: number | null;
  readonly retiredVersion: number | null;
}

/** The rows as they were at a data version. The columns of the index can hold later rows: intersect with `live`. */
export interface IndexView {
  readonly index: ConceptIndex;
  readonly version: number;
  /** Number of rows, retired ones included. */
  readonly size: number;
  /** The rows that were part of the data. */
  readonly live: BitSet;
  readonly withAudio: BitSet;
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
  readonly lists = new AttributeLists();
  readonly order = new SeededOrder();
  readonly groups = new SourceGroups();
  readonly counterfactuals = new Counterfactuals();
  private readonly withAudio = new BitSet();
  private readonly retired = new BitSet();
  /** Each version that added rows, and the first row that it added. */
  private readonly growth = { versions: new IntList(), firstRows: new IntList() };
  /** What happened to rows after they were added. */
  private readonly audioLater = { versions: new IntList(), rows: new IntList() };
  private readonly retirements = { versions: new IntList(), rows: new IntList() };

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
    const { seq } = row;
    if (seq !== this.size) throw new RangeError(`row ${seq} does not follow row ${this.size - 1}`);
    for (const attribute of row.attributes) this.attributes[attribute]!.add(seq);
    for (const concept of row.carries) this.carries[concept]!.add(seq);
    for (const concept of row.mentions) this.mentions[concept]!.add(seq);
    if (row.split !== null) column(this.splits, row.split).add(seq);
    column(this.sources, row.source).add(seq);
    this.lists.append(row.attributes);
    this.order.append(row.key);
    this.groups.append(row.group);
    this.size++;
    const { versions, firstRows } = this.growth;
    if (versions.length === 0 || versions.at(versions.length - 1) !== row.addedVersion) {
      versions.push(row.addedVersion);
      firstRows.push(seq);
    }
    if (row.audioVersion === row.addedVersion) this.withAudio.add(seq);
    this.update(seq, row);
  }

  /** Follows the two changes that a row can undergo later. */
  update(seq: number, change: Pick<IndexRow, 'audioVersion' | 'retiredVersion'>): void {
    if (change.audioVersion !== null && !this.withAudio.has(seq)) {
      this.withAudio.add(seq);
      this.audioLater.versions.push(change.audioVersion);
      this.audioLater.rows.push(seq);
    }
    if (change.retiredVersion !== null && !this.retired.has(seq)) {
      this.retired.add(seq);
      this.retirements.versions.push(change.retiredVersion);
      this.retirements.rows.push(seq);
    }
  }

  /** The rows that are part of the data now. */
  live(): BitSet {
    return BitSet.full(this.size).subtract(this.retired);
  }

  /** The rows as they are now. */
  now(): IndexView {
    return { index: this, version: this.version, size: this.size, live: this.live(), withAudio: this.withAudio };
  }

  /**
   * The rows as they were at a data version.
   * @throws RangeError for a version that the index has not reached, or below 0
   */
  at(version: number): IndexView {
    if (version > this.version || version < 0) throw new RangeError(`there is no data version ${version} here`);
    if (version === this.version) return this.now();
    const size = this.sizeAt(version);
    const live = BitSet.full(size).subtract(this.retired);
    const withAudio = this.withAudio.clone();
    undo(this.retirements, version, (row) => row < size && live.add(row));
    undo(this.audioLater, version, (row) => withAudio.delete(row));
    return { index: this, version, size, live, withAudio };
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
      this.lists,
      this.order,
      this.groups,
      this.counterfactuals,
      ...[this.growth.versions, this.growth.firstRows],
      ...[this.audioLater.versions, this.audioLater.rows, this.retirements.versions, this.retirements.rows],
    ];
    return columns.reduce((sum, set) => sum + set.byteLength, 0);
  }

  /** Number of rows that were added up to a version: row numbers grow with versions. */
  private sizeAt(version: number): number {
    const { versions, firstRows } = this.growth;
    let low = 0;
    let high = versions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (versions.at(middle) <= version) low = middle + 1;
      else high = middle;
    }
    return low < firstRows.length ? firstRows.at(low) : this.size;
  }
}

function undo(log: { versions: IntList; rows: IntList }, version: number, revert: (row: number) => void): void {
  for (let i = 0; i < log.rows.length; i++) if (log.versions.at(i) > version) revert(log.rows.at(i));
}

function column<K>(columns: Map<K, BitSet>, key: K): BitSet {
  let set = columns.get(key);
  if (!set) columns.set(key, (set = new BitSet()));
  return set;
}
