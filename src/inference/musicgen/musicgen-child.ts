import { writeFloatWav } from '../../audio/write-wav';
import { loadOnnxRuntime } from '../onnx';
import { EngineRefusal } from '../stages';
import { checkAudio } from './audio-checks';
import { ClipBatch, type ClipJob } from './clip-batch';
import type { WindowSizes } from './clip';
import { WINDOW_SECONDS } from './memory-budget';
import { frameRateHz, samplesPerFrame } from './model-config';
import { MusicGen, SAMPLING, type Device } from './musicgen';
import { Graph } from './onnx-graph';
import { prepareModel } from './prepare';
import type { Precision } from './prepared-weights';

/**
 * The process in which MusicGen runs: its work blocks nobody else's event loop, what it takes of memory goes with it, and
 * a crash of native code ends nothing but the clips that are in it.
 */
export interface LoadRequest {
  readonly directory: string;
  readonly device: Device;
  readonly precision: Precision;
  /** On the CPU. */
  readonly threads: number;
  readonly capacity: number;
  readonly clipTimeoutMs: number;
}

export interface ClipRequest {
  readonly id: number;
  readonly caption: string;
  readonly seed: number;
  readonly durationSeconds: number;
  /** Whether somebody wants to hear it while it is made. */
  readonly previews: boolean;
}

export type ChildRequest =
  | { readonly kind: 'probe'; readonly device: Device }
  | ({ readonly kind: 'load' } & LoadRequest)
  | ({ readonly kind: 'make' } & ClipRequest)
  | { readonly kind: 'cancel'; readonly id: number };

export type ChildAnswer =
  /** Null: such a device can be used. */
  | { readonly kind: 'probed'; readonly problem: string | null }
  | { readonly kind: 'loading'; readonly share: number }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'not loaded'; readonly error: string }
  | { readonly kind: 'progress'; readonly id: number; readonly share: number }
  /** The clip so far. */
  | { readonly kind: 'preview'; readonly id: number; readonly wav: Uint8Array }
  | { readonly kind: 'made'; readonly id: number; readonly wav: Uint8Array }
  /** Final: tried again it would fail again. */
  | { readonly kind: 'failed'; readonly id: number; readonly error: string; readonly isFinal: boolean };

/** What a window takes over from the one before it, as in the authors' own continuation: 18 s are new. */
const OVERLAP_SECONDS = 12;
/** The codec mirrors the ends of what it gets, which must be longer than what is mirrored. */
const LEAST_FRAMES = 8;
/** Of new audio, at first. */
const PREVIEW_SECONDS = 5;

interface Loaded {
  readonly model: MusicGen;
  readonly batch: ClipBatch;
}

let loaded: Loaded | null = null;
let isWorking = false;

function tell(answer: ChildAnswer): void {
  process.send!(answer);
}

/** Whether a session can be made for a device: libraries that are missing show then and not before. */
async function probe(device: Device): Promise<string | null> {
  const graph = new Graph('probe');
  graph.output('y', graph.node('Identity', [graph.input('x', 'float32', [1])]), 'float32', [1]);
  try {
    const runtime = await loadOnnxRuntime();
    const session = await runtime.InferenceSession.create(graph.toModel(), { executionProviders: [device] });
    await session.release();
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

async function load(request: LoadRequest): Promise<void> {
  const prepared = await prepareModel(request.directory, request.precision, {
    onProgress: (share) => tell({ kind: 'loading', share }),
  });
  const { device, threads, capacity, clipTimeoutMs } = request;
  const model = await MusicGen.load(await loadOnnxRuntime(), request.directory, prepared, { device, threads });
  const rate = frameRateHz(model.config.audio_encoder);
  const windows: WindowSizes = {
    window: Math.round(WINDOW_SECONDS * rate),
    overlap: Math.round(OVERLAP_SECONDS * rate),
  };
  const batch = new ClipBatch(
    model,
    { windows, sampling: SAMPLING, capacity, clipTimeoutMs },
    {
      onProgress: (id, share) => tell({ kind: 'progress', id, share }),
      onPreview: (job, channels, frames) => {
        tell({ kind: 'preview', id: job.id, wav: previewOf(model, job, channels, frames) });
      },
      onDone: (job, channels) => tell({ kind: 'made', id: job.id, wav: wavOf(model, job, channels) }),
      onFailed: (id, error) => {
        tell({ kind: 'failed', id, error: messageOf(error), isFinal: error instanceof EngineRefusal });
      },
    },
  );
  loaded = { model, batch };
}

function make({ model, batch }: Loaded, { previews, ...clip }: ClipRequest): void {
  const rate = frameRateHz(model.config.audio_encoder);
  const frames = Math.max(LEAST_FRAMES, Math.ceil(clip.durationSeconds * rate));
  const previewEvery = previews ? Math.max(LEAST_FRAMES, Math.round(PREVIEW_SECONDS * rate)) : undefined;
  batch.add({ ...clip, frames, previewEvery });
  void work(batch);
}

/** Chunk after chunk; between two of them whatever has been sent meanwhile is heard. */
async function work(batch: ClipBatch): Promise<void> {
  if (isWorking) return;
  isWorking = true;
  while (!batch.isIdle) {
    await batch.step();
    await new Promise((resolve) => setImmediate(resolve));
  }
  isWorking = false;
}

/** Nothing is checked of it: a clip may well begin with silence. */
function previewOf(
  { config }: MusicGen,
  { durationSeconds }: ClipJob,
  channels: readonly Float32Array[],
  frames: number,
): Uint8Array {
  const { sampling_rate: rateHz } = config.audio_encoder;
  const samples = Math.min(frames * samplesPerFrame(config.audio_encoder), Math.round(durationSeconds * rateHz));
  return writeFloatWav(
    channels.map((channel) => channel.subarray(0, samples)),
    rateHz,
  );
}

/** As long as was asked for, to the sample: frames are whole. */
function wavOf({ config }: MusicGen, job: ClipJob, channels: readonly Float32Array[]): Uint8Array {
  const { frames, durationSeconds } = job;
  const { sampling_rate: rateHz } = config.audio_encoder;
  checkAudio(channels, frames * samplesPerFrame(config.audio_encoder));
  const samples = Math.round(durationSeconds * rateHz);
  return writeFloatWav(
    channels.map((channel) => channel.subarray(0, samples)),
    rateHz,
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

process.on('message', (request: ChildRequest) => {
  switch (request.kind) {
    case 'probe':
      void probe(request.device).then((problem) => tell({ kind: 'probed', problem }));
      return;
    case 'load':
      load(request).then(
        () => tell({ kind: 'loaded' }),
        (error: unknown) => tell({ kind: 'not loaded', error: messageOf(error) }),
      );
      return;
    case 'make':
      if (loaded) make(loaded, request);
      else tell({ kind: 'failed', id: request.id, error: 'nothing is loaded', isFinal: false });
      return;
    case 'cancel':
      loaded?.batch.cancel(request.id);
      return;
    default:
      request satisfies never;
  }
});
// Nobody waits for a clip any more.
process.once('disconnect', () => process.exit(0));
