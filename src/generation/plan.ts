import { CONCEPTS } from '../concepts/concepts';
import { ATTRIBUTES, findAttribute } from '../concepts/taxonomy';
import { satisfy } from '../concepts/satisfy';
import type { ConceptSets } from '../dataset/concept-sets';
import { attributeOf, type SampleFilterSpec } from '../dataset/sample-catalog';
import type { SampleRepository } from '../dataset/sample-repository';
import type { EngineFacts, EngineName } from '../inference/stages';
import { UserError } from '../platform/errors';
import { checkCaption } from './caption-text';
import { counterfactualRecipes, type CounterfactualSpec } from './counterfactual';
import { chooseEngine, type ChosenEngine, type EngineCapacity } from './engine-choice';
import { refuseContradictions, recipeIdOf, type Recipe } from './recipe';
import type { Stages } from './stages';

/**
 * From what is asked for to the items that are to be made: names resolved, bounds checked, seeds dealt out.
 */

/** What is asked, as a person writes it: exactly one of `attributes`, `combinations`, `topUp` and `counterfactuals`. */
export interface GenerationSpec {
  readonly attributes?: readonly string[] | null;
  readonly combinations?: readonly (readonly string[])[] | null;
  readonly topUp?: TopUpSpec | null;
  readonly counterfactuals?: CounterfactualSpec | null;
  /** Of the user's own, with `attributes` alone. */
  readonly caption?: string | null;
  readonly complete?: boolean | null;
  readonly count?: number | null;
  readonly seed?: number | null;
  readonly engine?: EngineName | null;
  readonly durationSeconds?: number | null;
  readonly priority?: Priority | null;
  readonly fresh?: boolean | null;
  readonly allowContradictions?: boolean | null;
  /** Whether what is there of a clip can be heard while it is made. */
  readonly previews?: boolean | null;
}

/** "Bring this concept, under this scope, up to so many clean positives." */
export interface TopUpSpec {
  readonly concept: string;
  readonly scope?: SampleFilterSpec | null;
  readonly positives: number;
}

export const PRIORITIES = ['HIGH', 'NORMAL', 'LOW'] as const;
export type Priority = (typeof PRIORITIES)[number];

export const GENERATION_DEFAULTS = {
  count: 1,
  seed: 0,
  engine: 'SOUNDFONT',
  durationSeconds: 10,
  priority: 'NORMAL',
} as const;

export const GENERATION_LIMITS = {
  combinations: [1, 100],
  count: [1, 1_000],
  positives: [1, 2_000],
  minDurationSeconds: 1,
} as const;

export interface PlannedItem extends Recipe {
  readonly recipeId: string;
  /** One for each version of the engine that may make it, the first of them `recipeId`. */
  readonly recipeIds: readonly string[];
  /** Row number of the sample that it is to be a counterfactual of; null for all others. */
  readonly counterfactualOf: number | null;
}

export interface GenerationPlan {
  readonly engine: EngineName;
  readonly priority: Priority;
  readonly durationSeconds: number;
  /** The data that attributes are completed from. */
  readonly dataVersion: number;
  /** Whether items that wait to be made count as there, too. */
  readonly isFresh: boolean;
  /**
   * The items, given which recipes there are already. Items that have to be new take the first seeds, from the one
   * asked for on, whose recipe is not there.
   */
  items(areThere: AreThere): Promise<PlannedItem[]>;
}

/** Those of the recipes that are there already. */
export type AreThere = (recipeIds: readonly string[]) => Promise<ReadonlySet<string>>;

/** @throws UserError where the input is wrong; `field` is the path within the mutation's arguments */
export async function planGeneration(
  spec: GenerationSpec,
  { sets, samples, stages, capacity, dataVersion }: PlanSources,
): Promise<GenerationPlan> {
  const given = (['attributes', 'combinations', 'topUp', 'counterfactuals'] as const).filter(
    (name) => spec[name] != null,
  );
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none' : given.join(' and ');
    throw badInput(
      given[1] ?? 'attributes',
      `needs exactly one of attributes, combinations, topUp and counterfactuals (it has ${found})`,
      'input',
    );
  }
  const caption = spec.caption ?? null;
  if (caption !== null) refuseWithCaption(spec, caption);
  const engine = chooseEngine(stages, spec.engine ?? GENERATION_DEFAULTS.engine, capacity);
  const { facts, versions } = engine;
  const { minDurationSeconds } = GENERATION_LIMITS;
  const durationSeconds = spec.durationSeconds ?? GENERATION_DEFAULTS.durationSeconds;
  if (!(durationSeconds >= minDurationSeconds && durationSeconds <= facts.maxDurationSeconds)) {
    const range = `from ${minDurationSeconds} to ${facts.maxDurationSeconds} with ${facts.engine}`;
    throw badInput('durationSeconds', `must be ${range} (it is ${durationSeconds})`);
  }
  const mute = facts.unsupported.map(({ attribute }) => findAttribute(attribute)!.index);
  const toItem: ToItem = (asked, counterfactualOf = null) => {
    refuseUnsupported(asked.asked, facts);
    // Nor is what the engine cannot honour added.
    const recipe = asked.completes ? { ...asked, forbidden: withThese(asked.forbidden, mute) } : asked;
    const recipeIds = versions.map((version) => recipeIdOf(recipe, stages, { name: facts.name, version }));
    return { ...recipe, recipeId: recipeIds[0]!, recipeIds, counterfactualOf };
  };
  const made = spec.topUp
    ? await planTopUp(spec, spec.topUp, { durationSeconds, engine: facts, mute }, toItem, sets)
    : spec.counterfactuals
      ? { ...(await planCounterfactuals(spec, spec.counterfactuals, engine, toItem, samples)), dataVersion }
      : { ...planCombinations(spec, { durationSeconds, caption }, toItem), dataVersion };
  return {
    engine: facts.engine,
    durationSeconds,
    ...made,
    priority: spec.priority ?? GENERATION_DEFAULTS.priority,
  };
}

