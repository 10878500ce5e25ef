import type * as onnxruntime from 'onnxruntime-node';
import type { OnnxRuntime } from '../onnx';
import { EngineRefusal } from '../stages';
import { byteSumsOverflow } from './byte-sums';
import type { ClipTokens } from './clip';
import {
  CODEC_CODES,
  CODEC_HIDDEN,
  CODEC_SAMPLES,
  TILE_CONTEXT_FRAMES,
  TILE_FRAMES,
  widestChannels,
} from './codec-graph';
import { type DecoderCache, type AddedLayer, type CacheShape, type Numbers } from './decoder-cache';
import { cacheNames, DECODER_INPUTS, DECODER_TOKENS } from './decoder-graph';
import { codebooksPerChannel, samplesPerFrame, type MusicGenConfig } from './model-config';
import type { PreparedModel } from './prepare';
import { readJson } from './safetensors';
import { distanceBuckets, TEXT_ENCODER_INPUTS, TEXT_ENCODER_OUTPUT } from './text-encoder-graph';
import { loadTokenizer, type TextTokenizer } from '../text-tokenizer';

/** What the models run on. */
export type Device = 'cpu' | 'cuda';

/** How tokens are drawn. */
export interface Sampling {
  /** How far to go beyond what follows the text, away from what does not; 1: no guidance. */
  readonly guidance: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  /** Without noise the likeliest token is taken. */
  readonly isGreedy: boolean;
}

/** Those that the audio of the published data was made with (arXiv 2601.14157). */
export const SAMPLING: Sampling = { guidance: 3.5, temperature: 1.2, topK: 250, topP: 0.95, isGreedy: false };

/** A caption as the decoder sees it: float [S, width]. */
export interface EncodedText {
  readonly length: number;
  readonly hidden: Float32Array;
}

/** Twice what T5 was trained on: positions are relative, so that nothing breaks there, but time and memory grow. */
const MAX_TEXT_TOKENS = 1024;

/** The three models of MusicGen, loaded; each call blocks the thread until it is done. */
export class MusicGen {
  private constructor(
    private readonly runtime: OnnxRuntime,
    readonly config: MusicGenConfig,
    private readonly tokenizer: TextTokenizer,
    private readonly textEncoder: onnxruntime.InferenceSession,
    private readonly decoder: onnxruntime.InferenceSession,
    private readonly codec: Readonly<Record<'recurrent' | 'convolutions', onnxruntime.InferenceSession>>,
    private readonly activations: 'float32' | 'float16',
  ) {}

  /** @param options.threads on the CPU */
  static async load(
    runtime: OnnxRuntime,
    directory: string,
    prepared: PreparedModel,
    { device, threads }: { readonly device: Device; readonly threads: number },
  ): Promise<MusicGen> {
    const tokenizer = await loadTokenizer(
      (await readJson(directory, 'tokenizer.json')) as object,
      (await readJson(directory, 'tokenizer_config.json')) as object,
    );
    const options: onnxruntime.InferenceSession.SessionOptions = {
      executionProviders: device === 'cuda' ? ['cuda', 'cpu'] : ['cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      extra: {
        session: {
          // Threads wait awake from one operation to the next, which saves an eighth of the time for one clip and a quarter
          // for eight, and no longer: one that spins on takes the processor from other work, and from the thread that it
          // waits for.
          intra_op: { allow_spinning: '1', spin_duration_us: '20' },
          x64quantprecision: prepared.precision === 'int8' && (await byteSumsOverflow(runtime)) ? '1' : '0',
        },
      },
    };
    const open = (path: string) => runtime.InferenceSession.create(path, options);
    return new MusicGen(
      runtime,
      prepared.config,
      tokenizer,
      await open(prepared.textEncoder),
      await open(prepared.decoder),
      { recurrent: await open(prepared.codecRecurrent), convolutions: await open(prepared.codecConvolutions) },
      prepared.precision === 'fp16' ? 'float16' : 'float32',
    );
  }

  get cacheShape(): CacheShape {
    const { num_hidden_layers: layers, num_attention_heads: heads, hidden_size: size } = this.config.decoder;
    return { layers, heads, width: size / heads, bytesPerNumber: this.activations === 'float16' ? 2 : 4 };
  }

