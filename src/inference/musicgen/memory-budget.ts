import { TILE_CONTEXT_FRAMES, TILE_FRAMES } from './codec-graph';
import { cacheBytesPerPosition, type CacheShape } from './decoder-cache';
import { codebooksPerChannel, frameRateHz, samplesPerFrame, type MusicGenConfig } from './model-config';
import type { Precision } from './prepared-weights';
import { BLOCK_SIZE } from './quantize';

/**
 * What a MusicGen takes of memory, by reckoning: weights as they are kept, and for each clip its keys and values, which is
 * nearly all that grows with the batch.
 */

/** Steps of the decoder between which clips come and go. */
export const CHUNK_STEPS = 32;
/** What the published models were trained on. Longer clips are made window by window, each with a cache of its own. */
export const WINDOW_SECONDS = 30;
/** The codec keeps about this many arrays of the widest kind at once: one tile of one channel of one clip at a time. */
const CODEC_ARRAYS = 4;

export interface MemoryNeed {
  readonly weightBytes: number;
  /** For each clip of a batch. */
  readonly clipBytes: number;
  /** To turn the codes of one clip into audio. */
  readonly codecBytes: number;
}

/** For clips of a whole window or more: longer ones take no more, shorter ones less. */
export function memoryNeed(config: MusicGenConfig, precision: Precision): MemoryNeed {
  const { decoder, audio_encoder: codec } = config;
  const shape = cacheShapeOf(config, precision);
  const steps = WINDOW_SECONDS * frameRateHz(codec) + codebooksPerChannel(decoder);
  // In the chunk that runs, what it adds is there twice: as it grows, and as it goes out.
  const clipBytes = cacheBytesPerPosition(shape) * (steps + 2 * CHUNK_STEPS);
  // The last layer has the first one's filters at the full sample rate.
  const tileFrames = TILE_FRAMES + 2 * TILE_CONTEXT_FRAMES;
  const codecBytes = CODEC_ARRAYS * 4 * codec.num_filters * samplesPerFrame(codec) * tileFrames;
  return { weightBytes: weightBytesOf(config, precision), clipBytes, codecBytes };
}

export function cacheShapeOf({ decoder }: MusicGenConfig, precision: Precision): CacheShape {
  const { num_hidden_layers: layers, num_attention_heads: heads, hidden_size: size } = decoder;
  return { layers, heads, width: size / heads, bytesPerNumber: precision === 'fp16' ? 2 : 4 };
}

/** Clips that fit beside each other; one is always tried. */
export function clipsWithin(budgetBytes: number, { clipBytes, codecBytes }: MemoryNeed, most: number): number {
  return Math.max(1, Math.min(most, Math.floor((budgetBytes - codecBytes) / clipBytes)));
}

/** Bytes of a number of the decoder's matrices, scales included. */
export const MATRIX_BYTES: Readonly<Record<Precision, number>> = {
  fp32: 4,
  fp16: 2,
  int8: 1,
  int4: 0.5 + 4 / BLOCK_SIZE,
};

function weightBytesOf(config: MusicGenConfig, precision: Precision): number {
  const { matrices, embeddings, text, codec } = countNumbers(config);
  return matrices * MATRIX_BYTES[precision] + 4 * (embeddings + text + codec);
}

/** How many numbers a model is made of; those that are few beside the others are left out. */
export interface NumberCounts {
  /** Of the decoder. */
  readonly matrices: number;
  /** Of the decoder, with the projection of what the text encoder gives. */
  readonly embeddings: number;
  readonly text: number;
  /** Of the half of the codec that turns codes into audio; the other half has as many. */
  readonly codec: number;
}

export function countNumbers({ decoder, text_encoder: text, audio_encoder: codec }: MusicGenConfig): NumberCounts {
  const { hidden_size: d, ffn_dim: inner, num_hidden_layers: layers, num_codebooks: codebooks, vocab_size } = decoder;
  const inText = text.num_heads * text.d_kv;
  return {
    matrices: layers * (8 * d * d + 2 * d * inner) + codebooks * vocab_size * d,
    embeddings: codebooks * (vocab_size + 1) * d + d * text.d_model,
    text: text.vocab_size * text.d_model + text.num_layers * (4 * text.d_model * inText + 2 * text.d_model * text.d_ff),
    codec: codecNumbers(codec),
  };
}

function codecNumbers(codec: MusicGenConfig['audio_encoder']): number {
  let channels = codec.num_filters * 2 ** codec.upsampling_ratios.length;
  let numbers = channels * codec.hidden_size * codec.kernel_size + codec.num_lstm_layers * 8 * channels * channels;
  for (const ratio of codec.upsampling_ratios) {
    numbers += channels * (channels / 2) * 2 * ratio;
    channels /= 2;
    numbers += (codec.num_residual_layers * channels * channels * (codec.residual_kernel_size + 1)) / codec.compress;
  }
  return numbers;
}
