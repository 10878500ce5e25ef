import { cp, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codecConvolutionGraph, codecRecurrentGraph } from '../src/inference/musicgen/codec-graph';
import { decoderGraph } from '../src/inference/musicgen/decoder-graph';
import { readModelConfig } from '../src/inference/musicgen/model-config';
import { PreparedWeights } from '../src/inference/musicgen/prepared-weights';
import { Weights } from '../src/inference/musicgen/safetensors';
import { textEncoderGraph } from '../src/inference/musicgen/text-encoder-graph';
import { shardedRepository } from './support/musicgen-repository';

/**
 * The published models as far as they are known without their numbers: configuration, and names and shapes of all tensors
 * (test/fixtures/musicgen/README.md). The files of weights are as long as the real ones, and empty.
 */
const FIXTURES = join(__dirname, 'fixtures', 'musicgen');

interface Pattern {
  readonly pattern: string;
  readonly count: number;
  readonly shape: readonly number[];
}

/** Of the codec the half that makes codes, and what was only used in training. */
const NOT_NEEDED = /^audio_encoder\.encoder\.|codebook\.(?:inited|cluster_size|embed_avg)$/;

describe.each(['small', 'large'])('musicgen-%s', (size) => {
  let directory: string;
  const names: string[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'conceptcaps-published-'));
    await cp(join(FIXTURES, 'published', size, 'config.json'), join(directory, 'config.json'));
    const text = await readFile(join(FIXTURES, 'published-tensors.json'), 'utf8');
    const published = JSON.parse(text) as { common: Pattern[]; models: Record<string, { own: Pattern[] }> };
    const header: Record<string, unknown> = {};
    let end = 0;
    for (const { pattern, count, shape } of [...published.common, ...published.models[size]!.own]) {
      for (let i = 0; i < count; i++) {
        const start = end;
        end += shape.reduce((product, dim) => product * dim, 4);
        const name = pattern.replace('{i}', String(i));
        names.push(name);
        header[name] = { dtype: 'F32', shape, data_offsets: [start, end] };
      }
    }
    const bytes = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(bytes.length));
    const file = await open(join(directory, 'model.safetensors'), 'w');
    await file.write(Buffer.concat([length, bytes]));
    // Holes take no room on the disk.
    await file.truncate(8 + bytes.length + end);
    await file.close();
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(['fp32', 'int8', 'int4', 'fp16'] as const)(
    'every tensor that is needed is found, with its shape, in %s',
    async (precision) => {
      const config = await readModelConfig(directory);
      const weights = await Weights.open(directory);
      const get = jest.spyOn(weights, 'get');
      const common = new PreparedWeights(weights, 'common.bin', 'fp32');
      const decoder = new PreparedWeights(weights, 'decoder.bin', precision);
      const graphs = [
        textEncoderGraph(config.text_encoder, common),
        codecRecurrentGraph(config, common),
        codecConvolutionGraph(config, common),
        decoderGraph(config, decoder),
      ];
      const used = new Set(get.mock.results.map(({ value }) => (value as { name: string }).name));
      expect(names.filter((name) => !used.has(name) && !NOT_NEEDED.test(name))).toEqual([]);
      // Graphs name weights and do not hold them.
      for (const graph of graphs) expect(graph.toModel().length).toBeLessThan(5e6);
    },
  );
});

test('weights in several files are the same as in one', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conceptcaps-published-'));
  try {
    for (const [path, bytes] of Object.entries(await shardedRepository()))
      await writeFile(join(directory, path), bytes);
    const sharded = await Weights.open(directory);
    const whole = await Weights.open(join(FIXTURES, 'mono'));
    expect(sharded.files).toHaveLength(2);
    for (const name of ['text_encoder.shared.weight', 'decoder.lm_heads.3.weight', 'enc_to_dec_proj.bias']) {
      expect(await sharded.read(sharded.find(name)!)).toEqual(await whole.read(whole.find(name)!));
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});

test('a configuration of another model says what is wrong with it', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conceptcaps-published-'));
  try {
    await expect(readModelConfig(directory)).rejects.toThrow(/config\.json in .* cannot be read/);
    const file = await open(join(directory, 'config.json'), 'w');
    await file.write(JSON.stringify({ model_type: 'musicgen_melody' }));
    await file.close();
    await expect(readModelConfig(directory)).rejects.toThrow(/no MusicGen that can be run here: model_type/);
    await expect(Weights.open(directory)).rejects.toThrow(/no weights \(model\.safetensors\)/);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
