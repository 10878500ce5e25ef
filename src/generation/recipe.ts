import { createHash } from 'node:crypto';
import { contradict } from '../concepts/concepts';
import { ATTRIBUTES } from '../concepts/taxonomy';
import { base32 } from '../dataset/sample-identity';
import type { Stage, Texture } from '../inference/stages';
import { UserError } from '../platform/errors';
import type { Stages } from './stages';

/** What decides which sample comes out, as far as it is asked for: the rest are the versions of the stages. */
export interface Recipe {
  /** Taxonomy indices, ascending; at least one. */
  readonly asked: readonly number[];
  /** Taxonomy indices, ascending: what completing must not add. */
  readonly forbidden: readonly number[];
  /** Whether attributes are added to those that are asked for. */
  readonly completes: boolean;
  /** 32-bit integer. */
  readonly seed: number;
  readonly durationSeconds: number;
  /** Of the user's own, instead of one that is written. */
  readonly caption: string | null;
  /** Of a counterfactual, where it is another one than its own attributes have: that of its original. */
  readonly texture: Texture | null;
}

/**
 * Stands for the recipe and the stages that would make it. It is the source id of the sample, and what makes the same
 * thing the same: what is completed from data is so only the first time.
 */
export function recipeIdOf(
  recipe: Recipe,
  { completer, captions }: Pick<Stages, 'completer' | 'captions'>,
  engine: Pick<Stage, 'name' | 'version'>,
): string {
  const canonical = JSON.stringify([
    'conceptcaps-recipe-2',
    namesOf(recipe.asked),
    recipe.completes && [namesOf(recipe.forbidden), completer.name, completer.version],
    recipe.seed,
    recipe.durationSeconds,
    recipe.caption === null ? [captions.name, captions.version] : { given: recipe.caption },
    [engine.name, engine.version],
    ...(recipe.texture === null ? [] : [{ texture: recipe.texture }]),
  ]);
  return `r_${base32(createHash('sha256').update(canonical).digest(), 26)}`;
}

export function namesOf(attributes: readonly number[]): string[] {
  return attributes.map((attribute) => ATTRIBUTES[attribute]!.name);
}

/** @throws UserError CONTRADICTORY_ATTRIBUTES that names the first pair that cannot be true of the same music */
export function refuseContradictions(attributes: readonly number[], field: string): void {
  for (const a of attributes) {
    const b = attributes.find((other) => contradict(a, other));
    if (b === undefined) continue;
    throw new UserError(
      'CONTRADICTORY_ATTRIBUTES',
      `${field}: "${ATTRIBUTES[a]!.name}" and "${ATTRIBUTES[b]!.name}" contradict each other. Leave one of them out, or allow contradictions.`,
      { field },
    );
  }
}
