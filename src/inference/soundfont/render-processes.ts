import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { EngineError, type AudioOptions } from '../stages';
import type { RenderAnswer, RenderJob } from './render-child';

/** The compiled module, also where this one runs from its source. */
const CHILD = join(__dirname, '..', '..', '..', 'dist', 'inference', 'soundfont', 'render-child.js');
/** A 30 s clip takes about a second. */
const TIMEOUT_MS = 120_000;
/** Starting a process takes about as long as rendering 5 s; keeping one takes memory. */
const IDLE_MS = 30_000;

/** Rendering processes: one a clip at a time, kept for the next clip for a while. */
export class RenderProcesses {
  private readonly idle = new Map<ChildProcess, NodeJS.Timeout>();
  private readonly all = new Set<ChildProcess>();

  /** @throws EngineError; the reason of `signal` where that is aborted */
  render(job: RenderJob, { signal, onProgress }: AudioOptions): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const child = this.take();
      let errors = '';
      const settle = (finish: () => void, isReusable: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        child.removeAllListeners('message').removeAllListeners('error').removeListener('exit', onExit);
        child.stderr!.removeAllListeners('data').resume();
        if (isReusable) this.keep(child);
        else child.kill('SIGKILL');
        finish();
      };
      const fail = (message: string, cause?: unknown) =>
        settle(() => reject(new EngineError(message, { cause })), false);
      const abort = () => settle(() => reject(signal.reason as Error), false);
      const onExit = (code: number | null, killedBy: string | null) =>
        fail(`the soundfont engine stopped with ${killedBy ?? code}: ${errors.trim()}`);
      const timer = setTimeout(
        () => fail(`the soundfont engine did not finish within ${TIMEOUT_MS / 1000} s`),
        TIMEOUT_MS,
      );
      signal.addEventListener('abort', abort, { once: true });
      child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
      child.on('message', (answer: RenderAnswer) => {
        if ('progress' in answer) onProgress(answer.progress);
        else if ('wav' in answer) settle(() => resolve(answer.wav), true);
        else fail(`the soundfont engine failed: ${answer.error}`);
      });
      child.once('error', (cause) => fail('the soundfont engine could not be started', cause));
      child.once('exit', onExit);
      // A process that has died meanwhile says so by its exit.
      child.send(job, () => undefined);
    });
  }

  async close(): Promise<void> {
    const ended = [...this.all].map((child) => new Promise<void>((resolve) => child.once('exit', () => resolve())));
    for (const child of this.all) {
      // Idle ones would let this process end before it has closed the rest.
      child.ref();
      child.kill('SIGKILL');
    }
    await Promise.all(ended);
  }

  private take(): ChildProcess {
    const [kept] = this.idle;
    if (kept) {
      const [child, timer] = kept;
      clearTimeout(timer);
      this.idle.delete(child);
      child.ref();
      child.channel!.ref();
      return child;
    }
    const child = fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.all.add(child);
    child.once('exit', () => {
      this.all.delete(child);
      clearTimeout(this.idle.get(child));
      this.idle.delete(child);
    });
    return child;
  }

  /** An idle process does not keep this one from ending, and ends with it. */
  private keep(child: ChildProcess): void {
    if (child.exitCode !== null || child.signalCode !== null || !child.connected) return;
    child.unref();
    child.channel!.unref();
    const timer = setTimeout(() => {
      // It takes a moment to end, and no clip must come to it in that.
      this.idle.delete(child);
      child.kill('SIGKILL');
    }, IDLE_MS);
    timer.unref();
    this.idle.set(child, timer);
  }
}
