import { z } from 'zod';
import { EngineError } from '../stages';
import { readJson } from './safetensors';

/**
 * What `config.json` of a MusicGen repository says, as far as it decides the graphs. Names are those of the file.
 * MusicGen: arXiv 2306.05284; T5: arXiv 1910.10683; EnCodec: arXiv 2210.13438.
 */
const size = z.int().positive();

const t5Schema = z.object({
  model_type: z.literal('t5'),
  d_model: size,
  d_kv: size,
  d_ff: size,
  num_layers: size,
  num_heads: size,
  vocab_size: size,
  relative_attention_num_buckets: size.default(32),
  relative_attention_max_distance: size.default(128),
  layer_norm_epsilon: z.number().positive().default(1e-6),
  feed_forward_proj: z.literal('relu').default('relu'),
});

const decoderSchema = z.object({
  hidden_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  ffn_dim: size,
  /** Tokens of a codebook; the token after the last stands for none. */
  vocab_size: size,
  num_codebooks: size,
  audio_channels: z.union([z.literal(1), z.literal(2)]).default(1),
  activation_function: z.literal('gelu').default('gelu'),
  scale_embedding: z.boolean().default(false),
  pad_token_id: z.int().nonnegative(),
  bos_token_id: z.int().nonnegative(),
});

const codecSchema = z.object({
  model_type: z.literal('encodec'),
  sampling_rate: size,
  audio_channels: z.literal(1).default(1),
  codebook_size: size,
  codebook_dim: size.nullish(),
  hidden_size: size,
  num_filters: size,
  num_residual_layers: size,
  num_lstm_layers: z.int().nonnegative(),
  upsampling_ratios: z.array(size).min(1),
  kernel_size: size,
  last_kernel_size: size,
  residual_kernel_size: size,
  dilation_growth_rate: size,
  compress: size,
  use_causal_conv: z.literal(false),
  use_conv_shortcut: z.boolean(),
  pad_mode: z.literal('reflect').default('reflect'),
  norm_type: z.literal('weight_norm').default('weight_norm'),
});

const configSchema = z.object({
  model_type: z.literal('musicgen'),
  text_encoder: t5Schema,
  decoder: decoderSchema,
  audio_encoder: codecSchema,
});

export type MusicGenConfig = z.infer<typeof configSchema>;
export type TextEncoderConfig = MusicGenConfig['text_encoder'];
export type DecoderConfig = MusicGenConfig['decoder'];
export type CodecConfig = MusicGenConfig['audio_encoder'];

/** @throws EngineError where the file is missing or describes something else than a MusicGen that can be run here */
export async function readModelConfig(directory: string): Promise<MusicGenConfig> {
  return parseModelConfig(await readJson(directory, 'config.json'), `config.json in ${directory}`);
}

/**
 * @param name of the file, for messages
 * @throws EngineError as above
 */
export function parseModelConfig(json: unknown, name: string): MusicGenConfig {
  const parsed = configSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ');
  throw new EngineError(`${name} describes no MusicGen that can be run here: ${problems}`);
}

/** Samples of audio that a frame of codes stands for: 640 in the published models. */
export function samplesPerFrame({ upsampling_ratios }: CodecConfig): number {
  return upsampling_ratios.reduce((product, ratio) => product * ratio, 1);
}

/** Frames a second: 50 in the published models. */
export function frameRateHz(codec: CodecConfig): number {
  return codec.sampling_rate / samplesPerFrame(codec);
}

/** Codebooks that say one channel of audio; the two of stereo take turns. */
export function codebooksPerChannel({ num_codebooks, audio_channels }: DecoderConfig): number {
  return num_codebooks / audio_channels;
}
