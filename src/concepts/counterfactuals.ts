import { BitSet } from './bit-set';
import { IntList } from './int-list';

/** Which rows are the same piece with something changed, and since when that is known. */
export class Counterfactuals {
  private readonly versions = new IntList();
  private readonly samples = new IntList();
  private readonly originals = new IntList();

  get byteLength(): number {
    return this.versions.byteLength + this.samples.byteLength + this.originals.byteLength;
  }

  /** Versions come in ascending order. */
  link(version: number, sample: number, original: number): void {
    this.versions.push(version);
    this.samples.push(sample);
    this.originals.push(original);
  }

  /** Pairs of one row of `some` and one of `others`, in that order, as known at a version. */
  pairs(version: number, some: BitSet, others: BitSet): [number, number][] {
    const found: [number, number][] = [];
    for (let i = 0; i < this.versions.length && this.versions.at(i) <= version; i++) {
      const [a, b] = [this.samples.at(i), this.originals.at(i)];
      if (some.has(a) && others.has(b)) found.push([a, b]);
      if (some.has(b) && others.has(a)) found.push([b, a]);
    }
    return found;
  }

  /** Those of `some` that are paired with one of `others`. */
  pairedRows(version: number, some: BitSet, others: BitSet): BitSet {
    return BitSet.of(this.pairs(version, some, others).map(([row]) => row));
  }
}
