import { footprintsOf } from '../src/inference/musicgen/footprint';

/** Facts of the published models: their `config.json`, as far as it decides sizes, and the sizes of their weights. */
const configOf = (layers: number, width: number, codebooks: number) => ({
  model_type: 'musicgen',
  text_encoder: { d_model: 768, d_kv: 64, d_ff: 3072, num_layers: 12, num_heads: 12, vocab_size: 32128 },
  decoder: {
    hidden_size: width,
    num_hidden_layers: layers,
    ffn_dim: 4 * width,
    vocab_size: 2048,
    num_codebooks: codebooks,
  },
  audio_encoder: {
    hidden_size: 128,
    num_filters: 64,
    num_residual_layers: 1,
    num_lstm_layers: 2,
    upsampling_ratios: [8, 5, 4, 4],
    kernel_size: 7,
    residual_kernel_size: 3,
    compress: 2,
    sampling_rate: 32000,
  },
});

const GB = 1e9;

describe('what a MusicGen takes', () => {
  test.each([
    ['musicgen-small', configOf(24, 1024, 4), 2.36],
    ['musicgen-medium', configOf(48, 1536, 4), 8.04],
    ['musicgen-large', configOf(48, 2048, 4), 13.72],
    ['musicgen-stereo-small', configOf(24, 1024, 8), 2.43],
  ])('%s: the numbers are as many as the published 32-bit files hold', (_name, config, publishedGb) => {
    // Of half-sized weights everything has to be made anew in 32 bits, but for the half of the codec that makes codes.
    const everything = footprintsOf(config, 1)!.find(({ precision }) => precision === 'fp32')!.preparedBytes;
    const codec = footprintsOf(config, publishedGb * GB)!.find(({ precision }) => precision === 'fp32')!.preparedBytes;
    expect(Math.abs((everything + codec) / (publishedGb * GB) - 1)).toBeLessThan(0.01);
  });

  test('quantised weights take less, of disk and of memory', () => {
    const byPrecision = new Map(footprintsOf(configOf(24, 1024, 4), 2.36 * GB)!.map((one) => [one.precision, one]));
    const [int4, int8, fp16, fp32] = (['int4', 'int8', 'fp16', 'fp32'] as const).map((name) => byPrecision.get(name)!);
    expect(int4!.memoryBytes).toBeLessThan(int8!.memoryBytes);
    expect(int8!.memoryBytes).toBeLessThan(fp32!.memoryBytes);
    expect(int4!.preparedBytes).toBeLessThan(int8!.preparedBytes);
    expect(int8!.preparedBytes).toBeLessThan(fp16!.preparedBytes);
    // Weights in 32 bits are used as they were published.
    expect(fp32!.preparedBytes).toBeLessThan(0.05 * 2.36 * GB);
  });

  test('is not told of another architecture', () => {
    expect(footprintsOf({ ...configOf(48, 1536, 4), model_type: 'musicgen_melody' }, GB)).toBeNull();
    expect(footprintsOf({}, GB)).toBeNull();
  });
});
