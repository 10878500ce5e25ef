import { findConcept, CONCEPTS, nearestNames } from '../concepts/concepts';
import { diagnose } from '../concepts/sets/diagnostics';
import { eligibleRows } from '../concepts/sets/eligible';
import { assignFolds, type FoldItem } from '../concepts/sets/folds';
import { SELECTION_VERSION, type ConceptSetRequest, type Strategy, type Target } from '../concepts/sets/request';
import { scopeConflict } from '../concepts/sets/scope-conflict';
import type { SampleCondition } from '../concepts/sample-filter';
import { selectConceptSet } from '../concepts/sets/select';
import { ATTRIBUTES, findAttribute } from '../concepts/taxonomy';
import type { Database } from '../platform/database';
import { UserError } from '../platform/errors';
import {
  attributeName,
  CONCEPT_LIST_SHA256,
  conceptName,
  conceptSetIdOf,
  isConceptSetId,
  nameDiagnostics,
  sortKeys,
  type ConceptSetContent,
  type ConceptSetInput,
  type TargetSpec,
} from './concept-set';
import type { LiveIndex } from './live-index';
import { attributeOf, type SampleCatalog, type SampleFilterSpec } from './sample-catalog';
import type { SampleRepository, StoredSample } from './sample-repository';

/**
 * Concept sets: what was asked is resolved and checked, the index gives the rows, PostgreSQL their content; frozen sets
 * are kept.
 */

/** What is asked, as a person writes it. */
export interface ConceptSetSpec extends TargetSpec {
  readonly against?: TargetSpec | null;
  readonly scope?: SampleFilterSpec | null;
  readonly positives?: number | null;
  readonly negatives?: number | null;
  readonly randomSets?: number | null;
  readonly randomSetSize?: number | null;
  readonly strategy?: Strategy | null;
  readonly seed?: number | null;
  readonly captionConfirms?: boolean | null;
  readonly folds?: number | null;
  readonly dataVersion?: number | null;
}

/** A set with its samples at hand. */
export interface ConceptSet {
  readonly id: string;
  readonly content: ConceptSetContent;
  /** When it was frozen; null for a set that is only answered. */
  readonly frozenAt: Date | null;
  readonly samples: ReadonlyMap<string, StoredSample>;
}

export const DEFAULTS = {
  positives: 50,
  randomSets: 0,
  strategy: 'BALANCED',
  seed: 0,
  captionConfirms: true,
  folds: 0,
} as const;

export const LIMITS = {
  positives: [1, 2_000],
  negatives: [1, 2_000],
  randomSets: [0, 500],
  randomSetSize: [1, 2_000],
  folds: [0, 20],
} as const;
/** Rows on both sides and in all random sets together. */
const MAX_ROWS = 20_000;

export class ConceptSets {
  constructor(
    private readonly db: Database,
    private readonly samples: SampleRepository,
    private readonly catalog: SampleCatalog,
    private readonly live: LiveIndex,
  ) {}

  /**
   * @throws UserError where the input is wrong; `field` is the path within the input. Too few rows are no error: the
   * set is smaller then.
   */
  async select(spec: ConceptSetSpec): Promise<ConceptSet> {
    const input = checkedInput(spec);
    // Of one version throughout, whatever is added while names and texts are looked up.
    const version = await this.knownVersion(spec.dataVersion ?? null);
    const scope = await this.catalog.condition(spec.scope, 'input.scope');
    const target = await this.resolveTarget(spec, 'input');
    const against = spec.against ? await this.resolveTarget(spec.against, 'input.against') : null;
    const conflict = scopeConflict(target, scope) ?? (against && scopeConflict(against, scope));
    if (conflict) {
      const field = 'input.scope';
      throw new UserError('CONTRADICTORY_SCOPE', `${field}: ${conflict}. Change the scope or the concept.`, { field });
    }
    const view = this.live.current.at(version);

    const request: ConceptSetRequest = { ...input, target, against, scope };
    const selection = selectConceptSet(view, request);
    const diagnostics = diagnose(view, request, selection);
    const rows = new Set([...selection.positives, ...selection.negatives, ...selection.randomSets.flat()]);
    const bySeq = new Map((await this.samples.listBySeq([...rows])).map((sample) => [sample.seq, sample]));
    const idOf = (row: number) => bySeq.get(row)!.id;
    const positives = selection.positives.map((row) => bySeq.get(row)!);
    const negatives = selection.negatives.map((row) => bySeq.get(row)!);

    const content: ConceptSetContent = {
      input: { ...input, target: nameTarget(target, spec), against: against && nameTarget(against, spec.against!) },
      dataVersion: view.version,
      selectionVersion: SELECTION_VERSION,
      conceptListSha256: CONCEPT_LIST_SHA256,
      positives: positives.map(({ id }) => id),
      negatives: negatives.map(({ id }) => id),
      pairs: selection.pairs.map(({ positive, negative, differing }) => ({
        positive: idOf(positive),
        negative: idOf(negative),
        differing: differing.map(attributeName),
      })),
      randomSets: selection.randomSets.map((set) => set.map(idOf)),
      randomSetsAreDisjoint: selection.randomSetsAreDisjoint,
      folds: input.folds > 0 ? foldsOf(positives, negatives, selection.pairs.length > 0, input.folds) : null,
      considered: selection.considered,
      available: selection.available,
      exclusions: selection.exclusions,
      diagnostics: nameDiagnostics(diagnostics),
    };
    const samples = new Map([...bySeq.values()].map((sample) => [sample.id, sample]));
    return { id: conceptSetIdOf(content), content, frozenAt: null, samples };
  }

