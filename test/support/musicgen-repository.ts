import { createHash } from 'node:crypto';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Repositories of MusicGen as the hub has them, with the files that they really have beside those that are needed. The
 * weights are those of the tiny models in `test/fixtures/musicgen`, in the real format.
 */
type Files = Record<string, Uint8Array>;

/** What `transformers` reads, in the directory of every model. */
const PUBLISHED = [
  'config.json',
  'generation_config.json',
  'preprocessor_config.json',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
const NOT_WANTED = Buffer.from('nobody needs this');
/** What else lies there: audiocraft's own format, the tokenizer's model, other copies of the weights. */
const BESIDE = ['.gitattributes', 'README.md', 'compression_state_dict.bin', 'spiece.model', 'state_dict.bin'];

const fixture = (channels: 'mono' | 'stereo') => join(__dirname, '..', 'fixtures', 'musicgen', channels);

/** As facebook/musicgen-small: one file of weights, and the same pickled. */
export async function smallRepository(channels: 'mono' | 'stereo' = 'mono'): Promise<Files> {
  return {
    ...(await configuration(channels)),
    'model.safetensors': await weights(channels),
    'pytorch_model.bin': NOT_WANTED,
  };
}

/** As facebook/musicgen-stereo-small: in 16 bits, with the 32-bit ones under other names. */
export async function stereoRepository(): Promise<Files> {
  return {
    ...(await smallRepository('stereo')),
    'model.fp32.safetensors': NOT_WANTED,
    'model.safetensors.index.fp32.json': NOT_WANTED,
    'pytorch_model.fp32.bin': NOT_WANTED,
  };
}

/** As facebook/musicgen-large on `main`: no safetensors at all. */
export async function pickledRepository(): Promise<Files> {
  return {
    ...(await configuration('mono')),
    'pytorch_model-00001-of-00002.bin': NOT_WANTED,
    'pytorch_model-00002-of-00002.bin': NOT_WANTED,
    'pytorch_model.bin.index.json': NOT_WANTED,
  };
}

/** As the conversion of facebook/musicgen-large: weights in two files and an index. */
export async function shardedRepository(): Promise<Files> {
  const [first, second] = splitSafetensors(await weights('mono'));
  const names = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'] as const;
  const places = [first, second].flatMap(({ tensors }, i) => tensors.map((tensor) => [tensor, names[i]] as const));
  return {
    ...(await pickledRepository()),
    [names[0]]: first.bytes,
    [names[1]]: second.bytes,
    'model.safetensors.index.json': Buffer.from(
      JSON.stringify({ metadata: { total_size: 0 }, weight_map: Object.fromEntries(places) }),
    ),
  };
}

/** Puts a tiny model where `models pull` would, as that one; returns its directory. */
export async function placeModel(dataDir: string, name: string, channels: 'mono' | 'stereo' = 'mono'): Promise<string> {
  const directory = join(dataDir, 'models', name);
  await mkdir(directory, { recursive: true });
  const files = [...PUBLISHED, 'model.safetensors'];
  for (const file of files) await cp(join(fixture(channels), file), join(directory, file));
  const described = files.map(async (path) => {
    const bytes = await readFile(join(directory, path));
    return { path, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  });
  const manifest = {
    commit: 'c0ffee'.padEnd(40, '0'),
    license: 'CC-BY-NC-4.0',
    source: `https://huggingface.co/facebook/${name}`,
    files: await Promise.all(described),
  };
  await writeFile(join(directory, 'manifest.json'), JSON.stringify(manifest));
  return directory;
}

async function configuration(channels: 'mono' | 'stereo'): Promise<Files> {
  const entries = PUBLISHED.map(async (name) => [name, await readFile(join(fixture(channels), name))] as const);
  return {
    ...Object.fromEntries(BESIDE.map((name) => [name, NOT_WANTED])),
    ...Object.fromEntries(await Promise.all(entries)),
  };
}

function weights(channels: 'mono' | 'stereo'): Promise<Buffer> {
  return readFile(join(fixture(channels), 'model.safetensors'));
}

interface Tensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Within the data, the end not included. */
  readonly data_offsets: readonly [number, number];
}

/**
 * Half of the tensors each. The format: the length of the header in 8 bytes, the header as JSON, the data
 * (https://huggingface.co/docs/safetensors).
 */
function splitSafetensors(bytes: Buffer): [Shard, Shard] {
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString()) as Record<string, Tensor>;
  const data = bytes.subarray(8 + headerLength);
  const all = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const half = Math.ceil(all.length / 2);
  return [toShard(all.slice(0, half), data), toShard(all.slice(half), data)];
}

interface Shard {
  readonly tensors: readonly string[];
  readonly bytes: Buffer;
}

function toShard(tensors: readonly (readonly [string, Tensor])[], data: Buffer): Shard {
  const parts: Buffer[] = [];
  let end = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const [name, { dtype, shape, data_offsets: offsets }] of tensors) {
    const part = data.subarray(...offsets);
    header[name] = { dtype, shape, data_offsets: [end, end + part.length] };
    end += part.length;
    parts.push(part);
  }
  const text = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([text, Buffer.alloc((8 - (text.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return { tensors: tensors.map(([name]) => name), bytes: Buffer.concat([length, padded, ...parts]) };
}
