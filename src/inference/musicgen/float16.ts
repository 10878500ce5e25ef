/** Numbers of 16 bits, IEEE 754 binary16, which Node.js 20 has no arrays of. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const numbers = new Float32Array(halves.length);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) numbers[i] = fraction === 0 ? sign * Infinity : NaN;
    else if (exponent === 0) numbers[i] = sign * fraction * 2 ** -24;
    else numbers[i] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return numbers;
}

const LARGEST_FLOAT16 = 65_504;

/** Rounded to nearest even. Numbers beyond its range become the largest there are. */
export function toFloat16(numbers: Float32Array): Uint16Array {
  const halves = new Uint16Array(numbers.length);
  const word = new Float32Array(1);
  const bits = new Uint32Array(word.buffer);
  for (let i = 0; i < numbers.length; i++) {
    const magnitude = Math.min(Math.abs(numbers[i]!), LARGEST_FLOAT16);
    const sign = numbers[i]! < 0 || Object.is(numbers[i], -0) ? 0x8000 : 0;
    if (magnitude < 2 ** -14) {
      // Below the smallest normal number the steps are 2^-24.
      halves[i] = sign | roundToEven(magnitude * 2 ** 24);
      continue;
    }
    word[0] = magnitude;
    const kept = bits[0]! >>> 13;
    const rest = bits[0]! & 0x1fff;
    const rounded = kept + (rest > 0x1000 || (rest === 0x1000 && (kept & 1) === 1) ? 1 : 0);
    halves[i] = sign | (rounded - (112 << 10));
  }
  return halves;
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
