import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';

import { promisify } from 'node:util';
import { readManifest } from '../pulled-model';
import {
  EngineError,
  type AudioEngine,
  type AudioOptions,
  type AudioRequest,
  type Model,
  type RenderedAudio,
} from '../stages';
import { MUSICGEN_FACTS } from './facts';
import { clipsWithin, memoryNeed } from './memory-budget';
import { readModelConfig } from './model-config';
import { SAMPLING, type Device } from './musicgen';
import { MusicGenProcess, probeDevice } from './musicgen-process';
import type { Precision } from './prepared-weights';
import { Weights } from './safetensors';

export interface MusicGenOptions {
  /** Of the pulled model: the published files. What is prepared of them goes there, too. */
  readonly directory: string;
  /** For example `musicgen-small`. */
  readonly model: string;
  /** SPDX identifier of the weights' licence. */
  readonly license: string;
  readonly precision: 'auto' | Precision;
  readonly device: 'auto' | Device;
  /** What happens where there is to be CUDA and its libraries are missing: continue on the CPU, or stop. */
  readonly cudaFallback: 'cpu' | 'stop';
  /** On the CPU. */
  readonly threads: number;
  /** MB that it may take; null: computed from what is free. */
  readonly memoryMb: number | null;
  readonly clipTimeoutSeconds: number;
  readonly onWarning?: (message: string) => void;
}

/** Grows with whatever changes what a seed sounds like: the graphs, the way noise is made, the steps of a chunk. */
const VERSION = '2';
/** On a CPU of few cores more clips at once gain nothing any more; on a GPU they do. */
const MOST_CLIPS: Readonly<Record<Device, number>> = { cpu: 8, cuda: 32 };
/** Of what is free, for the rest of the machine to go on. */
const SHARE_OF_FREE_MEMORY = 0.8;

/** How it runs on this machine: found out once, before the first clip. */
interface Running {
  readonly device: Device;
  readonly precision: Precision;
  readonly capacity: number;
  readonly process: MusicGenProcess;
}

/**
 * MusicGen (arXiv 2306.05284), which made the audio of the published data: from the caption, in ONNX Runtime, in a process of
 * its own that makes several clips side by side.
 */
export class MusicGenEngine implements AudioEngine {
  readonly engine = MUSICGEN_FACTS.engine;
  readonly name = MUSICGEN_FACTS.name;
  readonly description = MUSICGEN_FACTS.description;
  readonly device = MUSICGEN_FACTS.device;
  readonly maxDurationSeconds = MUSICGEN_FACTS.maxDurationSeconds;
  readonly unsupported = MUSICGEN_FACTS.unsupported;
  readonly weak = MUSICGEN_FACTS.weak;
  readonly isPlaceholder = false;
  readonly score = null;
  private starting: Promise<Running> | null = null;
  private running: Running | null = null;

  constructor(private readonly options: MusicGenOptions) {}

  /** Known for certain once `models` has been asked for: where CUDA cannot be used, the precision is another. */
  get version(): string {
    const { device, precision } = this.running ?? this.guess();
    return `${VERSION} ${this.options.model} ${precision} ${device}`;
  }

  get concurrency(): number | null {
    return this.running?.capacity ?? null;
  }

  async models(): Promise<readonly Model[]> {
    const { directory, model, license } = this.options;
    await this.start();
    const manifest = await readManifest(directory);
    if (!manifest) throw new EngineError(`the model ${model} is not in ${directory}`);
    return manifest.files.map(({ path, sha256 }) => ({ name: `${model}/${path}`, sha256, license }));
  }

  async render({ caption, seed, durationSeconds }: AudioRequest, options: AudioOptions): Promise<RenderedAudio> {
    const { device, precision, process } = await this.start();
    const wav = await process.make({ caption, seed, durationSeconds }, options);
    const { guidance, temperature, topK, topP } = SAMPLING;
    const { model } = this.options;
    return { wav, parameters: { model, precision, device, guidance, temperature, topK, topP } };
  }

  async close(): Promise<void> {
    const { running } = this;
    this.running = null;
    this.starting = null;
    await running?.process.close();
  }

  private start(): Promise<Running> {
    this.starting ??= this.findHow().then(
      (running) => (this.running = running),
      (error: unknown) => {
        this.starting = null;
        throw error;
      },
    );
    return this.starting;
  }

  private async findHow(): Promise<Running> {
    const { directory, threads, clipTimeoutSeconds } = this.options;
    const config = await readModelConfig(directory);
    // A file of weights that is cut off says so here, before any work is begun.
    await Weights.open(directory);
    const device = await this.usableDevice();
    const precision = this.precisionOn(device);
    const need = memoryNeed(config, precision);
    const capacity = clipsWithin((await this.budgetBytes(device)) - need.weightBytes, need, MOST_CLIPS[device]);
    const process = new MusicGenProcess({
      directory,
      device,
      precision,
      threads,
      capacity,
      clipTimeoutMs: 1_000 * clipTimeoutSeconds,
    });
    return { device, precision, capacity, process };
  }

  /** @throws EngineError where there is to be CUDA, it cannot be used, and the CPU is not to take its place */
  private async usableDevice(): Promise<Device> {
    const { cudaFallback, onWarning } = this.options;
    if (this.guess().device === 'cpu') return 'cpu';
    const problem = await probeDevice('cuda');
    if (problem === null) return 'cuda';
    const missing = `CUDA cannot be used: ${problem.trim()}`;
    const remedy =
      'Its libraries come with "ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node", and need CUDA 12 and cuDNN 9.';
    if (cudaFallback === 'stop') {
      throw new EngineError(`${missing}. ${remedy} MUSICGEN_CUDA_FALLBACK=cpu would go on without.`);
    }
    onWarning?.(`${missing}; continuing on the CPU. ${remedy}`);
    return 'cpu';
  }

  /** What is to be, before it has been tried. */
  private guess(): { readonly device: Device; readonly precision: Precision } {
    const wanted = this.options.device;
    const device = wanted === 'auto' ? (existsSync('/dev/nvidia0') ? 'cuda' : 'cpu') : wanted;
    return { device, precision: this.precisionOn(device) };
  }

  private precisionOn(device: Device): Precision {
    const { precision } = this.options;
    if (precision !== 'auto') return precision;
    return device === 'cuda' ? 'fp16' : 'int8';
  }

  private async budgetBytes(device: Device): Promise<number> {
    const { memoryMb } = this.options;
    if (memoryMb !== null) return memoryMb * 1_000_000;
    return SHARE_OF_FREE_MEMORY * (device === 'cuda' ? await freeBytesOfGpu() : process.availableMemory());
  }
}

/** As the driver's own tool tells; 0 where it does not, which makes one clip at a time. */
async function freeBytesOfGpu(): Promise<number> {
  try {
    const query = ['--query-gpu=memory.free', '--format=csv,noheader,nounits', '--id=0'];
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return Number(stdout.trim()) * 2 ** 20;
  } catch {
    return 0;
  }
}