/** A caption says what it says: nothing else can be asked for beside it. */
function refuseWithCaption(spec: GenerationSpec, caption: string): void {
  checkCaption(caption, 'input.caption');
  for (const name of ['combinations', 'topUp', 'counterfactuals'] as const) {
    if (spec[name] != null) throw badInput('caption', `cannot be given with ${name}: give it with attributes`);
  }
  if (spec.complete) {
    throw badInput('caption', 'cannot be given with complete, which adds attributes that it does not say');
  }
}

/** @throws UserError UNSUPPORTED_ATTRIBUTE */
function refuseUnsupported(asked: readonly number[], { engine, unsupported }: EngineFacts): void {
  const found = unsupported.find(({ attribute }) => asked.includes(findAttribute(attribute)!.index));
  if (!found) return;
  throw new UserError(
    'UNSUPPORTED_ATTRIBUTE',
    `input: ${engine} cannot honour "${found.attribute}": ${found.reason}. Leave it out.`,
    { field: 'input.attributes' },
  );
}

function withThese(list: readonly number[], more: readonly number[]): number[] {
  return [...new Set([...list, ...more])].sort((a, b) => a - b);
}

export interface PlanSources {
  readonly sets: ConceptSets;
  readonly samples: SampleRepository;
  readonly stages: Stages;
  /** What live workers serve. */
  readonly capacity: ReadonlyMap<EngineName, EngineCapacity>;
  readonly dataVersion: number;
}

type ToItem = (recipe: Recipe, counterfactualOf?: number | null) => PlannedItem;

function planCombinations(
  spec: GenerationSpec,
  { durationSeconds, caption }: Pick<Recipe, 'durationSeconds' | 'caption'>,
  toItem: ToItem,
) {
  const lists = spec.attributes ? [spec.attributes] : spec.combinations!;
  const [, most] = GENERATION_LIMITS.combinations;
  if (lists.length === 0 || lists.length > most) {
    throw badInput('combinations', `must have 1 to ${most} lists (it has ${lists.length})`);
  }
  const combinations = lists.map((names, i) => {
    const name = spec.attributes ? 'attributes' : `combinations[${i}]`;
    if (names.length === 0) throw badInput(name, 'names no attribute');
    if (names.length > ATTRIBUTES.length) throw badInput(name, `has more than ${ATTRIBUTES.length} names`);
    const asked = [...new Set(names.map((one) => attributeOf(one, `input.${name}`)))].sort((a, b) => a - b);
    if (!spec.allowContradictions) refuseContradictions(asked, `input.${name}`);
    return asked;
  });
  const count = whole('count', spec.count ?? GENERATION_DEFAULTS.count, GENERATION_LIMITS.count);
  const seed = spec.seed ?? GENERATION_DEFAULTS.seed;
  const isFresh = spec.fresh ?? false;
  return {
    isFresh,
    async items(areThere: AreThere) {
      const planned: PlannedItem[] = [];
      // A combination that stands there twice is asked for twice.
      const taken = new Set<string>();
      for (const asked of combinations) {
        const candidate = (i: number) =>
          toItem({
            asked,
            forbidden: [],
            completes: spec.complete ?? false,
            seed: (seed + i) | 0,
            durationSeconds,
            caption,
            texture: null,
          });
        planned.push(
          ...(isFresh
            ? await firstNew(count, candidate, areThere, taken)
            : Array.from({ length: count }, (_, i) => candidate(i))),
        );
      }
      return planned;
    },
  };
}

