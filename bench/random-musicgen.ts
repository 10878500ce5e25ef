import { copyFile, mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Random } from '../src/concepts/random';

/**
 * A MusicGen of the real shapes with random weights, in the published layout: what it takes of time and memory is real, what
 * it sounds like is not. The tokenizer is that of the tiny models of the tests, whose pieces are among the first.
 */
const FIXTURES = join(__dirname, '..', 'test', 'fixtures', 'musicgen');
const FROM_TINY = ['preprocessor_config.json', 'special_tokens_map.json', 'tokenizer.json', 'tokenizer_config.json'];

interface TensorPattern {
  readonly pattern: string;
  readonly count: number;
  readonly shape: readonly number[];
}

interface PublishedTensors {
  readonly common: readonly TensorPattern[];
  readonly models: Readonly<Record<string, { readonly own: readonly TensorPattern[] }>>;
}

/** Writes it where it is not there yet: 2.4 GB. */
export async function randomMusicGen(size: 'small', directory: string): Promise<void> {
  const path = join(directory, 'model.safetensors');
  if (await stat(path).catch(() => null)) return;
  await mkdir(directory, { recursive: true });
  for (const file of FROM_TINY) await copyFile(join(FIXTURES, 'mono', file), join(directory, file));
  for (const file of ['config.json', 'generation_config.json']) {
    await copyFile(join(FIXTURES, 'published', size, file), join(directory, file));
  }

  const published = JSON.parse(await readFile(join(FIXTURES, 'published-tensors.json'), 'utf8')) as PublishedTensors;
  const tensors = [...published.common, ...published.models[size]!.own].flatMap(({ pattern, count, shape }) =>
    Array.from({ length: count }, (_, i) => ({ name: pattern.replace('{i}', String(i)), shape })),
  );
  let end = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape }) => {
      const start = end;
      end += shape.reduce((product, dim) => product * dim, 4);
      return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
    }),
  );
  const text = JSON.stringify(header);
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));

  const random = new Random(1);
  const normal = Float32Array.from({ length: 2 ** 20 }, () => {
    return Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  });
  const partial = `${path}.partial`;
  const file = await open(partial, 'w');
  await file.write(length);
  await file.write(padded);
  for (const { name, shape } of tensors) {
    const numbers = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
    const isNorm = /norm\.weight$|weight_g$/.test(name);
    const scale = scaleOf(name, shape);
    const from = random.below(normal.length);
    // Another stride for every row would cost more than it is worth: nobody looks for patterns.
    for (let i = 0; i < numbers.length; i++) {
      numbers[i] = isNorm ? 1 : scale * normal[(from + i + (i >> 20) * 7919) & (normal.length - 1)]!;
    }
    await file.write(new Uint8Array(numbers.buffer));
  }
  await file.close();
  await rename(partial, path);
}

/** Such that no stage explodes or falls silent. */
function scaleOf(name: string, shape: readonly number[]): number {
  if (/bias|bias_/.test(name) && !name.includes('relative')) return 0.1;
  if (/embed|shared|weight_v|relative/.test(name)) return 1;
  return shape.slice(1).reduce((product, dim) => product * dim, 1) ** -0.5;
}