  /** @throws EngineRefusal where the text is too long */
  tokensOf(text: string): number[] {
    const { ids } = this.tokenizer.encode(text);
    if (ids.length > MAX_TEXT_TOKENS) {
      throw new EngineRefusal(
        `the caption is ${ids.length} tokens long; MusicGen reads ${MAX_TEXT_TOKENS} at most, about 700 words`,
      );
    }
    return ids;
  }

  async encodeText(text: string): Promise<EncodedText> {
    const ids = this.tokensOf(text);
    const length = ids.length;
    const { Tensor } = this.runtime;
    const { [TEXT_ENCODER_OUTPUT]: hidden } = await this.textEncoder.run({
      [TEXT_ENCODER_INPUTS.tokens]: new Tensor('int64', BigInt64Array.from(ids, BigInt), [1, length]),
      [TEXT_ENCODER_INPUTS.mask]: new Tensor('float32', new Float32Array(length).fill(1), [1, length]),
      [TEXT_ENCODER_INPUTS.buckets]: new Tensor('int64', distanceBuckets(length, this.config.text_encoder), [
        length,
        length,
      ]),
    });
    return { length, hidden: hidden!.data as Float32Array };
  }

  /** Makes the next tokens of all clips, which have their places in the cache, and takes them up. */
  async runChunk(
    clips: readonly { readonly tokens: ClipTokens; readonly text: EncodedText }[],
    cache: DecoderCache,
    steps: number,
    sampling: Sampling,
  ): Promise<void> {
    const { num_codebooks: codebooks, vocab_size: vocabulary } = this.config.decoder;
    const { Tensor } = this.runtime;
    const count = clips.length;
    const float = (data: Float32Array, dims: readonly number[]) => new Tensor('float32', data, dims);
    const int = (data: BigInt64Array, dims: readonly number[]) => new Tensor('int64', data, dims);
    const choices = Math.min(sampling.topK, vocabulary);

    const tokens = new BigInt64Array(count * codebooks);
    const given = new BigInt64Array(steps * count * codebooks);
    const noise = new Float32Array(steps * count * codebooks * choices);
    const stride = count * codebooks * choices;
    clips.forEach(({ tokens: clip }, i) => {
      tokens.set(clip.tokens, i * codebooks);
      const own = clip.given(steps);
      for (let step = 0; step < steps; step++) {
        given.set(own.subarray(step * codebooks, (step + 1) * codebooks), (step * count + i) * codebooks);
      }
      if (!sampling.isGreedy) clip.writeNoise(noise, steps, choices, i * codebooks * choices, stride);
    });
    const { text, mask, length } = this.padded(clips.map((clip) => clip.text));
    const feeds: Record<string, onnxruntime.Tensor> = {
      [DECODER_INPUTS.steps]: int(BigInt64Array.of(BigInt(steps)), [1]),
      [DECODER_INPUTS.tokens]: int(tokens, [count, codebooks]),
      [DECODER_INPUTS.given]: int(given, [steps, count, codebooks]),
      [DECODER_INPUTS.position]: int(
        BigInt64Array.from(clips, ({ tokens: { position } }) => BigInt(position)),
        [count, 1],
      ),
      [DECODER_INPUTS.text]: float(text, [count, length, this.config.text_encoder.d_model]),
      [DECODER_INPUTS.textMask]: float(mask, [count, length, 1]),
      [DECODER_INPUTS.pastMask]: float(cache.mask(), [cache.rows, 1, 1, cache.positions]),
      [DECODER_INPUTS.noise]: float(noise, [steps, count * codebooks, choices]),
      [DECODER_INPUTS.guidance]: float(Float32Array.of(sampling.guidance), []),
      [DECODER_INPUTS.temperature]: float(Float32Array.of(sampling.temperature), []),
      [DECODER_INPUTS.topP]: float(Float32Array.of(sampling.topP), []),
      [DECODER_INPUTS.topK]: int(BigInt64Array.of(BigInt(choices)), [1]),
    };
    const { layers, heads, width } = this.cacheShape;
    for (let layer = 0; layer < layers; layer++) {
      const names = cacheNames(layer);
      feeds[names.pastKey] = this.cached(cache.key(layer), [cache.rows, heads, cache.positions, width]);
      feeds[names.pastValue] = this.cached(cache.value(layer), [cache.rows, heads, cache.positions, width]);
    }
    const results = await this.decoder.run(feeds);
    const added = Array.from({ length: layers }, (_, layer): AddedLayer => {
      const { newKey, newValue } = cacheNames(layer);
      return { key: numbersOf(results[newKey]!), value: numbersOf(results[newValue]!) };
    });
    cache.append(added, steps);
    const made = results[DECODER_TOKENS]!.data as BigInt64Array;
    clips.forEach(({ tokens: clip }, i) => {
      const own = new BigInt64Array(steps * codebooks);
      for (let step = 0; step < steps; step++) {
        const at = (step * count + i) * codebooks;
        own.set(made.subarray(at, at + codebooks), step * codebooks);
      }
      clip.take(own);
    });
  }