  /** Selects and keeps the set for ever. Freezing the same set again gives the same. */
  async freeze(spec: ConceptSetSpec): Promise<ConceptSet> {
    const set = await this.select(spec);
    await this.db.query(
      `INSERT INTO concept_set (id, data_version, concept_list_sha256, content) VALUES ($1, $2, $3, $4)
       ON CONFLICT ON CONSTRAINT concept_set_pkey DO NOTHING`,
      [set.id, set.content.dataVersion, set.content.conceptListSha256, JSON.stringify(set.content)],
    );
    return (await this.frozen(set.id))!;
  }

  /** A frozen set by its id; null where there is none. */
  async frozen(id: string): Promise<ConceptSet | null> {
    if (!isConceptSetId(id)) return null;
    const { rows } = await this.db.query<{ content: ConceptSetContent; frozen_at: Date }>(
      'SELECT content, frozen_at FROM concept_set WHERE id = $1',
      [id],
    );
    const found = rows[0];
    if (!found) return null;
    const { positives, negatives, randomSets } = found.content;
    const ids = [...new Set([...positives, ...negatives, ...randomSets.flat()])];
    const samples = (await this.samples.listByIds(ids)).filter((sample) => sample !== null);
    return {
      id,
      content: found.content,
      frozenAt: found.frozen_at,
      samples: new Map(samples.map((sample) => [sample.id, sample])),
    };
  }

  /**
   * How many rows could be positives of a clean set, one a source id, and what makes a row one.
   * @param field where `concept` and `scope` stand, for error messages
   */
  async cleanPositives(
    { concept, scope }: { readonly concept: string; readonly scope?: SampleFilterSpec | null },
    field: string,
  ): Promise<{ count: number; target: NamedTarget; scope: SampleCondition; dataVersion: number }> {
    const { version } = this.live.current;
    const target = namedTarget(concept, `${field}.concept`);
    const condition = await this.catalog.condition(scope, `${field}.scope`);
    const view = this.live.current.at(version);
    const sizes = { positives: 1, negatives: 1, randomSets: 0, randomSetSize: 1 };
    const { positives } = eligibleRows(view, {
      ...DEFAULTS,
      ...sizes,
      strategy: 'CLEAN',
      target,
      against: null,
      scope: condition,
    });
    return { count: view.index.groups.count(positives), target, scope: condition, dataVersion: version };
  }

  private async resolveTarget(spec: TargetSpec, field: string): Promise<Target> {
    const given = (['concept', 'attribute', 'filter'] as const).filter((name) => spec[name] != null);
    if (given.length !== 1) {
      throw new UserError(
        'BAD_USER_INPUT',
        `${field} needs exactly one of concept, attribute and filter (it has ${given.length === 0 ? 'none' : given.join(' and ')}).`,
        { field: `${field}.${given[1] ?? 'concept'}` },
      );
    }
    if (spec.filter) return { kind: 'filter', condition: await this.catalog.condition(spec.filter, `${field}.filter`) };
    if (spec.attribute != null) {
      return { kind: 'attribute', attribute: attributeOf(spec.attribute, `${field}.attribute`) };
    }
    return namedTarget(spec.concept!, `${field}.concept`);
  }

  /** @throws UserError UNKNOWN_DATA_VERSION */
  private async knownVersion(version: number | null): Promise<number> {
    if (version === null) return this.live.current.version;
    // This replica may be a moment behind the one that told the version.
    if (version > this.live.current.version) await this.live.refresh();
    const newest = this.live.current.version;
    const unknown = (problem: string) =>
      new UserError('UNKNOWN_DATA_VERSION', `input.dataVersion: ${problem}`, { field: 'input.dataVersion' });
    if (version > newest || version < 0) {
      throw unknown(`there is no data version ${version}; the newest is ${newest}.`);
    }
    const { derivedVersion } = await this.samples.dataState();
    if (version < derivedVersion) {
      throw unknown(
        `the concept list has changed at version ${derivedVersion}, so sets of version ${version} cannot be selected any more. Sets that were frozen then are still there by their id.`,
      );
    }
    return version;
  }
}

