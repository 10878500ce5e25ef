import fc from 'fast-check';
import { checkAudio } from '../src/inference/musicgen/audio-checks';
import { ClipTokens } from '../src/inference/musicgen/clip';
import { ClipBatch, type ClipJob } from '../src/inference/musicgen/clip-batch';
import { DecoderCache, type AddedLayer } from '../src/inference/musicgen/decoder-cache';
import type { DecoderConfig } from '../src/inference/musicgen/model-config';
import type { MusicGen } from '../src/inference/musicgen/musicgen';
import { quantizeBlocks, quantizeRows } from '../src/inference/musicgen/quantize';
import { fromFloat16, toFloat16 } from '../src/inference/musicgen/float16';

/** The parts of MusicGen that need no model: which token stands where, who is in the batch, what the cache holds. */
const config = (channels: 1 | 2): DecoderConfig => ({
  hidden_size: 8,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  ffn_dim: 8,
  vocab_size: 100,
  num_codebooks: 4 * channels,
  audio_channels: channels,
  activation_function: 'gelu',
  scale_embedding: false,
  pad_token_id: 100,
  bos_token_id: 100,
});

/**
 * Stands in for the decoder: whatever is not given becomes a number that tells its window, position and codebook.
 * @returns tokens as they were read and made, by window: [position][codebook]
 */
function generate(clip: ClipTokens, chunks: () => number): number[][][] {
  const windows: number[][][] = [];
  while (!clip.isFinished) {
    if (clip.position === 0) windows.push([Array.from(clip.tokens, Number)]);
    const window = windows.at(-1)!;
    const steps = chunks();
    const given = clip.given(steps);
    const codebooks = clip.tokens.length;
    const made = given.map((token, i) => {
      const position = clip.position + 1 + Math.floor(i / codebooks);
      return token >= 0n ? token : BigInt((windows.length * 31 + position * 7 + (i % codebooks)) % 100);
    });
    for (let step = 0; step < steps; step++) {
      window.push(Array.from(made.slice(step * codebooks, (step + 1) * codebooks), Number));
    }
    clip.take(made);
  }
  return windows;
}

describe('the tokens of a clip', () => {
  test.each([1, 2] as const)(
    'with %i channels: codebooks are delayed one by one, and come out undelayed',
    (channels) => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 40 }), (frames, chunk) => {
          const clip = new ClipTokens(config(channels), { frames, seed: 1 }, { window: 100, overlap: 40 });
          const [positions] = generate(clip, () => chunk);
          const codes = clip.codesOf(frames);
          codes.forEach((own, codebook) => {
            const delay = Math.floor(codebook / channels);
            own.forEach((code, frame) => expect(code).toBe(positions![frame + 1 + delay]![codebook]));
            // Before the first and after the last frame stands the token that stands for none.
            for (let at = 0; at <= delay; at++) expect(positions![at]![codebook]).toBe(100);
            for (let at = frames + 1 + delay; at < positions!.length; at++) expect(positions![at]![codebook]).toBe(100);
          });
        }),
      );
    },
  );

  test('what is longer than a window goes on from the end of the one before, and never changes what was made', () => {
    const clip = new ClipTokens(config(1), { frames: 100, seed: 1 }, { window: 40, overlap: 15 });
    const windows = generate(clip, () => 32);
    // 40, then 25 new ones at a time.
    expect(windows).toHaveLength(4);
    const codes = clip.codesOf(100);
    codes.forEach((own, codebook) => {
      windows.forEach((positions, window) => {
        const start = window * 25;
        for (let frame = 0; frame < Math.min(40, 100 - start); frame++) {
          expect(positions[frame + 1 + codebook]![codebook]).toBe(own[start + frame]);
        }
      });
    });
  });

  test('chunks do not show, nor in the noise', () => {
    const noiseOf = (steps: number) => {
      const clip = new ClipTokens(config(1), { frames: 20, seed: 9 }, { window: 40, overlap: 15 });
      const all: number[] = [];
      generate(clip, () => {
        const noise = new Float32Array(steps * 4 * 5);
        clip.writeNoise(noise, steps, 5, 0, 4 * 5);
        all.push(...noise);
        return steps;
      });
      return all.slice(0, 20 * 4 * 5);
    };
    expect(noiseOf(7)).toEqual(noiseOf(1));
  });
});

