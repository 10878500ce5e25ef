import { compose } from './compose';
import { renderPlan } from './render';

/** The process in which clips are rendered: a crash of it ends one clip, and its work blocks nobody. */
export interface RenderJob {
  readonly attributes: readonly number[];
  readonly seed: number;
  readonly durationSeconds: number;
}

export type RenderAnswer = { readonly wav: Uint8Array } | { readonly error: string };

process.once('message', (job: RenderJob) => {
  const { attributes, seed, durationSeconds } = job;
  renderPlan(compose(attributes, seed, durationSeconds), durationSeconds)
    .then((wav): RenderAnswer => ({ wav }))
    .catch((error: unknown): RenderAnswer => ({ error: error instanceof Error ? error.message : String(error) }))
    .then((answer) => process.send!(answer, () => process.exit(0)))
    .catch(() => process.exit(1));
});
// Nobody waits for the clip any more.
process.once('disconnect', () => process.exit(1));
