import { Random } from '../../concepts/random';
import { mix } from '../../concepts/seeded-order';
import { Draft } from './draft';
import type { Drafting, LanguageModel } from './language-model';
import { enumerated } from './wording';

/**
 * Writes captions that are faithful by construction: the language model proposes, the lexicons of the concepts dispose.
 * A word that would say what was not asked for is refused; a caption does not end before all that was asked for is said.
 *
 * Several drafts are written side by side, and the one that the model finds most natural is taken.
 */
export interface CaptionOptions {
  /** Without constraints the model writes as it likes: to be measured, not to be used. */
  readonly isConstrained: boolean;
  readonly drafts: number;
}

export const CAPTION_DEFAULTS: CaptionOptions = { isConstrained: true, drafts: 3 };
/** Steps that the other drafts are given when the first is done. */
const PATIENCE = 20;
/**
 * Where no draft of a task came to a good end, others are begun. Each time a draft may hold on longer to a sentence of which
 * little is left (see `Draft`): a caption that reads less well is better than a list.
 */
const ROUNDS = [0.3, 0.3, 0.1, 0.03, 0.01];

/** What a caption is to be written for. */
export interface CaptionTask {
  /** Taxonomy indices, ascending; at least one. */
  readonly attributes: readonly number[];
  /** 32-bit integer. */
  readonly seed: number;
}

/** Captions, written side by side: the more at once, the less time each takes. */
export async function writeCaptions(
  model: LanguageModel,
  tasks: readonly CaptionTask[],
  options: CaptionOptions = CAPTION_DEFAULTS,
): Promise<string[]> {
  const captions = new Map<CaptionTask, string>();
  for (const round of ROUNDS.keys()) {
    const left = tasks.filter((task) => !captions.has(task));
    if (left.length === 0) break;
    const found = await bestDrafts(model, left, options, round);
    left.forEach((task, at) => {
      if (found[at] !== null) captions.set(task, found[at]!);
    });
  }
  return tasks.map((task) => captions.get(task) ?? enumerated(task.attributes));
}

/** For each task the draft that the model finds most natural; null where none came to a good end. */
async function bestDrafts(
  model: LanguageModel,
  tasks: readonly CaptionTask[],
  { isConstrained, drafts: count }: CaptionOptions,
  round: number,
): Promise<(string | null)[]> {
  const each = tasks.flatMap(({ attributes, seed }) =>
    Array.from({ length: count }, (_, draft) => ({ attributes, random: new Random(mix(seed, round * count + draft)) })),
  );
  const drafting = await model.draft(each.map(({ attributes }) => attributes));
  const options = { isConstrained, leastLeft: ROUNDS[round]! };
  const drafts = each.map(
    ({ attributes, random }, at) => new Draft(model.vocabulary, attributes, options, random, drafting.first[at]!),
  );
  const groups = tasks.map((_, task) => drafts.slice(task * count, (task + 1) * count));
  const patience = tasks.map(() => PATIENCE);
  while (drafts.some(({ state }) => state === 'WRITING')) {
    await advance(drafts, drafting);
    groups.forEach((group, task) => {
      if (!group.some(({ state }) => state === 'DONE') || patience[task]!-- > 0) return;
      for (const draft of group) draft.giveUp();
    });
  }
  return groups.map((group) => {
    const done = group.filter(({ state }) => state === 'DONE');
    done.sort((a, b) => b.naturalness - a.naturalness);
    return done[0]?.caption ?? null;
  });
}

async function advance(drafts: readonly Draft[], drafting: Drafting): Promise<void> {
  const tokens = drafts.map((draft, at) => draft.next((taken) => drafting.takeBack(at, taken)));
  if (tokens.every((token) => token === null)) return;
  const logits = await drafting.step(tokens);
  logits.forEach((next, at) => {
    if (next) drafts[at]!.see(next);
  });
}