/** The model as far as a batch uses it; memory runs out with more than `most` clips, which cannot be had here at will. */
function limitedModel(most: number, ran: number[][]): MusicGen {
  const shape = { layers: 1, heads: 1, width: 1, bytesPerNumber: 4 } as const;
  const model = {
    config: { decoder: config(1) },
    cacheShape: shape,
    encodeText: () => Promise.resolve({ length: 1, hidden: new Float32Array(8) }),
    decode: (codes: Int32Array[]) => Promise.resolve([Float32Array.from(codes[0]!)]),
    runChunk: (clips: { tokens: ClipTokens }[], cache: DecoderCache, steps: number) => {
      expect(cache.clips).toBe(clips.length);
      if (clips.length > most) return Promise.reject(new Error('std::bad_alloc'));
      ran.push(clips.map(({ tokens }) => tokens.plan.seed));
      const rows = 2 * clips.length;
      cache.append([{ key: new Float32Array(rows * steps), value: new Float32Array(rows * steps) }], steps);
      for (const { tokens } of clips) tokens.take(tokens.given(steps).map((token) => (token < 0n ? 1n : token)));
      return Promise.resolve();
    },
  };
  return model as unknown as MusicGen;
}

async function runBatch(model: MusicGen, jobs: readonly Partial<ClipJob>[], during?: (batch: ClipBatch) => void) {
  const done: number[] = [];
  const failed: string[] = [];
  const batch = new ClipBatch(
    model,
    {
      windows: { window: 1500, overlap: 600 },
      sampling: { guidance: 3.5, temperature: 1.2, topK: 250, topP: 0.95, isGreedy: false },
      capacity: 8,
      clipTimeoutMs: 60_000,
    },
    {
      onProgress: () => undefined,
      onDone: ({ id }) => done.push(id),
      onFailed: (id, error) => failed.push(`${id}: ${(error as Error).message}`),
    },
  );
  jobs.forEach((job, id) => batch.add({ id, caption: 'x', seed: id, durationSeconds: 2, frames: 100, ...job }));
  while (!batch.isIdle) {
    await batch.step();
    during?.(batch);
  }
  return { done: done.sort((a, b) => a - b), failed };
}

describe('a batch', () => {
  test('that takes too much memory is halved until it fits, and all of its clips are made', async () => {
    const ran: number[][] = [];
    const { done, failed } = await runBatch(limitedModel(2, ran), [{}, {}, {}, {}, {}]);
    expect(done).toEqual([0, 1, 2, 3, 4]);
    expect(failed).toEqual([]);
    expect(Math.max(...ran.map((clips) => clips.length))).toBe(2);
  });

  test('of one clip that takes too much memory fails with what happened', async () => {
    const { done, failed } = await runBatch(limitedModel(0, []), [{}]);
    expect(done).toEqual([]);
    expect(failed).toEqual(['0: std::bad_alloc']);
  });

  test('takes in who comes later at the next chunk, and lets go of who is canceled', async () => {
    const ran: number[][] = [];
    let chunks = 0;
    const { done } = await runBatch(limitedModel(8, ran), [{ frames: 200 }, { frames: 200 }], (batch) => {
      chunks++;
      if (chunks === 1) batch.add({ id: 7, caption: 'x', seed: 7, durationSeconds: 1, frames: 50 });
      if (chunks === 2) batch.cancel(0);
    });
    expect(ran.slice(0, 3)).toEqual([
      [0, 1],
      [0, 1, 7],
      [1, 7],
    ]);
    expect(done).toEqual([1, 7]);
  });
});

