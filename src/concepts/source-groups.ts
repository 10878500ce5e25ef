import { BitSet, lowestBit } from './bit-set';
import { IntList } from './int-list';

/**
 * Which rows share a source id. They are variants of one another: never two of them in one concept set. A group is
 * named by the number of its first row.
 */
export class SourceGroups {
  private readonly groups = new IntList();
  /** For the first row of a group its last row, for the others the row before in the group. */
  private readonly links = new IntList();
  /** Rows that are not the first of their group. */
  private readonly variants = new BitSet();

  get byteLength(): number {
    return this.groups.byteLength + this.links.byteLength + this.variants.byteLength;
  }

  /** Adds the next row. */
  append(group: number): void {
    const row = this.groups.length;
    this.groups.push(group);
    if (group === row) {
      this.links.push(row);
    } else {
      this.links.push(this.links.at(group));
      this.links.set(group, row);
      this.variants.add(row);
    }
  }

  of(row: number): number {
    return this.groups.at(row);
  }

  /** How many groups `rows` are of. */
  count(rows: BitSet): number {
    const later = rows.clone().intersect(this.variants);
    let groups = rows.count() - later.count();
    const seen = new Uint8Array(this.groups.length);
    for (let i = 0; i < later.wordCount; i++) {
      for (let word = later.word(i); word !== 0; word &= word - 1) {
        const group = this.groups.at((i << 5) | lowestBit(word));
        if (rows.has(group) || seen[group] === 1) continue;
        seen[group] = 1;
        groups++;
      }
    }
    return groups;
  }

  /** `rows` without those of the groups, as a set of its own. */
  without(rows: BitSet, groups: Iterable<number>): BitSet {
    const left = rows.clone();
    for (const group of groups) {
      for (let row = this.links.at(group); row !== group; row = this.links.at(row)) left.delete(row);
      left.delete(group);
    }
    return left;
  }
}
