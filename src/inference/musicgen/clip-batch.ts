import { EngineError } from '../stages';
import { ClipTokens, type WindowSizes } from './clip';
import { DecoderCache } from './decoder-cache';
import { CHUNK_STEPS } from './memory-budget';
import type { EncodedText, MusicGen, Sampling } from './musicgen';

/**
 * Clips that are made side by side. Between two chunks clips come and go: whoever waits joins as soon as there is room,
 * whoever is done or not wanted any more leaves. Chunks are always of the same number of steps, so that the sums of
 * a clip are rounded alike whatever else is in the batch.
 */
export interface ClipJob {
  readonly id: number;
  readonly caption: string;
  /** 32-bit integer. */
  readonly seed: number;
  readonly durationSeconds: number;
  /** That such a length takes. */
  readonly frames: number;
  /** Frames after which what is there is decoded to be heard, and again after as many more; left out: never. */
  readonly previewEvery?: number;
}

export interface ClipEvents {
  onProgress(id: number, share: number): void;
  /** With the samples of each channel of the first so many frames. */
  onPreview?(job: ClipJob, channels: Float32Array[], frames: number): void;
  /** With the samples of each channel. */
  onDone(job: ClipJob, channels: Float32Array[]): void;
  onFailed(id: number, error: unknown): void;
}

interface ActiveClip {
  readonly job: ClipJob;
  readonly text: EncodedText;
  readonly tokens: ClipTokens;
  readonly startedAt: number;
  /** Frames that the next preview has at least. */
  previewAt: number;
}

export interface ClipBatchOptions {
  readonly windows: WindowSizes;
  readonly sampling: Sampling;
  /** Clips at once; fewer after memory has run out. */
  readonly capacity: number;
  /** From when a clip is begun. */
  readonly clipTimeoutMs: number;
}

/** What ONNX Runtime and its allocators say when there is no memory left. */
const OUT_OF_MEMORY = /bad_alloc|failed to allocate|out of memory|cudamalloc|allocation failed|bfcarena/i;

export class ClipBatch {
  private readonly waiting: ClipJob[] = [];
  private active: ActiveClip[] = [];
  /** For each active clip its place in the cache; null: none yet. */
  private places: (number | null)[] = [];
  private cache: DecoderCache;
  private capacity: number;

  constructor(
    private readonly model: MusicGen,
    private readonly options: ClipBatchOptions,
    private readonly events: ClipEvents,
  ) {
    this.cache = new DecoderCache(model.cacheShape);
    this.capacity = options.capacity;
  }

  get isIdle(): boolean {
    return this.active.length === 0 && this.waiting.length === 0;
  }

  add(job: ClipJob): void {
    this.waiting.push(job);
  }

  /** It leaves at once where it waits, and before the next chunk where it is being made. */
  cancel(id: number): void {
    const at = this.waiting.findIndex((job) => job.id === id);
    if (at >= 0) this.waiting.splice(at, 1);
    this.leave((clip) => clip.job.id === id);
  }

  /** Makes one chunk of all clips that there is room for; blocks the thread meanwhile. */
  async step(): Promise<void> {
    await this.admit();
    if (this.active.length === 0) return;
    const steps = Math.min(CHUNK_STEPS, Math.max(...this.active.map(({ tokens }) => tokens.stepsLeft)));
    try {
      this.cache.rearrange(this.places);
      this.places = this.active.map((_, place) => place);
      // The longest decides; who comes later is in it before it is full.
      this.cache.reserve(this.cache.positions + steps);
      await this.model.runChunk(this.active, this.cache, steps, this.options.sampling);
    } catch (error) {
      this.afterFailure(error);
      return;
    }
    this.dropLate();
    for (const { job, tokens } of this.active) this.events.onProgress(job.id, tokens.framesDone / job.frames);
    // A clip that begins its next window begins it with nothing in the cache.
    this.places = this.places.map((place, i) => (this.active[i]!.tokens.position === 0 ? null : place));
    const done = this.active.filter(({ tokens }) => tokens.isFinished);
    this.leave(({ tokens }) => tokens.isFinished);
    for (const clip of this.active) await this.preview(clip);
    for (const { job, tokens } of done) {
      try {
        this.events.onDone(job, await this.model.decode(tokens.codesOf(job.frames)));
      } catch (error) {
        this.events.onFailed(job.id, error);
      }
    }
  }

  /** What is there is decoded from its beginning: as the clip grows that is done less often, to stay a share of the work. */
  private async preview(clip: ActiveClip): Promise<void> {
    const { job, tokens } = clip;
    const frames = tokens.framesDone;
    if (!this.events.onPreview || frames < clip.previewAt) return;
    try {
      this.events.onPreview(job, await this.model.decode(tokens.codesOf(frames)), frames);
      clip.previewAt = frames + Math.max(job.previewEvery ?? Infinity, frames / 2);
    } catch {
      // Memory has run out, most likely. The clip goes on without.
      clip.previewAt = Infinity;
    }
  }

  private async admit(): Promise<void> {
    while (this.active.length < this.capacity && this.waiting.length > 0) {
      const job = this.waiting.shift()!;
      try {
        const text = await this.model.encodeText(job.caption);
        const tokens = new ClipTokens(this.model.config.decoder, job, this.options.windows);
        const previewAt = job.previewEvery ?? Infinity;
        this.active.push({ job, text, tokens, startedAt: performance.now(), previewAt });
        this.places.push(null);
      } catch (error) {
        this.events.onFailed(job.id, error);
      }
    }
  }

  /** Memory that has run out halves the batch: the later half begins again when there is room. The rest fails. */
  private afterFailure(error: unknown): void {
    const isMemory = error instanceof Error && OUT_OF_MEMORY.test(error.message);
    const kept = isMemory && this.active.length > 1 ? Math.ceil(this.active.length / 2) : 0;
    const dropped = this.active.slice(kept);
    if (kept > 0) {
      this.capacity = kept;
      this.waiting.unshift(...dropped.map(({ job }) => job));
    } else {
      for (const { job } of dropped) this.events.onFailed(job.id, error);
    }
    // What the cache holds after a failure is not known.
    this.cache = new DecoderCache(this.model.cacheShape);
    const restarted = this.active.slice(0, kept);
    this.active = restarted.map((clip) => ({
      ...clip,
      tokens: new ClipTokens(this.model.config.decoder, clip.job, this.options.windows),
    }));
    this.places = this.active.map(() => null);
  }

  private dropLate(): void {
    const { clipTimeoutMs } = this.options;
    const isLate = (clip: ActiveClip) => !clip.tokens.isFinished && performance.now() - clip.startedAt > clipTimeoutMs;
    for (const { job } of this.active.filter(isLate)) {
      this.events.onFailed(job.id, new EngineError(`the clip was not done within ${clipTimeoutMs / 1000} s`));
    }
    this.leave(isLate);
  }

  private leave(isLeaving: (clip: ActiveClip) => boolean): void {
    const staying = this.active.map((clip) => !isLeaving(clip));
    this.active = this.active.filter((_, i) => staying[i]);
    this.places = this.places.filter((_, i) => staying[i]);
    if (this.active.length === 0) this.cache = new DecoderCache(this.model.cacheShape);
  }
}