describe('the cache', () => {
  const shape = { layers: 2, heads: 2, width: 3, bytesPerNumber: 4 } as const;
  /** A number that tells where it belongs. */
  const mark = (clip: number, half: number, layer: number, head: number, at: number, i: number) =>
    ((((clip * 2 + half) * 2 + layer) * 2 + head) * 50 + at) * 3 + i;

  /** What a chunk adds for clips that have so many positions. */
  function added(clips: readonly { id: number; length: number }[], steps: number): AddedLayer[] {
    return [0, 1].map((layer) => {
      const rows = 2 * clips.length;
      const key = new Float32Array(rows * 2 * steps * 3);
      const value = new Float32Array(rows * 2 * steps * 3);
      for (let row = 0; row < rows; row++) {
        const { id, length } = clips[row % clips.length]!;
        const half = Math.floor(row / clips.length);
        for (let head = 0; head < 2; head++) {
          for (let step = 0; step < steps; step++) {
            for (let i = 0; i < 3; i++) {
              const number = mark(id, half, layer, head, length + step, i);
              const place = ((row * 2 + head) * steps + step) * 3 + i;
              key[place] = number;
              value[place] = -number;
            }
          }
        }
      }
      return { key, value };
    });
  }

  test('holds the positions of every clip at the end of its rows, whoever comes and goes', () => {
    const events = fc.array(
      fc.record({ steps: fc.integer({ min: 1, max: 5 }), joins: fc.integer({ min: 0, max: 2 }), leaves: fc.nat(5) }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(events, (rounds) => {
        const cache = new DecoderCache(shape);
        let clips: { id: number; length: number }[] = [];
        let next = 0;
        for (const { steps, joins, leaves } of rounds) {
          const before = clips;
          clips = before.filter((_, i) => i !== leaves);
          for (let i = 0; i < joins; i++) clips.push({ id: next++, length: 0 });
          cache.rearrange(clips.map((clip) => (before.includes(clip) ? before.indexOf(clip) : null)));
          if (clips.length === 0) continue;
          cache.append(added(clips, steps), steps);
          for (const clip of clips) clip.length += steps;

          expect(cache.positions).toBe(Math.max(...clips.map(({ length }) => length)));
          const mask = cache.mask();
          for (let row = 0; row < cache.rows; row++) {
            const { id, length } = clips[row % clips.length]!;
            const half = Math.floor(row / clips.length);
            const padding = cache.positions - length;
            for (let at = 0; at < cache.positions; at++) {
              expect(mask[row * cache.positions + at] === 0).toBe(at >= padding);
              if (at < padding) continue;
              for (const layer of [0, 1]) {
                for (const [head, i] of [
                  [0, 0],
                  [1, 2],
                ] as const) {
                  const number = mark(id, half, layer, head, at - padding, i);
                  const place = ((row * 2 + head) * cache.positions + at) * 3 + i;
                  expect(cache.key(layer)[place]).toBe(number);
                  expect(cache.value(layer)[place]).toBe(-number);
                }
              }
            }
          }
        }
      }),
    );
  });
});

describe('numbers in fewer bits', () => {
  const numbers = fc.array(fc.float({ noNaN: true, min: -3, max: 3 }), { minLength: 64, maxLength: 64 });

  test('eight bits are within half a step of the largest of a row, turned as products take them', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const rows = Float32Array.from(list);
        const { codes, scales } = quantizeRows(rows, 32);
        for (let row = 0; row < 2; row++) {
          for (let column = 0; column < 32; column++) {
            const back = codes[column * 2 + row]! * scales[row]!;
            expect(Math.abs(back - rows[row * 32 + column]!)).toBeLessThanOrEqual(0.51 * scales[row]!);
          }
        }
      }),
    );
  });

  test('four bits are within a step of the largest of a block', () => {
    fc.assert(
      fc.property(numbers, (list) => {
        const { codes, scales } = quantizeBlocks(Float32Array.from(list), 64);
        list.forEach((number, i) => {
          const code = (codes[i >> 1]! >> (i % 2 === 0 ? 0 : 4)) & 15;
          const scale = scales[Math.floor(i / 32)]!;
          expect(Math.abs((code - 8) * scale - number)).toBeLessThanOrEqual(1.01 * Math.abs(scale));
        });
      }),
    );
  });

  test('sixteen bits come back as they were, all of them, and in between to the nearest', () => {
    const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i).filter((half) => ((half >> 10) & 31) !== 31);
    expect(toFloat16(fromFloat16(halves))).toEqual(halves);
    // 1 + 2^-11 is halfway between two: to the even one.
    expect(Array.from(fromFloat16(toFloat16(Float32Array.of(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1e6))))).toEqual([
      1,
      1 + 2 ** -9,
      65_504,
    ]);
  });
});

test.each([
  ['silence', [new Float32Array(1000)], 1000, /silence \(-Infinity dBFS\)/],
  ['hardly anything', [new Float32Array(1000).fill(5e-4)], 1000, /silence \(-66\.0 dBFS\)/],
  ['a NaN', [Float32Array.from({ length: 1000 }, (_, i) => (i === 7 ? NaN : 0.1))], 1000, /NaN/],
  ['clipped audio', [Float32Array.from({ length: 1000 }, (_, i) => (i % 50 ? 0.1 : 1.5))], 1000, /2\.0 % of it/],
  ['the wrong length', [new Float32Array(999).fill(0.1)], 1000, /999 samples of audio instead of 1000/],
])('%s is a failure with a reason', (_name, channels, samples, message) => {
  expect(() => checkAudio(channels, samples)).toThrow(message);
});

test('sound is none', () => {
  const sine = Float32Array.from({ length: 1000 }, (_, i) => 0.9 * Math.sin(i / 5));
  expect(() => checkAudio([sine, sine], 1000)).not.toThrow();
});
