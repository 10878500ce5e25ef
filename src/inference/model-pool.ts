import type { LearnedModels } from './learned-models';
import { ModelProcess } from './model-process';

/**
 * Several processes of the built-in models: a caption keeps one busy for a third of a second, and whoever makes samples
 * side by side writes captions side by side. A process more is started only when all that there are have work.
 */
export class ModelPool implements LearnedModels {
  private readonly processes = [new ModelProcess()];

  /** @param size processes at most, 1 or more */
  constructor(private readonly size: number) {}

  readonly load: LearnedModels['load'] = () => this.processes[0]!.load();
  readonly complete: LearnedModels['complete'] = (...args) => this.leastBusy().complete(...args);
  readonly plausibility: LearnedModels['plausibility'] = (...args) => this.leastBusy().plausibility(...args);
  readonly interpolate: LearnedModels['interpolate'] = (...args) => this.leastBusy().interpolate(...args);
  readonly distances: LearnedModels['distances'] = (...args) => this.leastBusy().distances(...args);
  readonly captions: LearnedModels['captions'] = (...args) => this.leastBusy().captions(...args);

  async close(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.close()));
  }

  private leastBusy(): ModelProcess {
    let least = this.processes[0]!;
    for (const process of this.processes) if (process.waiting < least.waiting) least = process;
    if (least.waiting === 0 || this.processes.length >= this.size) return least;
    least = new ModelProcess();
    this.processes.push(least);
    return least;
  }
}
