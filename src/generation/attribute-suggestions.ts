import { ATTRIBUTES } from '../concepts/taxonomy';
import type { LiveIndex } from '../dataset/live-index';
import { attributeOf } from '../dataset/sample-catalog';
import type { SampleRepository, StoredSample } from '../dataset/sample-repository';
import type { Plausibility } from '../inference/attribute-vae/plausibility';
import type { LearnedModels } from '../inference/learned-models';
import { EngineError } from '../inference/stages';
import { UserError } from '../platform/errors';
import { refuseContradictions } from './recipe';

/** What goes together, by the attribute VAE, with names at its edge. */
export class AttributeSuggestions {
  constructor(
    private readonly models: LearnedModels,
    private readonly live: LiveIndex,
    private readonly samples: SampleRepository,
  ) {}

  /** @throws UserError UNKNOWN_ATTRIBUTE, CONTRADICTORY_ATTRIBUTES, BAD_USER_INPUT */
  async suggest(spec: SuggestionSpec): Promise<Combination[]> {
    const given = indices(spec.attributes, 'input.attributes', SUGGESTION_LIMITS.given);
    const forbidden = indices(spec.without ?? [], 'input.without', [0, ATTRIBUTES.length]);
    const both = given.find((attribute) => forbidden.includes(attribute));
    if (both !== undefined) {
      throw badInput('input.without', `has "${ATTRIBUTES[both]!.name}", which input.attributes asks for`);
    }
    refuseContradictions(given, 'input.attributes');
    const threshold = spec.threshold ?? null;
    const count = spec.count ?? null;
    if (threshold !== null && count !== null) {
      throw badInput('input.count', 'cannot be given with input.threshold: both say how many attributes there are');
    }
    if (threshold !== null) inRange(threshold, 'input.threshold', SUGGESTION_LIMITS.threshold);
    if (count !== null) whole(count, 'input.count', SUGGESTION_LIMITS.count);
    if (count !== null && count < given.length) {
      throw badInput('input.count', `is ${count}, and input.attributes has ${given.length} already`);
    }
    const temperature = spec.temperature ?? SUGGESTION_DEFAULTS.temperature;
    inRange(temperature, 'input.temperature', SUGGESTION_LIMITS.temperature);
    const seed = spec.seed ?? SUGGESTION_DEFAULTS.seed;
    whole(seed, 'input.seed', [-(2 ** 31), 2 ** 31 - 1]);
    const first = spec.first ?? SUGGESTION_DEFAULTS.first;
    whole(first, 'input.first', SUGGESTION_LIMITS.first);
    const wanted = Array.from({ length: first }, (_, at) => ({
      given,
      forbidden,
      temperature,
      threshold,
      count,
      seed: (seed + at) | 0,
    }));
    return this.judged(await asked(this.models.complete(wanted)));
  }

  /** @throws UserError UNKNOWN_ATTRIBUTE, BAD_USER_INPUT */
  async plausibility(names: readonly string[]): Promise<Combination> {
    const [judged] = await this.judged([indices(names, 'attributes', SUGGESTION_LIMITS.judged)]);
    return judged!;
  }

  /** Combinations on the way from one to the other, both ends included, at most `steps` between them. @throws UserError as above */
  async interpolate(from: readonly string[], to: readonly string[], steps: number): Promise<Combination[]> {
    const ends = [indices(from, 'from', SUGGESTION_LIMITS.given), indices(to, 'to', SUGGESTION_LIMITS.given)] as const;
    whole(steps, 'steps', SUGGESTION_LIMITS.steps);
    const way = await asked(this.models.interpolate(...ends, steps));
    // What is no combination, or the same as the one before, is no step.
    const key = (list: readonly number[]) => list.join();
    const last = key(way.at(-1)!);
    const between = way.slice(1, -1).filter((list) => list.length > 0 && key(list) !== last);
    const changing = [way[0]!, ...between].filter((list, at, all) => at === 0 || key(list) !== key(all[at - 1]!));
    return this.judged([...changing, way.at(-1)!]);
  }

