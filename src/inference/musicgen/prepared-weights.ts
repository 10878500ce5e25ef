import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { toFloat16 } from './float16';
import type { ElementType, Graph, StoredTensor, Value } from './onnx-graph';
import { MICROSOFT } from './onnx-graph';
import { BLOCK_SIZE, quantizeBlocks, quantizeRows } from './quantize';
import type { PublishedTensor, Weights } from './safetensors';

/** How the numbers of the decoder's matrices are kept. */
export const PRECISIONS = ['fp32', 'int8', 'int4', 'fp16'] as const;
export type Precision = (typeof PRECISIONS)[number];

/** A published matrix W of products x Wᵀ: [outputs, inputs], as PyTorch keeps it. */
export interface Matrix extends PublishedTensor {
  /** What the products are multiplied by. */
  readonly factor?: number;
}

export interface LinearOptions {
  /** What `zerosOf` gives for the rows of x. */
  readonly zeros: Value;
  /** Where products are to come head by head: the width of a head. */
  readonly headWidth?: number;
}

/** Activations are quantised to eight bits as they come: MatMulNBits of ONNX Runtime, "accuracy_level". */
const INT8_ACTIVATIONS = 4;
const ALIGNMENT = 64;
const BYTES_PER_ELEMENT: Readonly<Record<ElementType, number>> = {
  float32: 4,
  float16: 2,
  int64: 8,
  uint8: 1,
  int8: 1,
  bool: 1,
};

interface Pending {
  readonly offset: number;
  readonly bytes: () => Promise<Uint8Array>;
}

/**
 * Weights as graphs take them. What can be used as it was published stays in its file; the rest is converted into one
 * file beside it, tensor by tensor, so that no more than one of them is in memory at a time.
 */
export class PreparedWeights {
  private readonly pending: Pending[] = [];
  private readonly known = new Map<string, StoredTensor>();
  private end = 0;

  /** @param file name of the file of what is converted, in the directory of the weights */
  constructor(
    readonly published: Weights,
    readonly file: string,
    readonly precision: Precision,
  ) {}

  /** Element type of the decoder's activations. */
  get activations(): 'float32' | 'float16' {
    return this.precision === 'fp16' ? 'float16' : 'float32';
  }

  /** A tensor as it is, in that element type. */
  plain(graph: Graph, tensor: PublishedTensor, type: 'float32' | 'float16' = 'float32'): Value {
    const { shape, file, offset, length } = tensor;
    if (type === (tensor.type === 'F32' ? 'float32' : tensor.type === 'F16' ? 'float16' : null)) {
      return graph.stored({ type, shape, file, offset, length });
    }
    return graph.stored(
      this.add(tensor.name, type, shape, async () => toBytes(await this.published.read(tensor), type)),
    );
  }

  /** In the element type of the activations. */
  scalar(graph: Graph, value: number): Value {
    return this.activations === 'float32' ? graph.floats([value], []) : graph.halfFloat(value);
  }

  /** Numbers that are made of published ones. */
  derived(graph: Graph, name: string, shape: readonly number[], make: () => Promise<Float32Array>): Value {
    return graph.stored(this.add(name, 'float32', shape, async () => toBytes(await make(), 'float32')));
  }

  /**
   * Whether products of a row are the same bits however many rows there are at once. Sums of whole numbers are; those of
   * fractions are rounded in an order that depends on it.
   */
  get hasExactSums(): boolean {
    return this.precision === 'int8';
  }

  /**
   * x Wᵀ for each of the matrices W.
   * @param x [rows, inputs]
   * @returns each [rows, outputs], or [rows, heads, 1, width of a head]
   */
  linear(graph: Graph, x: Value, matrices: readonly Matrix[], { zeros, headWidth }: LinearOptions): Value[] {
    const { precision } = this;
    const outputs = matrices.map(({ shape }) => shape[0]! / (headWidth ?? 1));
    const shaped = (y: Value, count: number) =>
      headWidth === undefined ? y : graph.node('Reshape', [y, graph.ints([-1, count, 1, headWidth])]);
    if (precision === 'fp32' || precision === 'fp16') {
      return matrices.map((matrix, i) => {
        const attributes = { transB: 1, alpha: { float: matrix.factor ?? 1 } };
        return shaped(graph.node('Gemm', [x, this.plain(graph, matrix, this.activations)], attributes), outputs[i]!);
      });
    }
    const product =
      precision === 'int8' ? this.inEightBits(graph, x, matrices, zeros) : this.inFourBits(graph, x, matrices);
    const y = shaped(
      product,
      outputs.reduce((sum, own) => sum + own, 0),
    );
    return matrices.length === 1 ? [y] : graph.nodeOf(matrices.length, 'Split', [y, graph.ints(outputs)], { axis: 1 });
  }

  /**
   * The codes that stand for zero, one a row, where rows are quantised as they come.
   * @param rows int64 [1]: their number
   */
  zerosOf(graph: Graph, rows: Value): Value {
    return this.precision === 'int8' ? graph.node('Expand', [graph.bytes([128]), rows]) : '';
  }

