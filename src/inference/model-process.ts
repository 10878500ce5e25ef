import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { LearnedModels } from './learned-models';
import type { ModelAnswer, ModelCall } from './model-child';
import { EngineError } from './stages';

/** The compiled module, also where this one runs from its source. */
const CHILD = join(__dirname, '..', '..', 'dist', 'inference', 'model-child.js');
/** A caption takes well under a second; a busy machine may take a while to start. */
const TIMEOUT_MS = 60_000;
/** Calls that wait; more than that would be answered too late to be of use. */
const MAX_PENDING = 256;

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/**
 * The built-in models in a process of their own, which is started when it is first needed and again when it has died.
 * Calls reject with an EngineError where the process fails.
 */
export class ModelProcess implements LearnedModels {
  private child: ChildProcess | null = null;
  private readonly pending = new Map<number, Pending>();
  private nextId = 0;

  readonly load: LearnedModels['load'] = () => this.call('load', []);
  readonly complete: LearnedModels['complete'] = (...args) => this.call('complete', args);
  readonly plausibility: LearnedModels['plausibility'] = (...args) => this.call('plausibility', args);
  readonly interpolate: LearnedModels['interpolate'] = (...args) => this.call('interpolate', args);
  readonly distances: LearnedModels['distances'] = (...args) => this.call('distances', args);
  readonly captions: LearnedModels['captions'] = (...args) => this.call('captions', args);

  /** Calls that wait for an answer. */
  get waiting(): number {
    return this.pending.size;
  }

  /** Of the process, while there is one. */
  get pid(): number | undefined {
    return this.child?.pid;
  }

  async close(): Promise<void> {
    const { child } = this;
    if (!child) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.ref();
    child.kill('SIGKILL');
    await ended;
  }

  private call<T>(method: keyof LearnedModels, args: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.pending.size >= MAX_PENDING) throw new EngineError('the models have too much to do; try again later');
      const child = this.running();
      const id = this.nextId++;
      const timer = setTimeout(() => {
        this.fail(`did not answer within ${TIMEOUT_MS / 1000} s`);
        child.kill('SIGKILL');
      }, TIMEOUT_MS);
      this.pending.set(id, { resolve: resolve as (result: unknown) => void, reject, timer });
      child.ref();
      child.channel?.ref();
      // A process that has died meanwhile says so by its exit.
      child.send({ id, method, args } satisfies ModelCall, () => undefined);
    });
  }

  private running(): ChildProcess {
    if (this.child) return this.child;
    const child = fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let errors = '';
    child.stderr!.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-2_000)));
    child.on('message', (answer: ModelAnswer) => this.settle(answer));
    const onEnd = (reason: string) => {
      if (this.child !== child) return;
      this.child = null;
      this.fail(`stopped with ${reason}: ${errors.trim()}`);
    };
    child.once('error', (error) => onEnd(error.message));
    child.once('exit', (code, signal) => onEnd(String(signal ?? code)));
    this.child = child;
    return child;
  }

  private settle(answer: ModelAnswer): void {
    const waiting = this.pending.get(answer.id);
    if (!waiting) return;
    this.pending.delete(answer.id);
    clearTimeout(waiting.timer);
    if (this.pending.size === 0) {
      // An idle process does not keep this one from ending, and ends with it.
      this.child?.unref();
      this.child?.channel?.unref();
    }
    if ('result' in answer) waiting.resolve(answer.result);
    else waiting.reject(answer.isExpected ? new EngineError(answer.error) : new Error(`the models: ${answer.error}`));
  }

  private fail(how: string): void {
    for (const { reject, timer } of this.pending.values()) {
      clearTimeout(timer);
      reject(new EngineError(`the process of the models ${how}`));
    }
    this.pending.clear();
  }
}
