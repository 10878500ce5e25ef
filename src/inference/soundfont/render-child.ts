import type { AudioRequest } from '../stages';
import { compose } from './compose';
import { loadBank, renderPart, renderPlan } from './render';

/**
 * The process in which clips are rendered, one at a time: a crash of it ends one clip, and its work blocks nobody.
 */
export interface RenderJob extends Omit<AudioRequest, 'caption'> {
  /** Place of the one part that is to be heard; null for the mix. */
  readonly part: number | null;
}

export type RenderAnswer = { readonly progress: number } | { readonly wav: Uint8Array } | { readonly error: string };

const PROGRESS_STEP = 0.1;

// Read while the first job is still on its way.
const bank = loadBank();
bank.catch(() => undefined);

async function answer({ attributes, seed, durationSeconds, texture, part }: RenderJob): Promise<RenderAnswer> {
  const plan = compose(attributes, seed, durationSeconds, texture);
  if (part !== null) return { wav: await renderPart(plan, part, durationSeconds, await bank) };
  let told = 0;
  const wav = await renderPlan(plan, durationSeconds, await bank, (progress) => {
    if (progress < told + PROGRESS_STEP) return;
    told = progress;
    process.send!({ progress } satisfies RenderAnswer);
  });
  return { wav };
}

process.on('message', (job: RenderJob) => {
  answer(job)
    .catch((error: unknown): RenderAnswer => ({ error: error instanceof Error ? error.message : String(error) }))
    .then((result) => process.send!(result))
    .catch(() => process.exit(1));
});
// Nobody waits for a clip any more.
process.once('disconnect', () => process.exit(0));