  /**
   * Each row of x is quantised as it comes, by its own largest number, so that a row does not depend on the others.
   * Unsigned times signed is what processors are fastest at; for those where it overflows ONNX Runtime rewrites the
   * matrix, which therefore stands beside the node (byte-sums.ts).
   */
  private inEightBits(graph: Graph, x: Value, matrices: readonly Matrix[], zeros: Value): Value {
    const { inputs, outputs, name } = stack(matrices);
    const quantized = keptForTwo(async () => quantizeRows(await this.readAll(matrices), inputs));
    const codes = this.add(`${name}#codes`, 'int8', [inputs, outputs], async () => toBytes((await quantized()).codes));
    const scales = this.add(`${name}#scales`, 'float32', [outputs], async () =>
      toBytes((await quantized()).scales, 'float32'),
    );
    const largest = graph.node('ReduceMax', [graph.node('Abs', [x]), graph.ints([1])], { keepdims: 0 });
    const scale = graph.node('Mul', [largest, graph.floats([1 / 127], [])]);
    const y = graph.node(
      'MatMulIntegerToFloat',
      [
        graph.node('QuantizeLinear', [x, scale, zeros], { axis: 0 }),
        graph.storedHere(codes),
        graph.floats([1], []),
        graph.stored(scales),
        graph.bytes([128]),
        graph.signedBytesHere([0]),
      ],
      {},
      { domain: MICROSOFT },
    );
    return graph.node('Mul', [y, graph.node('Unsqueeze', [scale, graph.ints([1])])]);
  }

  private inFourBits(graph: Graph, x: Value, matrices: readonly Matrix[]): Value {
    const { inputs, outputs, name } = stack(matrices);
    const blocks = inputs / BLOCK_SIZE;
    const quantized = keptForTwo(async () => quantizeBlocks(await this.readAll(matrices), inputs));
    const codes = this.add(
      `${name}#codes`,
      'uint8',
      [outputs, blocks, BLOCK_SIZE / 2],
      async () => (await quantized()).codes,
    );
    const scales = this.add(`${name}#scales`, 'float32', [outputs, blocks], async () =>
      toBytes((await quantized()).scales, 'float32'),
    );
    return graph.node(
      'MatMulNBits',
      [x, graph.stored(codes), graph.stored(scales)],
      { K: inputs, N: outputs, bits: 4, block_size: BLOCK_SIZE, accuracy_level: INT8_ACTIVATIONS },
      { domain: MICROSOFT },
    );
  }

  /** Writes what has been converted, under its name only when all of it is there. */
  async write(
    options: { readonly signal?: AbortSignal; readonly onProgress?: (share: number) => void } = {},
  ): Promise<void> {
    const path = join(this.published.directory, this.file);
    const partial = `${path}.${process.pid}.partial`;
    const handle = await open(partial, 'w');
    try {
      for (const { offset, bytes } of this.pending) {
        options.signal?.throwIfAborted();
        await handle.write(await bytes(), 0, undefined, offset);
        options.onProgress?.(this.end === 0 ? 1 : offset / this.end);
      }
      await handle.truncate(this.end);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
  }

  /** Size of the file, in bytes. */
  get sizeBytes(): number {
    return this.end;
  }

  private add(name: string, type: ElementType, shape: readonly number[], bytes: Pending['bytes']): StoredTensor {
    const key = `${name} as ${type}`;
    const known = this.known.get(key);
    if (known) return known;
    const length = shape.reduce((product, dim) => product * dim, BYTES_PER_ELEMENT[type]);
    const tensor = { type, shape, file: this.file, offset: this.end, length };
    this.pending.push({ offset: this.end, bytes });
    this.end = Math.ceil((this.end + length) / ALIGNMENT) * ALIGNMENT;
    this.known.set(key, tensor);
    return tensor;
  }

  private async readAll(matrices: readonly Matrix[]): Promise<Float32Array> {
    const all = new Float32Array(matrices.reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0));
    let at = 0;
    for (const matrix of matrices) {
      const { factor = 1 } = matrix;
      const numbers = await this.published.read(matrix);
      all.set(factor === 1 ? numbers : numbers.map((number) => number * factor), at);
      at += numbers.length;
    }
    return all;
  }
}

/** Matrices of the same inputs as one, the outputs of the first first. */
function stack(matrices: readonly Matrix[]) {
  return {
    inputs: matrices[0]!.shape[1]!,
    outputs: matrices.reduce((sum, { shape }) => sum + shape[0]!, 0),
    name: matrices.map(({ name }) => name).join('+'),
  };
}

/** What is made of one pass over the numbers is wanted twice, one time right after the other. */
function keptForTwo<T>(make: () => Promise<T>): () => Promise<T> {
  let kept: Promise<T> | null = null;
  return () => {
    const made = kept ?? make();
    kept = kept === null ? made : null;
    return made;
  };
}

function toBytes(numbers: Float32Array | Int8Array, type: 'float32' | 'float16' = 'float32'): Uint8Array {
  const raw = numbers instanceof Float32Array && type === 'float16' ? toFloat16(numbers) : numbers;
  return new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength);
}
