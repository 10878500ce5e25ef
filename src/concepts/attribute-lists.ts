import { IntList } from './int-list';

/** The attributes of every row as a list, a byte each: what comparing single rows needs, where columns would be slow. */
export class AttributeLists {
  private readonly ends = new IntList();
  private bytes = new Uint8Array(0);

  get byteLength(): number {
    return this.ends.byteLength + this.bytes.byteLength;
  }

  /** Adds the next row. */
  append(attributes: readonly number[]): void {
    const start = this.end(this.ends.length - 1);
    const end = start + attributes.length;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(64, Math.ceil(end * 1.125)));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(attributes, start);
    this.ends.push(end);
  }

  /** Taxonomy indices, ascending; valid until the next `append`. */
  of(row: number): Uint8Array {
    return this.bytes.subarray(this.end(row - 1), this.end(row));
  }

  private end(row: number): number {
    return row < 0 ? 0 : this.ends.at(row);
  }
}
