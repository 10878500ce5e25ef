/** A growing list of 32-bit integers, four bytes each: what is kept for every sample must be small. */
export class IntList {
  private items = new Int32Array(0);
  private count = 0;

  get length(): number {
    return this.count;
  }

  /** Bytes held, for measuring the index. */
  get byteLength(): number {
    return this.items.byteLength;
  }

  push(item: number): void {
    if (this.count === this.items.length) {
      // By an eighth: doubling would leave up to half of the memory unused.
      const grown = new Int32Array(Math.max(16, Math.ceil(this.count * 1.125)));
      grown.set(this.items);
      this.items = grown;
    }
    this.items[this.count++] = item;
  }

  /** The item at a position that is known to be in the list. */
  at(position: number): number {
    return this.items[position]!;
  }

  /** Replaces the item at a position that is known to be in the list. */
  set(position: number, item: number): void {
    this.items[position] = item;
  }
}