  /**
   * Samples whose attributes lie nearest in latent space, among those that have most attributes in common.
   * @throws UserError UNKNOWN_ATTRIBUTE, BAD_USER_INPUT
   */
  async nearest(names: readonly string[], first: number): Promise<{ sample: StoredSample; distance: number }[]> {
    const attributes = indices(names, 'attributes', SUGGESTION_LIMITS.given);
    whole(first, 'first', SUGGESTION_LIMITS.first);
    const rows = this.mostAlike(attributes, NEAREST_CANDIDATES);
    const { lists } = this.live.current;
    const candidates = rows.map((row) => [...lists.of(row)]);
    const distances = await asked(this.models.distances(attributes, candidates));
    const nearest = rows
      .map((row, at) => ({ row, distance: distances[at]! }))
      .sort((a, b) => a.distance - b.distance || a.row - b.row)
      .slice(0, first);
    const stored = await this.samples.listBySeq(nearest.map(({ row }) => row));
    const bySeq = new Map(stored.map((sample) => [sample.seq, sample]));
    return nearest.flatMap(({ row, distance }) => {
      const sample = bySeq.get(row);
      return sample ? [{ sample, distance: Math.round(distance * 1_000) / 1_000 }] : [];
    });
  }

  private async judged(lists: readonly (readonly number[])[]): Promise<Combination[]> {
    const judgements = await asked(this.models.plausibility(lists));
    return lists.map((attributes, at) => ({ attributes, ...judgements[at]! }));
  }

  /** Rows that share most with the attributes, by Jaccard similarity. */
  private mostAlike(attributes: readonly number[], count: number): number[] {
    const index = this.live.current;
    const live = index.live();
    const shared = new Map<number, number>();
    for (const attribute of attributes) {
      for (const row of index.attributes[attribute]!.clone().intersect(live).rows()) {
        shared.set(row, (shared.get(row) ?? 0) + 1);
      }
    }
    return [...shared]
      .map(([row, common]) => ({ row, alike: common / (attributes.length + index.lists.of(row).length - common) }))
      .sort((a, b) => b.alike - a.alike || a.row - b.row)
      .slice(0, count)
      .map(({ row }) => row);
  }
}

export interface SuggestionSpec {
  readonly attributes: readonly string[];
  readonly without?: readonly string[] | null;
  readonly first?: number | null;
  readonly seed?: number | null;
  readonly temperature?: number | null;
  readonly threshold?: number | null;
  readonly count?: number | null;
}

/** A combination and what the model thinks of it. */
export interface Combination extends Plausibility {
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
}

/** Ranges, both ends included. */
export const SUGGESTION_LIMITS = {
  given: [1, 50],
  judged: [2, 50],
  first: [1, 100],
  count: [1, 50],
  steps: [1, 50],
  temperature: [0.1, 3],
  threshold: [0.01, 0.99],
} as const;

export const SUGGESTION_DEFAULTS = { first: 3, seed: 0, temperature: 1, steps: 3, nearest: 10 } as const;

/** Beyond the most alike, none was among the nearest. */
const NEAREST_CANDIDATES = 1_000;

/** @throws UserError MODEL_UNAVAILABLE where the model cannot answer */
async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UserError('MODEL_UNAVAILABLE', error.message, {}, { cause: error });
  }
}

function indices(names: readonly string[], field: string, [least, most]: readonly [number, number]): number[] {
  const found = new Set(names.map((name) => attributeOf(name, field)));
  if (found.size < least || found.size > most) {
    throw badInput(field, `has ${found.size} attributes; there must be ${least} to ${most}`);
  }
  return [...found].sort((a, b) => a - b);
}

function inRange(value: number, field: string, [least, most]: readonly [number, number]): void {
  if (!(value >= least && value <= most)) throw badInput(field, `is ${value}; it must be from ${least} to ${most}`);
}

function whole(value: number, field: string, range: readonly [number, number]): void {
  if (!Number.isInteger(value)) throw badInput(field, `is ${value}; it must be a whole number`);
  inRange(value, field, range);
}

function badInput(field: string, problem: string): UserError {
  return new UserError('BAD_USER_INPUT', `${field} ${problem}.`, { field });
}
