import { open, readFile, readdir, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../stages';
import { fromFloat16 } from './float16';

/**
 * Reads weights in the safetensors format: eight bytes of length, a header in JSON that says where each tensor is, and
 * the bytes. (https://github.com/huggingface/safetensors, "Format")
 */
export interface PublishedTensor {
  readonly name: string;
  readonly type: 'F32' | 'F16' | 'BF16';
  readonly shape: readonly number[];
  /** Name of the file in its directory. */
  readonly file: string;
  /** In the file, in bytes. */
  readonly offset: number;
  readonly length: number;
}

const headerSchema = z.record(
  z.string(),
  z.union([
    z.object({
      dtype: z.string(),
      shape: z.array(z.int().nonnegative()),
      data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
    }),
    // "__metadata__"
    z.record(z.string(), z.string()),
  ]),
);

const BYTES_PER_ELEMENT: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };
/** The format's own limit. */
const MAX_HEADER_BYTES = 100_000_000;
const WEIGHT_FILE = /^model(?:-\d{5}-of-\d{5})?\.safetensors$/;

/** The weights of a model, in one file or in several. */
export class Weights {
  private constructor(
    readonly directory: string,
    /** Names of the files that hold them. */
    readonly files: readonly string[],
    private readonly tensors: ReadonlyMap<string, PublishedTensor>,
  ) {}

  /** @throws EngineError where a file is no such file, or shorter than it says */
  static async open(directory: string): Promise<Weights> {
    const files = (await readdir(directory)).filter((name) => WEIGHT_FILE.test(name)).sort();
    const whole = files.includes('model.safetensors') ? ['model.safetensors'] : files;
    if (whole.length === 0) throw new EngineError(`there are no weights (model.safetensors) in ${directory}`);
    const tensors = new Map<string, PublishedTensor>();
    for (const file of whole) {
      for (const tensor of await readHeader(directory, file)) tensors.set(tensor.name, tensor);
    }
    return new Weights(directory, whole, tensors);
  }

  find(name: string): PublishedTensor | null {
    return this.tensors.get(name) ?? null;
  }

  /**
   * The first that there is: names have changed between releases.
   * @throws EngineError where there is none, or where it has another shape
   */
  get(names: string | readonly string[], shape: readonly number[]): PublishedTensor {
    const wanted = typeof names === 'string' ? [names] : names;
    const found = wanted.map((name) => this.tensors.get(name)).find((tensor) => tensor !== undefined);
    if (!found) throw new EngineError(`the weights in ${this.directory} have no tensor ${wanted.join(' or ')}`);
    if (found.shape.join() !== shape.join()) {
      const are = found.shape.join(' × ');
      throw new EngineError(`the tensor ${found.name} in ${this.directory} is ${are}, not ${shape.join(' × ')}`);
    }
    return found;
  }

  /** The numbers of a tensor, row by row. */
  async read({ file, offset, length, type }: PublishedTensor): Promise<Float32Array> {
    const bytes = await withFile(join(this.directory, file), (handle) => readAt(handle, offset, length));
    if (type === 'F32') return new Float32Array(bytes.buffer, bytes.byteOffset, length / 4);
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, length / 2);
    return type === 'BF16' ? fromBfloat16(halves) : fromFloat16(halves);
  }
}

/** Bytes of a file of config.json's neighbours that have to be text. */
export async function readJson(directory: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(directory, file), 'utf8'));
  } catch (cause) {
    throw new EngineError(`${file} in ${directory} cannot be read`, { cause });
  }
}

async function readHeader(directory: string, file: string): Promise<PublishedTensor[]> {
  const damaged = (how: string, cause?: unknown) => new EngineError(`${file} in ${directory} ${how}`, { cause });
  return withFile(join(directory, file), async (handle) => {
    const { size } = await handle.stat();
    if (size < 8) throw damaged('is too short for weights');
    const headerBytes = Number((await readAt(handle, 0, 8)).readBigUInt64LE());
    if (headerBytes > MAX_HEADER_BYTES || 8 + headerBytes > size) throw damaged('is no safetensors file');
    let header: z.infer<typeof headerSchema>;
    try {
      header = headerSchema.parse(JSON.parse((await readAt(handle, 8, headerBytes)).toString('utf8')));
    } catch (cause) {
      throw damaged('has a damaged header', cause);
    }
    const tensors: PublishedTensor[] = [];
    for (const [name, entry] of Object.entries(header)) {
      if (name === '__metadata__' || !Array.isArray(entry.data_offsets)) continue;
      const { dtype, shape, data_offsets: ends } = entry as Exclude<typeof entry, Record<string, string>>;
      const [start, end] = ends;
      const bytes = BYTES_PER_ELEMENT[dtype];
      // Integer tensors (positions, counters) are no weights.
      if (bytes === undefined) continue;
      const length = shape.reduce((product, dim) => product * dim, bytes);
      if (end - start !== length) throw damaged(`says two sizes of ${name}`);
      if (8 + headerBytes + end > size) throw damaged(`ends before the tensor ${name} does`);
      tensors.push({
        name,
        type: dtype as PublishedTensor['type'],
        shape,
        file,
        offset: 8 + headerBytes + start,
        length,
      });
    }
    return tensors;
  });
}

async function withFile<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new EngineError(`${path} cannot be opened`, { cause });
  });
  try {
    return await work(handle);
  } finally {
    await handle.close();
  }
}

/** In a buffer of its own, so that views of wider elements are aligned. */
async function readAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(buffer, done, length - done, offset + done);
    if (bytesRead === 0) throw new EngineError('a file of weights ended early');
    done += bytesRead;
  }
  return buffer;
}

function fromBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}
