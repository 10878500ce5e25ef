/**
 * A limiter that looks ahead: where a block would be louder than the ceiling, it and its neighbours are turned down, along
 * straight lines. What is below the ceiling is left bit for bit.
 */
const CEILING = 0.98;
/** 4 ms at 32 kHz. */
const BLOCK = 128;
/** Blocks until the gain is back. */
const RELEASE_BLOCKS = 24;

export function limit(channels: readonly Float32Array[]): void {
  const frames = channels[0]?.length ?? 0;
  const blocks = Math.ceil(frames / BLOCK);
  const needed = Array.from({ length: blocks }, (_, block) => {
    let peak = 0;
    for (const channel of channels) {
      for (let i = block * BLOCK; i < Math.min(frames, (block + 1) * BLOCK); i++)
        peak = Math.max(peak, Math.abs(channel[i]!));
    }
    return peak > CEILING ? CEILING / peak : 1;
  });
  if (needed.every((gain) => gain === 1)) return;

  // At both borders of a block the gain is low enough for it; afterwards it recovers slowly.
  const borders = Array.from({ length: blocks + 1 }, (_, i) => Math.min(needed[i - 1] ?? 1, needed[i] ?? 1));
  for (let i = 1; i <= blocks; i++) borders[i] = Math.min(borders[i]!, borders[i - 1]! + 1 / RELEASE_BLOCKS);
  for (let block = 0; block < blocks; block++) {
    const from = borders[block]!;
    const step = (borders[block + 1]! - from) / BLOCK;
    if (from === 1 && step === 0) continue;
    for (const channel of channels) {
      for (let i = 0; i < BLOCK && block * BLOCK + i < frames; i++) channel[block * BLOCK + i]! *= from + step * i;
    }
  }
}
