/** Weights in fewer bits, symmetric. */
export interface Quantized<Codes extends Int8Array | Uint8Array> {
  readonly codes: Codes;
  readonly scales: Float32Array;
}

/** Numbers of a row that share a scale, where it is cut into blocks. */
export const BLOCK_SIZE = 32;

/**
 * Eight bits, a scale for every row: a code c stands for c × scale.
 * @param numbers [rows, columns]
 * @returns codes [columns, rows]: turned, as products of matrices take them; scales [rows]
 */
export function quantizeRows(numbers: Float32Array, columns: number): Quantized<Int8Array> {
  const rows = numbers.length / columns;
  const codes = new Int8Array(numbers.length);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = row * columns;
    let largest = 0;
    for (let i = start; i < start + columns; i++) largest = Math.max(largest, Math.abs(numbers[i]!));
    const scale = Math.fround(largest / 127);
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[row] = scale;
    for (let column = 0; column < columns; column++) {
      codes[column * rows + row] = Math.round(numbers[start + column]! * inverse);
    }
  }
  return { codes, scales };
}

/**
 * Four bits, rows cut into blocks with a scale each, as MatMulNBits of ONNX Runtime reads them: a code c stands for
 * (c - 8) × scale.
 * @param numbers [rows, columns], columns a multiple of the block size
 * @returns codes [rows, blocks, half a block], of two in a byte the first in the lower half; scales [rows, blocks]
 */
export function quantizeBlocks(numbers: Float32Array, columns: number): Quantized<Uint8Array> {
  if (columns % BLOCK_SIZE !== 0) throw new RangeError(`${columns} columns cannot be cut into blocks of ${BLOCK_SIZE}`);
  const blocks = numbers.length / BLOCK_SIZE;
  const scales = new Float32Array(blocks);
  const codes = new Uint8Array(numbers.length / 2);
  for (let block = 0; block < blocks; block++) {
    const start = block * BLOCK_SIZE;
    let extreme = 0;
    for (let i = start; i < start + BLOCK_SIZE; i++) {
      if (Math.abs(numbers[i]!) > Math.abs(extreme)) extreme = numbers[i]!;
    }
    // There is one code more below the middle than above: the number that is farthest from zero takes the lowest.
    const scale = Math.fround(extreme / -8);
    const inverse = scale === 0 ? 0 : 1 / scale;
    scales[block] = scale;
    for (let i = start; i < start + BLOCK_SIZE; i += 2) {
      codes[i >> 1] = nibble(numbers[i]! * inverse) | (nibble(numbers[i + 1]! * inverse) << 4);
    }
  }
  return { codes, scales };
}

function nibble(multiple: number): number {
  return Math.min(15, Math.max(0, Math.round(multiple) + 8));
}