/** @throws UserError BAD_USER_INPUT */
function checkedInput(spec: ConceptSetSpec): ConceptSetInput {
  const strategy = spec.strategy ?? DEFAULTS.strategy;
  const positives = sizeWithin('positives', spec.positives ?? DEFAULTS.positives);
  const negatives = sizeWithin('negatives', spec.negatives ?? positives);
  const randomSets = sizeWithin('randomSets', spec.randomSets ?? DEFAULTS.randomSets);
  const randomSetSize = sizeWithin('randomSetSize', spec.randomSetSize ?? negatives);
  const folds = sizeWithin('folds', spec.folds ?? DEFAULTS.folds);
  const rows = positives + negatives + randomSets * randomSetSize;
  if (rows > MAX_ROWS) {
    throw badInput('randomSets', `makes ${rows} rows with both sides; a set holds at most ${MAX_ROWS}`);
  }
  if (folds === 1) throw badInput('folds', 'must be 0 for none, or from 2 to 20 (it is 1)');
  if ((strategy === 'MATCHED' || strategy === 'COUNTERFACTUAL') && negatives !== positives) {
    throw badInput(
      'negatives',
      `must equal positives (${positives}) under ${strategy}, which gives each positive one negative; leave it out`,
    );
  }
  if (strategy === 'HARD' && (spec.filter || spec.against)) {
    throw badInput(
      'strategy',
      `HARD takes the negatives from the siblings of a concept or attribute; with ${spec.filter ? 'a filter' : 'against'} use CLEAN, MATCHED or BALANCED`,
    );
  }
  return {
    target: {},
    against: null,
    scope: spec.scope ? (sortKeys(spec.scope) as SampleFilterSpec) : null,
    positives,
    negatives,
    randomSets,
    randomSetSize,
    strategy,
    seed: spec.seed ?? DEFAULTS.seed,
    captionConfirms: spec.captionConfirms ?? DEFAULTS.captionConfirms,
    folds,
  };
}

function sizeWithin(name: keyof typeof LIMITS, value: number): number {
  const [min, max] = LIMITS[name];
  if (!Number.isInteger(value) || value < min || value > max) {
    throw badInput(name, `must be from ${min} to ${max} (it is ${value})`);
  }
  return value;
}

function badInput(name: string, problem: string): UserError {
  return new UserError('BAD_USER_INPUT', `input.${name} ${problem}.`, { field: `input.${name}` });
}

type NamedTarget = Exclude<Target, { kind: 'filter' }>;

/** A curated concept of that name, or else the attribute. */
function namedTarget(name: string, field: string): NamedTarget {
  const concept = findConcept(name);
  if (concept) return { kind: 'concept', concept: concept.index };
  const attribute = findAttribute(name);
  if (attribute) return { kind: 'attribute', attribute: attribute.index };
  const known = [...new Set([...CONCEPTS, ...ATTRIBUTES].map((one) => one.name))];
  const suggestions = nearestNames(name, known, 3);
  throw new UserError(
    'UNKNOWN_CONCEPT',
    `${field}: "${name.slice(0, 100)}" is neither a concept nor an attribute. Did you mean ${suggestions.map((near) => `"${near}"`).join(', ')}?`,
    { field, suggestions },
  );
}

function nameTarget(target: Target, spec: TargetSpec): TargetSpec {
  switch (target.kind) {
    case 'concept':
      return { concept: conceptName(target.concept) };
    case 'attribute':
      return { attribute: attributeName(target.attribute) };
    case 'filter':
      return { filter: sortKeys(spec.filter) as SampleFilterSpec };
  }
}

function foldsOf(
  positives: readonly StoredSample[],
  negatives: readonly StoredSample[],
  isPaired: boolean,
  folds: number,
): { positives: number[]; negatives: number[] } {
  const toItem =
    (side: FoldItem['side']) =>
    ({ caption, attributes }: StoredSample): FoldItem => ({ side, caption, attributes });
  const items = [...positives.map(toItem('positive')), ...negatives.map(toItem('negative'))];
  const pairs = isPaired ? positives.map((_sample, i) => [i, positives.length + i] as const) : [];
  const assigned = assignFolds(items, pairs, folds);
  return { positives: assigned.slice(0, positives.length), negatives: assigned.slice(positives.length) };
}
