import { z } from 'zod';

/**
 * What a MusicGen takes of disk and memory, reckoned from its `config.json` before any of it is there. The counts of numbers
 * agree with the sizes of the published files to a percent.
 */
export interface Footprint {
  readonly precision: FootprintPrecision;
  /** On disk beside the published files: what is converted once, at the first start. */
  readonly preparedBytes: number;
  /** In memory, with one clip of 30 s at a time. */
  readonly memoryBytes: number;
}

export const FOOTPRINT_PRECISIONS = ['int8', 'int4', 'fp16', 'fp32'] as const;
export type FootprintPrecision = (typeof FOOTPRINT_PRECISIONS)[number];

const size = z.int().positive();
const configSchema = z.object({
  model_type: z.literal('musicgen'),
  text_encoder: z.object({
    d_model: size,
    d_kv: size,
    d_ff: size,
    num_layers: size,
    num_heads: size,
    vocab_size: size,
  }),
  decoder: z.object({
    hidden_size: size,
    num_hidden_layers: size,
    ffn_dim: size,
    vocab_size: size,
    num_codebooks: size,
  }),
  audio_encoder: z.object({
    hidden_size: size,
    num_filters: size,
    num_residual_layers: size,
    num_lstm_layers: z.int().nonnegative(),
    upsampling_ratios: z.array(size).min(1),
    kernel_size: size,
    residual_kernel_size: size,
    compress: size,
    sampling_rate: size,
  }),
});
type FootprintConfig = z.infer<typeof configSchema>;

/** Bytes of a number of the decoder's matrices: of the quantised ones 32 share a scale of four bytes. */
const MATRIX_BYTES: Readonly<Record<FootprintPrecision, number>> = { fp32: 4, fp16: 2, int8: 1.125, int4: 0.625 };
const CLIP_SECONDS = 30;
/** The codec holds about this many arrays of the widest kind at once. */
const CODEC_ARRAYS = 4;

/**
 * One for each precision; null where the configuration is not that of a MusicGen.
 * @param config what `config.json` says
 * @param weightBytes of the published weights: whether they are kept in 16 or 32 bits decides what has to be converted
 */
export function footprintsOf(config: unknown, weightBytes: number): readonly Footprint[] | null {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) return null;
  const { matrices, embeddings, text, codec } = countNumbers(parsed.data);
  // Of the codec the half that makes codes is published too.
  const isHalf = weightBytes < 3 * (matrices + embeddings + text + 2 * codec);
  return FOOTPRINT_PRECISIONS.map((precision) => {
    const isHalfUsed = precision === 'fp16';
    const isQuantized = precision === 'int8' || precision === 'int4';
    const decoder =
      (isQuantized || isHalf !== isHalfUsed ? matrices * MATRIX_BYTES[precision] : 0) +
      (isHalf !== isHalfUsed ? embeddings * (isHalfUsed ? 2 : 4) : 0);
    return {
      precision,
      preparedBytes: Math.round(decoder + 4 * (codec + (isHalf ? text : 0))),
      memoryBytes: Math.round(
        matrices * MATRIX_BYTES[precision] + 4 * (embeddings + text + codec) + clipBytes(parsed.data, precision),
      ),
    };
  });
}

function countNumbers({ decoder, text_encoder: t5, audio_encoder: encodec }: FootprintConfig) {
  const { hidden_size: d, ffn_dim, num_hidden_layers: layers, num_codebooks: codebooks, vocab_size } = decoder;
  let channels = encodec.num_filters * 2 ** encodec.upsampling_ratios.length;
  let codec = channels * encodec.hidden_size * encodec.kernel_size + encodec.num_lstm_layers * 8 * channels * channels;
  for (const ratio of encodec.upsampling_ratios) {
    codec += channels * channels * ratio;
    channels /= 2;
    codec +=
      (encodec.num_residual_layers * channels * channels * (encodec.residual_kernel_size + 1)) / encodec.compress;
  }
  return {
    matrices: layers * (8 * d * d + 2 * d * ffn_dim) + codebooks * vocab_size * d,
    embeddings: codebooks * (vocab_size + 1) * d + d * t5.d_model,
    text:
      t5.vocab_size * t5.d_model + t5.num_layers * (4 * t5.d_model * t5.num_heads * t5.d_kv + 2 * t5.d_model * t5.d_ff),
    codec,
  };
}

/** Keys and values of a clip, twice for guidance, and what the codec takes to turn its codes into audio. */
function clipBytes({ decoder, audio_encoder: codec }: FootprintConfig, precision: FootprintPrecision): number {
  const samplesPerFrame = codec.upsampling_ratios.reduce((product, ratio) => product * ratio, 1);
  const frames = (CLIP_SECONDS * codec.sampling_rate) / samplesPerFrame;
  const cache = 2 * 2 * decoder.num_hidden_layers * decoder.hidden_size * (precision === 'fp16' ? 2 : 4) * frames;
  return cache + CODEC_ARRAYS * 4 * codec.num_filters * samplesPerFrame * frames;
}
