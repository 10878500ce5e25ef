import { readManifest } from '../pulled-model';
import { EngineError, type AudioEngine, type Model, type RenderedAudio } from '../stages';
import { MUSICGEN_FACTS } from './facts';

export interface MusicGenOptions {
  /** Of the pulled model: the published files. What is prepared of them goes there, too. */
  readonly directory: string;
  /** For example `musicgen-small`. */
  readonly model: string;
  /** SPDX identifier of the weights' licence. */
  readonly license: string;
  readonly precision: 'auto' | 'fp32' | 'int8' | 'int4' | 'fp16';
  readonly device: 'auto' | 'cpu' | 'cuda';
  /** What happens where device is cuda and its libraries are missing: continue on the CPU, or stop. */
  readonly cudaFallback: 'cpu' | 'stop';
  /** On the CPU. */
  readonly threads: number;
  /** MB that it may take; null: computed from what is free. */
  readonly memoryMb: number | null;
  readonly clipTimeoutSeconds: number;
}

/** A stand-in for the engine, with its shape. */
export class MusicGenEngine implements AudioEngine {
  readonly engine = MUSICGEN_FACTS.engine;
  readonly name = MUSICGEN_FACTS.name;
  readonly description = MUSICGEN_FACTS.description;
  readonly device = MUSICGEN_FACTS.device;
  readonly maxDurationSeconds = MUSICGEN_FACTS.maxDurationSeconds;
  readonly unsupported = MUSICGEN_FACTS.unsupported;
  readonly weak = MUSICGEN_FACTS.weak;
  readonly version: string;
  readonly isPlaceholder = false;
  readonly concurrency = null;
  readonly score = null;

  constructor(private readonly options: MusicGenOptions) {
    this.version = `1 ${options.model} ${options.precision}`;
  }

  async models(): Promise<readonly Model[]> {
    const { directory, model, license } = this.options;
    const manifest = await readManifest(directory);
    if (!manifest) throw new EngineError(`the model ${model} is not in ${directory}`);
    return manifest.files.map(({ path, sha256 }) => ({ name: `${model}/${path}`, sha256, license }));
  }

  render(): Promise<RenderedAudio> {
    return Promise.reject(new EngineError('MusicGen is not here yet'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