async function planTopUp(
  spec: GenerationSpec,
  topUp: TopUpSpec,
  { durationSeconds, engine, mute }: { durationSeconds: number; engine: EngineFacts; mute: readonly number[] },
  toItem: ToItem,
  sets: ConceptSets,
) {
  for (const name of ['count', 'fresh'] as const) {
    if (spec[name] != null) throw badInput(name, 'cannot be given with topUp, which makes as many new ones as lack');
  }
  const field = 'input.topUp';
  const positives = whole('topUp.positives', topUp.positives, GENERATION_LIMITS.positives);
  const { count: present, target, scope, dataVersion } = await sets.cleanPositives(topUp, field);
  const own = target.kind === 'attribute' ? [target.attribute] : CONCEPTS[target.concept]!.attributes;
  if (own.every((attribute) => mute.includes(attribute))) refuseUnsupported(own, engine);
  const conditions = [
    { kind: 'attributes', sets: { all: [], any: null, none: mute } } as const,
    target.kind === 'attribute'
      ? ({ kind: 'attributes', sets: { all: [target.attribute], any: null, none: [] } } as const)
      : ({ kind: 'carries', sets: { all: [target.concept], any: null, none: [] } } as const),
    scope,
  ];
  const demandsOf = (seed: number) => {
    const demands = satisfy(conditions, seed, spec.allowContradictions ?? false);
    if (demands) return demands;
    throw new UserError(
      'UNSATISFIABLE_SCOPE',
      `${field}.scope: no new sample can be a positive of "${topUp.concept}" in it. A scope for generation may ask for attributes, categories, concepts and audio that go together, not for splits, sources or words of captions.`,
      { field: `${field}.scope` },
    );
  };
  const candidate = (i: number) => {
    const seed = ((spec.seed ?? GENERATION_DEFAULTS.seed) + i) | 0;
    const { required, forbidden } = demandsOf(seed);
    const completes = spec.complete ?? true;
    return toItem({ asked: required, forbidden, completes, seed, durationSeconds, caption: null, texture: null });
  };
  // Refused at once, also where nothing lacks.
  candidate(0);
  return {
    dataVersion,
    isFresh: false,
    items: (areThere: AreThere) => firstNew(Math.max(0, positives - present), candidate, areThere, new Set()),
  };
}

async function planCounterfactuals(
  spec: GenerationSpec,
  counterfactuals: CounterfactualSpec,
  { facts, own }: ChosenEngine,
  toItem: ToItem,
  samples: SampleRepository,
) {
  if (!own?.score) {
    throw badInput(
      'counterfactuals',
      `cannot be made by ${facts.engine}, which makes a piece as a whole: nothing of it would stay the same`,
    );
  }
  for (const name of ['complete', 'count', 'seed', 'durationSeconds', 'fresh'] as const) {
    if (spec[name] != null)
      throw badInput(name, 'cannot be given with counterfactuals, which have all of their originals');
  }
  const recipes = await counterfactualRecipes(counterfactuals, { engine: own, score: own.score, samples });
  if (!spec.allowContradictions) {
    for (const [i, { asked }] of recipes.entries()) {
      refuseContradictions(asked, `input.counterfactuals.samples[${i}]`);
    }
  }
  const items = recipes.map(({ counterfactualOf, ...recipe }) => toItem(recipe, counterfactualOf));
  return {
    isFresh: false,
    // The longest: what limits are reckoned with.
    durationSeconds: Math.max(...recipes.map((recipe) => recipe.durationSeconds)),
    items: () => Promise.resolve(items),
  };
}

/** How many recipes are looked up beyond those that are wanted, before it is given up. */
const MAX_CANDIDATES = 100_000;

async function firstNew(
  count: number,
  candidate: (i: number) => PlannedItem,
  areThere: AreThere,
  taken: Set<string>,
): Promise<PlannedItem[]> {
  const found: PlannedItem[] = [];
  for (let from = 0; found.length < count;) {
    if (from > count + MAX_CANDIDATES) {
      throw new UserError(
        'BAD_USER_INPUT',
        `input.seed: the ${MAX_CANDIDATES} seeds from it on are used up for these attributes. Give another seed.`,
        { field: 'input.seed' },
      );
    }
    const candidates = Array.from({ length: Math.max(count - found.length, 16) }, (_, i) => candidate(from + i));
    from += candidates.length;
    const there = await areThere(candidates.flatMap(({ recipeIds }) => recipeIds));
    for (const item of candidates) {
      if (found.length === count) break;
      if (item.recipeIds.some((id) => there.has(id)) || taken.has(item.recipeId)) continue;
      taken.add(item.recipeId);
      found.push(item);
    }
  }
  return found;
}

function whole(name: string, value: number, [min, max]: readonly [number, number]): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw badInput(name, `must be from ${min} to ${max} (it is ${value})`);
}

function badInput(name: string, problem: string, subject = `input.${name}`): UserError {
  return new UserError('BAD_USER_INPUT', `${subject} ${problem}.`, { field: `input.${name}` });
}
