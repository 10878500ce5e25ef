import { MASKED } from './decoder-graph';

/**
 * Keys and values of the positions that the decoder has read, of all clips of a batch. A clip has two rows: with its text in
 * the first half of the rows, without it in the second. Clips that came later have fewer positions: theirs are the last
 * ones, what is before them is padding and hidden by a mask.
 *
 * The arrays grow in place, so that the cache is in memory once.
 */
export interface CacheShape {
  readonly layers: number;
  readonly heads: number;
  readonly width: number;
  readonly bytesPerNumber: 2 | 4;
}

/** What a chunk has added, layer by layer, each [R, H, N, D]. */
export interface AddedLayer {
  readonly key: Numbers;
  readonly value: Numbers;
}

/** Numbers of 32 bits, or of 16 as they are. */
export type Numbers = Float32Array | Uint16Array;

/** Bytes that a position of one clip takes. */
export function cacheBytesPerPosition({ layers, heads, width, bytesPerNumber }: CacheShape): number {
  const rows = 2;
  return rows * layers * 2 * heads * width * bytesPerNumber;
}

interface Layer {
  key: Numbers;
  value: Numbers;
}

const PARTS = ['key', 'value'] as const;

export class DecoderCache {
  private layers: Layer[];
  /** Positions of each clip. */
  private lengths: number[] = [];
  private past = 0;
  private capacity = 0;

  constructor(private readonly shape: CacheShape) {
    this.layers = Array.from({ length: shape.layers }, () => ({ key: this.make(0), value: this.make(0) }));
  }

  get clips(): number {
    return this.lengths.length;
  }

  get rows(): number {
    return 2 * this.clips;
  }

  /** P: positions of the longest clip. */
  get positions(): number {
    return this.past;
  }

  /** [R, H, P, D] */
  key(layer: number): Numbers {
    return this.layers[layer]!.key.subarray(0, this.numbers(this.past));
  }

  /** [R, H, P, D] */
  value(layer: number): Numbers {
    return this.layers[layer]!.value.subarray(0, this.numbers(this.past));
  }

  /** [R, P] */
  mask(): Float32Array {
    const mask = new Float32Array(this.rows * this.past);
    for (let row = 0; row < this.rows; row++) {
      const padding = this.past - this.lengths[row % this.clips]!;
      mask.fill(MASKED, row * this.past, row * this.past + padding);
    }
    return mask;
  }

  /**
   * Makes room for as many positions as will be needed, so that growing copies nothing.
   * @param positions at least as many as there are
   */
  reserve(positions: number): void {
    if (positions <= this.capacity) return;
    this.capacity = positions;
    for (const layer of this.layers) {
      for (const part of PARTS) layer[part] = this.moved(layer[part], this.numbers(positions));
    }
  }

  /** Adds what a chunk has made to every clip. */
  append(added: readonly AddedLayer[], steps: number): void {
    const { heads, width } = this.shape;
    const past = this.past;
    this.reserve(past + steps);
    this.layers.forEach((layer, i) => {
      for (const part of PARTS) widen(layer[part], this.rows * heads, past * width, added[i]![part], steps * width);
    });
    this.past = past + steps;
    this.lengths = this.lengths.map((length) => length + steps);
  }

  /**
   * Makes the batch one of other clips.
   * @param from for each clip the place that it has now, or null where it begins
   */
  rearrange(from: readonly (number | null)[]): void {
    if (from.length === this.clips && from.every((place, i) => place === i)) return;
    const { heads, width } = this.shape;
    const lengths = from.map((place) => (place === null ? 0 : this.lengths[place]!));
    const past = Math.max(0, ...lengths);
    const old = { layers: this.layers, past: this.past, clips: this.clips };
    const rows = from.flatMap((place, i) => (place === null ? [] : [{ from: place, to: i }]));
    const sources = [...rows, ...rows.map((row) => ({ from: row.from + old.clips, to: row.to + from.length }))];
    this.lengths = lengths;
    this.past = past;
    this.capacity = past;
    this.layers = old.layers.map((before) => {
      const layer = { key: this.make(this.numbers(past)), value: this.make(this.numbers(past)) };
      for (const { from: source, to } of sources) {
        for (const part of PARTS) narrow(before[part], source, old.past, layer[part], to, past, heads, width);
      }
      return layer;
    });
  }

  private numbers(positions: number): number {
    const { heads, width } = this.shape;
    return this.rows * heads * width * positions;
  }

  private make(length: number): Numbers {
    return this.shape.bytesPerNumber === 2 ? new Uint16Array(length) : new Float32Array(length);
  }

  private moved(numbers: Numbers, length: number): Numbers {
    const larger = this.make(length);
    larger.set(numbers.subarray(0, this.numbers(this.past)));
    return larger;
  }
}

/** Lengthens each of `lines` lines in place from `length` to `length + more`, the last first, so that none is overwritten. */
function widen(numbers: Numbers, lines: number, length: number, added: Numbers, more: number): void {
  const whole = length + more;
  for (let line = lines - 1; line >= 0; line--) {
    numbers.copyWithin(line * whole, line * length, (line + 1) * length);
    numbers.set(added.subarray(line * more, (line + 1) * more), line * whole + length);
  }
}

/** Copies the last positions of a row, which are `past` at the source and `kept` at the target, of `lines` lines. */
function narrow(
  source: Numbers,
  sourceRow: number,
  past: number,
  target: Numbers,
  targetRow: number,
  kept: number,
  lines: number,
  width: number,
): void {
  const shared = Math.min(past, kept) * width;
  for (let line = 0; line < lines; line++) {
    const end = (sourceRow * lines + line + 1) * past * width;
    const targetEnd = (targetRow * lines + line + 1) * kept * width;
    target.set(source.subarray(end - shared, end), targetEnd - shared);
  }
}
