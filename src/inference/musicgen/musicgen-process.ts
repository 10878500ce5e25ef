import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { EngineError, EngineRefusal, type AudioOptions } from '../stages';
import type { Device } from './musicgen';
import type { ChildAnswer, ChildRequest, ClipRequest, LoadRequest } from './musicgen-child';

/** The compiled module, also where this one runs from its source. */
const CHILD = join(__dirname, '..', '..', '..', 'dist', 'inference', 'musicgen', 'musicgen-child.js');
/** Loading again takes as long as several seconds of music; keeping it takes memory. */
const IDLE_MS = 5 * 60_000;
/** A chunk takes seconds, also of many clips. Reading and converting weights tells how far it is. */
const SILENCE_MS = 10 * 60_000;
const PROBE_MS = 60_000;

type Clip = Omit<ClipRequest, 'id' | 'previews'>;

interface Pending {
  readonly request: Omit<ClipRequest, 'id'>;
  readonly resolve: (wav: Uint8Array) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: (share: number) => void;
  readonly onPreview: AudioOptions['onPreview'];
}

/** The process of MusicGen: started when a clip is wanted, kept while clips come, and started anew where it has ended. */
export class MusicGenProcess {
  private child: ChildProcess | null = null;
  private isLoaded = false;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;
  private capacity: number;
  private idle: NodeJS.Timeout | null = null;
  private silence: NodeJS.Timeout | null = null;

  constructor(private readonly options: LoadRequest) {
    this.capacity = options.capacity;
  }

  /** @throws EngineError; the reason of `signal` where that is aborted */
  make(clip: Clip, { signal, onProgress, onPreview }: AudioOptions): Promise<Uint8Array> {
    const request = { ...clip, previews: onPreview !== undefined };
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const id = this.nextId++;
      const abort = () => {
        // Whoever waits is free at once; the process lets go of the clip before its next chunk.
        this.settle(id, (own) => own.reject(signal.reason as Error));
        this.send({ kind: 'cancel', id });
      };
      const done = <T>(then: (value: T) => void) => {
        return (value: T) => {
          signal.removeEventListener('abort', abort);
          then(value);
        };
      };
      this.pending.set(id, { request, resolve: done(resolve), reject: done(reject), onProgress, onPreview });
      signal.addEventListener('abort', abort, { once: true });
      if (this.child) this.awaken(this.child);
      else this.start();
      // What comes before the model is there is sent when it is.
      if (this.isLoaded) this.send({ kind: 'make', id, ...request });
    });
  }

  async close(): Promise<void> {
    const { child } = this;
    // What ends from here on is not started again.
    this.child = null;
    this.isLoaded = false;
    this.failAll('MusicGen is closing');
    if (!child) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.ref();
    child.kill('SIGKILL');
    await ended;
  }

  private start(): void {
    const child = forkChild();
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    child.on('message', (answer: ChildAnswer) => this.hear(child, answer));
    const onEnd = (how: string, isKilled: boolean) => {
      if (this.child !== child) return;
      this.child = null;
      this.isLoaded = false;
      this.afterEnd(`the process of MusicGen stopped with ${how}: ${errors.trim()}`, isKilled);
    };
    child.once('error', (error) => onEnd(error.message, false));
    child.once('exit', (code, signal) => onEnd(String(signal ?? code), signal === 'SIGKILL' || signal === 'SIGABRT'));
    this.child = child;
    this.awaken(child);
    this.send({ kind: 'load', ...this.options, capacity: this.capacity });
  }

  private hear(child: ChildProcess, answer: ChildAnswer): void {
    if (this.child !== child) return;
    this.watch(child);
    switch (answer.kind) {
      case 'loaded':
        this.isLoaded = true;
        for (const [id, { request }] of this.pending) this.send({ kind: 'make', id, ...request });
        this.restIfIdle();
        return;
      case 'not loaded':
        this.child = null;
        child.kill('SIGKILL');
        this.failAll(`MusicGen could not be loaded: ${answer.error}`);
        return;
      case 'progress':
        this.pending.get(answer.id)?.onProgress(answer.share);
        return;
      case 'preview':
        this.pending.get(answer.id)?.onPreview?.(answer.wav);
        return;
      case 'made':
        this.settle(answer.id, (own) => own.resolve(answer.wav));
        return;
      case 'failed':
        this.settle(answer.id, (own) =>
          own.reject(answer.isFinal ? new EngineRefusal(answer.error) : new EngineError(answer.error)),
        );
        return;
      case 'loading':
      case 'probed':
        return;
      default:
        answer satisfies never;
    }
  }

  /**
   * A process that was killed with several clips in it has most likely taken too much memory: they are made again, half
   * as many at once. One alone has failed.
   */
  private afterEnd(how: string, isKilled: boolean): void {
    const atOnce = Math.min(this.capacity, this.pending.size);
    if (!isKilled || atOnce < 2) {
      this.failAll(how);
      return;
    }
    this.capacity = Math.floor(atOnce / 2);
    this.start();
  }

  private failAll(message: string): void {
    for (const id of [...this.pending.keys()]) this.settle(id, (own) => own.reject(new EngineError(message)));
  }

  private settle(id: number, how: (own: Pending) => void): void {
    const own = this.pending.get(id);
    if (!own) return;
    this.pending.delete(id);
    how(own);
    this.restIfIdle();
  }

  private send(request: ChildRequest): void {
    // A process that has died meanwhile says so by its exit.
    this.child?.send(request, () => undefined);
  }

  private awaken(child: ChildProcess): void {
    if (this.idle) clearTimeout(this.idle);
    this.idle = null;
    child.ref();
    child.channel?.ref();
    this.watch(child);
  }

  /** A process that says nothing for too long hangs. */
  private watch(child: ChildProcess): void {
    if (this.silence) clearTimeout(this.silence);
    this.silence = this.pending.size === 0 ? null : setTimeout(() => child.kill('SIGTERM'), SILENCE_MS);
    this.silence?.unref();
  }

  /** An idle process does not keep this one from ending, and ends with it. */
  private restIfIdle(): void {
    const { child } = this;
    if (!child || this.pending.size > 0 || this.idle) return;
    if (this.silence) clearTimeout(this.silence);
    this.silence = null;
    child.unref();
    child.channel?.unref();
    this.idle = setTimeout(() => {
      // It takes a moment to end, and no clip must come to it in that.
      this.child = null;
      this.isLoaded = false;
      child.kill('SIGKILL');
    }, IDLE_MS);
    this.idle.unref();
  }
}

/**
 * Whether ONNX Runtime can compute on a device, found out in a process of its own.
 * @returns what is in the way; null: nothing
 */
export function probeDevice(device: Device): Promise<string | null> {
  return new Promise((resolve) => {
    const child = forkChild();
    const settle = (problem: string | null) => {
      clearTimeout(timer);
      child.removeAllListeners();
      child.kill('SIGKILL');
      resolve(problem);
    };
    const timer = setTimeout(() => settle(`no answer within ${PROBE_MS / 1000} s`), PROBE_MS);
    child.on('message', (answer: ChildAnswer) => settle(answer.kind === 'probed' ? answer.problem : null));
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, signal) => settle(`the process that tried stopped with ${signal ?? code}`));
    child.send({ kind: 'probe', device } satisfies ChildRequest, () => undefined);
  });
}

function forkChild(): ChildProcess {
  return fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
}