  /**
   * Codes to samples.
   * @param codes by codebook, then frame; those of the two channels of stereo take turns
   * @param tileFrames at once, as far as that can be chosen: it decides the memory that it takes
   * @returns the channels
   */
  async decode(codes: readonly Int32Array[], tileFrames = TILE_FRAMES): Promise<Float32Array[]> {
    const { audio_channels: channels } = this.config.decoder;
    const perChannel = codebooksPerChannel(this.config.decoder);
    const frames = codes[0]!.length;
    const made: Float32Array[] = [];
    for (let channel = 0; channel < channels; channel++) {
      const own = new BigInt64Array(perChannel * frames);
      for (let codebook = 0; codebook < perChannel; codebook++) {
        const row = codes[codebook * channels + channel]!;
        for (let frame = 0; frame < frames; frame++) own[codebook * frames + frame] = BigInt(row[frame]!);
      }
      made.push(await this.samplesOf(own, frames, tileFrames));
    }
    return made;
  }

  /** @param codes [codebooks of a channel, frames] */
  private async samplesOf(codes: BigInt64Array, frames: number, tileFrames: number): Promise<Float32Array> {
    const { audio_encoder: codec } = this.config;
    const { Tensor } = this.runtime;
    const perFrame = samplesPerFrame(codec);
    const width = widestChannels(codec);
    const input = new Tensor('int64', codes, [1, codes.length / frames, frames]);
    const hidden = (await this.codec.recurrent.run({ [CODEC_CODES]: input }))[CODEC_HIDDEN]!.data as Float32Array;
    const samples = new Float32Array(frames * perFrame);
    for (let start = 0; start < frames; start += tileFrames) {
      const end = Math.min(frames, start + tileFrames);
      const from = Math.max(0, start - TILE_CONTEXT_FRAMES);
      const to = Math.min(frames, end + TILE_CONTEXT_FRAMES);
      const tile = new Float32Array(width * (to - from));
      for (let channel = 0; channel < width; channel++) {
        tile.set(hidden.subarray(channel * frames + from, channel * frames + to), channel * (to - from));
      }
      const feeds = { [CODEC_HIDDEN]: new Tensor('float32', tile, [1, width, to - from]) };
      const made = (await this.codec.convolutions.run(feeds))[CODEC_SAMPLES]!.data as Float32Array;
      samples.set(made.subarray((start - from) * perFrame, (end - from) * perFrame), start * perFrame);
    }
    return samples;
  }

  async release(): Promise<void> {
    const { recurrent, convolutions } = this.codec;
    for (const session of [this.textEncoder, this.decoder, recurrent, convolutions]) await session.release();
  }

  /** Texts side by side, each filled up to the longest. */
  private padded(texts: readonly EncodedText[]) {
    const size = this.config.text_encoder.d_model;
    const length = Math.max(...texts.map((text) => text.length));
    const text = new Float32Array(texts.length * length * size);
    const mask = new Float32Array(texts.length * length);
    texts.forEach((own, i) => {
      text.set(own.hidden, i * length * size);
      mask.fill(1, i * length, i * length + own.length);
    });
    return { text, mask, length };
  }

  private cached(numbers: Numbers, dims: readonly number[]): onnxruntime.Tensor {
    const { Tensor } = this.runtime;
    if (numbers instanceof Float32Array) return new Tensor('float32', numbers, dims);
    return new Tensor('float16', numbers, dims);
  }
}

function numbersOf(tensor: onnxruntime.Tensor): Numbers {
  const { data } = tensor;
  if (data instanceof Float32Array || data instanceof Uint16Array) return data;
  // Where there are arrays of 16-bit numbers (Node.js 24), their bits.
  const { buffer, byteOffset, byteLength } = data as unknown as ArrayBufferView;
  return new Uint16Array(buffer as ArrayBuffer, byteOffset, byteLength / 2);
}
