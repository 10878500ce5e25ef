import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { footprintsOf } from '../src/inference/musicgen/footprint';

/** The configurations of the published models, and the sizes of their 32-bit weights on the hub. */
const PUBLISHED = join(__dirname, 'fixtures', 'musicgen', 'published');
const GB = 1e9;

type Config = Record<'text_encoder' | 'decoder' | 'audio_encoder', Record<string, unknown>>;
const configOf = async (size: 'small' | 'large') =>
  JSON.parse(await readFile(join(PUBLISHED, size, 'config.json'), 'utf8')) as Config;
const footprint = (config: object, weightBytes: number, precision: string) =>
  footprintsOf(config, weightBytes, 'config.json').find((one) => one.precision === precision)!;

describe('what a MusicGen takes', () => {
  test.each([
    ['musicgen-small', 'small', {}, 2.36],
    ['musicgen-medium', 'large', { hidden_size: 1536, ffn_dim: 6144, num_attention_heads: 24 }, 8.04],
    ['musicgen-large', 'large', {}, 13.72],
    ['musicgen-stereo-small', 'small', { num_codebooks: 8, audio_channels: 2 }, 2.43],
  ] as const)('%s: it counts as many numbers as its files hold', async (_name, size, decoder, publishedGb) => {
    const config = await configOf(size);
    const own = { ...config, decoder: { ...config.decoder, ...decoder } };
    // Of weights in 16 bits all has to be made anew in 32, but for the half of the codec that makes codes.
    const converted = footprint(own, 1, 'fp32').preparedBytes;
    const halfOfCodec = footprint(own, publishedGb * GB, 'fp32').preparedBytes;
    expect(Math.abs((converted + halfOfCodec) / (publishedGb * GB) - 1)).toBeLessThan(0.01);
  });

  test('quantised weights take less, of disk and of memory', async () => {
    const config = await configOf('small');
    const [int4, int8, fp16, fp32] = ['int4', 'int8', 'fp16', 'fp32'].map((one) => footprint(config, 2.36 * GB, one));
    expect(int4!.memoryBytes).toBeLessThan(int8!.memoryBytes);
    expect(int8!.memoryBytes).toBeLessThan(fp32!.memoryBytes);
    expect(int4!.preparedBytes).toBeLessThan(int8!.preparedBytes);
    expect(int8!.preparedBytes).toBeLessThan(fp16!.preparedBytes);
    // Weights in 32 bits are used as they were published.
    expect(fp32!.preparedBytes).toBeLessThan(0.06 * 2.36 * GB);
  });

  test('is not told of another architecture', async () => {
    const config = { ...(await configOf('small')), model_type: 'musicgen_melody' };
    expect(() => footprintsOf(config, GB, 'config.json of it')).toThrow(/config\.json of it describes no MusicGen/);
  });
});
