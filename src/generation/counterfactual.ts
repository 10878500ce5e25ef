import { carriedConcepts, findConcept } from '../concepts/concepts';
import { findAttribute } from '../concepts/taxonomy';
import { attributeOf, conceptOf } from '../dataset/sample-catalog';
import type { SampleRepository, StoredSample } from '../dataset/sample-repository';
import type { Provenance } from '../dataset/provenance';
import type { AudioEngine, Scored } from '../inference/stages';
import { UserError } from '../platform/errors';
import type { Recipe } from './recipe';

/** "The same pieces, with this taken away, that added, or the one for the other." */
export interface CounterfactualSpec {
  /** Ids of the samples whose pieces are taken. */
  readonly samples: readonly string[];
  /** A concept, or an attribute, by name. */
  readonly remove?: string | null;
  readonly add?: string | null;
}

export interface CounterfactualRecipe extends Recipe {
  /** Row number of the original. */
  readonly counterfactualOf: number;
}

export interface CounterfactualSources {
  readonly engine: AudioEngine;
  /** The engine's. */
  readonly score: Scored;
  readonly samples: SampleRepository;
}

const MAX_SAMPLES = 1_000;

/**
 * The recipes of counterfactuals: attributes changed as asked, seed and length those of the original, so that the same
 * engine makes the same piece but for what was changed: a slow piece made fast has no more between its beats than before.
 * @throws UserError where a sample is not there, was not made by this version of the engine, or cannot be changed so
 */
export async function counterfactualRecipes(
  spec: CounterfactualSpec,
  { engine, score, samples }: CounterfactualSources,
): Promise<CounterfactualRecipe[]> {
  const field = 'input.counterfactuals';
  if (spec.samples.length === 0 || spec.samples.length > MAX_SAMPLES) {
    throw badInput(`${field}.samples`, `must have 1 to ${MAX_SAMPLES} ids (it has ${spec.samples.length})`);
  }
  if (spec.remove == null && spec.add == null) throw badInput(field, 'needs remove, add or both');
  const isRemoved = spec.remove == null ? () => false : carries(spec.remove, `${field}.remove`);
  const added = spec.add == null ? null : attributeFor(spec.add, `${field}.add`);
  const isThere = spec.add == null ? () => false : carries(spec.add, `${field}.add`);

  const found = await samples.listByIds(spec.samples);
  const known = found.filter((sample) => sample !== null);
  const provenance = await samples.provenance(known.map(({ seq }) => seq));
  return spec.samples.map((id, i) => {
    const name = `${field}.samples[${i}]`;
    const original = found[i];
    if (!original) throw badInput(name, `there is no sample "${id.slice(0, 100)}"`);
    const made = checkOrigin(original, provenance.get(original.seq), engine, name);
    const kept = original.attributes.filter((attribute) => !isRemoved(attribute));
    if (spec.remove != null && kept.length === original.attributes.length) {
      throw badInput(name, `${id} has no "${spec.remove}" to remove`);
    }
    if (kept.some(isThere)) throw badInput(name, `${id} has "${spec.add}" already`);
    const asked = added === null ? kept : [...kept, added].sort((a, b) => a - b);
    if (asked.length === 0) throw badInput(name, `nothing is left of ${id} without "${spec.remove}"`);
    const { seed, durationSeconds } = made;
    const texture = made.texture ?? score.textureOf(original.attributes);
    return {
      asked,
      forbidden: [],
      completes: false,
      seed,
      durationSeconds,
      // What the original says is no longer so.
      caption: null,
      texture: texture === score.textureOf(asked) ? null : texture,
      counterfactualOf: original.seq,
    };
  });
}

function checkOrigin(
  { id }: StoredSample,
  provenance: Provenance | undefined,
  engine: AudioEngine,
  field: string,
): Provenance {
  if (provenance?.engine !== engine.engine) {
    throw badInput(field, `${id} was not made by ${engine.engine}, and only what an engine made it can make again`);
  }
  if (provenance.engineVersion !== engine.version) {
    throw badInput(
      field,
      `${id} was made by version ${provenance.engineVersion} of ${engine.engine}; the present version ${engine.version} would make another piece of it. Generate it anew`,
    );
  }
  return provenance;
}

/** Whether an attribute carries the concept, or is the attribute, of that name. */
function carries(name: string, field: string): (attribute: number) => boolean {
  if (findConcept(name) === null && findAttribute(name) !== null) {
    const { index } = findAttribute(name)!;
    return (attribute) => attribute === index;
  }
  const concept = conceptOf(name, field);
  return (attribute) => carriedConcepts([attribute]).includes(concept);
}

/** The attribute of that name, or else the first of the concept's. */
function attributeFor(name: string, field: string): number {
  const attribute = findAttribute(name);
  if (attribute) return attribute.index;
  const own = findConcept(name)?.attributes[0];
  return own ?? attributeOf(name, field);
}

function badInput(field: string, problem: string): UserError {
  return new UserError('BAD_USER_INPUT', `${field}: ${problem}.`, { field });
}
