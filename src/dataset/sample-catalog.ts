import { BitSet } from '../concepts/bit-set';
import { CONCEPTS, findConcept, nearestNames } from '../concepts/concepts';
import { countAttributes, matchingRows, type AllAnyNone, type SampleCondition } from '../concepts/sample-filter';
import { ATTRIBUTES, findAttribute, type Category } from '../concepts/taxonomy';
import { UserError } from '../platform/errors';
import type { LiveIndex } from './live-index';
import { CaptionSearch, type SampleRepository, type StoredSample, type StoredSource } from './sample-repository';
import type { Origin } from './sample-writer';

/**
 * Answers sample filters: names and texts are resolved, the index finds the rows, PostgreSQL gives their content.
 */

/** A filter as a person writes it. All conditions given hold at once; an empty filter matches every sample. */
export interface SampleFilterSpec {
  readonly attributes?: NameSets | null;
  readonly categories?: Partial<AllAnyNone<Category>> | null;
  readonly concepts?: NameSets | null;
  readonly carries?: NameSets | null;
  readonly mentions?: NameSets | null;
  readonly text?: string | null;
  readonly sourceIds?: readonly string[] | null;
  readonly splits?: readonly string[] | null;
  readonly origins?: readonly Origin[] | null;
  readonly sources?: readonly string[] | null;
  readonly hasAudio?: boolean | null;
  readonly and?: readonly SampleFilterSpec[] | null;
  readonly or?: readonly SampleFilterSpec[] | null;
  readonly not?: SampleFilterSpec | null;
}

export interface NameSets {
  readonly all?: readonly string[] | null;
  readonly any?: readonly string[] | null;
  readonly none?: readonly string[] | null;
}

/** The samples that match a filter, as they were when it was answered. */
export interface SampleMatches {
  readonly rows: BitSet;
  /** Data version that was asked. */
  readonly version: number;
}

/** A stretch of row numbers, read from one end. */
export interface SampleWindow {
  readonly direction: 'forward' | 'backward';
  readonly limit: number;
  /** Exclusive bound: rows after it (forward) or before it (backward). */
  readonly from: number;
  /** Exclusive bound on the other side, where there is one. */
  readonly until: number | null;
}

const MAX_CONDITIONS = 100;
const MAX_DEPTH = 10;
const MAX_TEXT_LENGTH = 500;
const MAX_NAMES = 200;
const MAX_SOURCE_IDS = 1_000;

export class SampleCatalog {
  private readonly captions: CaptionSearch;

  constructor(
    private readonly samples: SampleRepository,
    private readonly live: LiveIndex,
  ) {
    this.captions = new CaptionSearch(samples);
  }

  /** @throws UserError where a name is unknown or the filter is out of bounds; `field` is the path within the filter */
  async match(filter: SampleFilterSpec | null | undefined): Promise<SampleMatches> {
    // Texts are looked up in the samples of now: what is added meanwhile is not part of the answer.
    const { version } = this.live.current;
    const condition = await this.condition(filter, 'filter');
    return { rows: matchingRows(this.live.current.at(version), condition), version };
  }

  /**
   * What a filter means, with names resolved and texts searched among the samples of now.
   * @param field where the filter stands, for error messages
   */
  condition(filter: SampleFilterSpec | null | undefined, field: string): Promise<SampleCondition> {
    return this.resolve(filter ?? {}, field, 1, { conditions: 0, size: this.live.current.size });
  }

  /** Matching samples after (ascending) or before (descending) a row number, and whether there are more that way. */
  async page(
    matches: SampleMatches,
    { direction, limit, from, until }: SampleWindow,
  ): Promise<{ readonly samples: StoredSample[]; readonly hasMore: boolean }> {
    const next =
      direction === 'forward' ? matches.rows.rowsAfter(from, limit + 1) : matches.rows.rowsBefore(from, limit + 1);
    const seqs = until === null ? next : next.filter((seq) => (direction === 'forward' ? seq < until : seq > until));
    const hasMore = seqs.length > limit;
    return { samples: await this.samples.listBySeq(seqs.slice(0, limit)), hasMore };
  }

  /** How many of the matching samples carry each attribute, most frequent first, those with none left out. */
  facets(matches: SampleMatches, category?: Category | null): { attribute: number; count: number }[] {
    return countAttributes(this.live.current, matches.rows)
      .map((count, attribute) => ({ attribute, count }))
      .filter(({ attribute, count }) => count > 0 && (!category || ATTRIBUTES[attribute]!.category === category))
      .sort((a, b) => b.count - a.count || a.attribute - b.attribute);
  }

  private async resolve(
    spec: SampleFilterSpec,
    field: string,
    depth: number,
    budget: { conditions: number; readonly size: number },
  ): Promise<SampleCondition> {
    if (depth > MAX_DEPTH) throw badInput(field, `is nested deeper than ${MAX_DEPTH} levels`);
    if (++budget.conditions > MAX_CONDITIONS) throw badInput(field, `has more than ${MAX_CONDITIONS} conditions`);

    const conditions: SampleCondition[] = [];
    const nested = (part: SampleFilterSpec, name: string) => this.resolve(part, `${field}.${name}`, depth + 1, budget);

    if (spec.attributes) {
      conditions.push({
        kind: 'attributes',
        sets: namesToIndices(spec.attributes, `${field}.attributes`, attributeOf),
      });
    }
    for (const kind of ['concepts', 'carries', 'mentions'] as const) {
      const names = spec[kind];
      if (names) conditions.push({ kind, sets: namesToIndices(names, `${field}.${kind}`, conceptOf) });
    }
    if (spec.categories) {
      const { all, any, none } = spec.categories;
      conditions.push({ kind: 'categories', sets: { all: all ?? [], any: any ?? null, none: none ?? [] } });
    }
    if (spec.splits) conditions.push({ kind: 'splits', names: this.knownSplits(spec.splits, `${field}.splits`) });
    if (spec.origins || spec.sources) conditions.push(...(await this.sourceConditions(spec, field)));
    if (spec.hasAudio != null) conditions.push({ kind: 'hasAudio', value: spec.hasAudio });
    if (spec.sourceIds) {
      if (spec.sourceIds.length > MAX_SOURCE_IDS) {
        throw badInput(`${field}.sourceIds`, `has more than ${MAX_SOURCE_IDS} ids`);
      }
      // PostgreSQL takes no text with a zero character, so no id has one.
      const ids = spec.sourceIds.filter((id) => !id.includes('\0'));
      conditions.push({ kind: 'rows', rows: BitSet.of(await this.samples.seqsOfSourceIds(ids)) });
    }
    if (spec.text != null) {
      conditions.push({ kind: 'rows', rows: await this.rowsOfText(spec.text, `${field}.text`, budget.size) });
    }
    for (const [i, part] of (spec.and ?? []).entries()) conditions.push(await nested(part, `and[${i}]`));
    if (spec.or) {
      const parts: SampleCondition[] = [];
      for (const [i, part] of spec.or.entries()) parts.push(await nested(part, `or[${i}]`));
      conditions.push({ kind: 'or', conditions: parts });
    }
    if (spec.not) conditions.push({ kind: 'not', condition: await nested(spec.not, 'not') });
    return { kind: 'and', conditions };
  }

  private async rowsOfText(text: string, field: string, size: number): Promise<BitSet> {
    if (text.length > MAX_TEXT_LENGTH) throw badInput(field, `is longer than ${MAX_TEXT_LENGTH} characters`);
    const rows = text.includes('\0') ? null : await this.captions.search(text, size);
    if (!rows) throw badInput(field, `"${text}" holds no word to search for (words such as "the" are not indexed)`);
    return rows;
  }

  private knownSplits(names: readonly string[], field: string): readonly string[] {
    const known = [...this.live.current.splits.keys()];
    for (const name of names) {
      if (!known.includes(name)) {
        throw new UserError(
          'UNKNOWN_SPLIT',
          `${field}: no sample has the split "${name.slice(0, 100)}". There is: ${known.join(', ') || 'none yet'}.`,
          { field, suggestions: known },
        );
      }
    }
    return names;
  }

  private async sourceConditions(spec: SampleFilterSpec, field: string): Promise<SampleCondition[]> {
    const sources = await this.samples.listSources();
    const idsWhere = (holds: (source: StoredSource) => boolean) => sources.filter(holds).map(({ id }) => id);
    const conditions: SampleCondition[] = [];
    const { origins, sources: names } = spec;
    if (origins) conditions.push({ kind: 'sources', sources: idsWhere(({ origin }) => origins.includes(origin)) });
    if (names) {
      const known = sources.map(({ name }) => name);
      const unknown = names.find((name) => !known.includes(name));
      if (unknown !== undefined) {
        throw new UserError(
          'UNKNOWN_SOURCE',
          `${field}.sources: there is no source "${unknown.slice(0, 100)}". There is: ${known.join(', ') || 'none yet'}.`,
          { field: `${field}.sources`, suggestions: known },
        );
      }
      conditions.push({ kind: 'sources', sources: idsWhere(({ name }) => names.includes(name)) });
    }
    return conditions;
  }
}

function namesToIndices(
  names: NameSets,
  field: string,
  indexOf: (name: string, field: string) => number,
): AllAnyNone<number> {
  const indices = (list: readonly string[], part: string) => {
    if (list.length > MAX_NAMES) throw badInput(`${field}.${part}`, `has more than ${MAX_NAMES} names`);
    return list.map((name) => indexOf(name, `${field}.${part}`));
  };
  return {
    all: indices(names.all ?? [], 'all'),
    any: names.any ? indices(names.any, 'any') : null,
    none: indices(names.none ?? [], 'none'),
  };
}

/** @throws UserError UNKNOWN_ATTRIBUTE with the nearest names */
export function attributeOf(name: string, field: string): number {
  const attribute = findAttribute(name);
  if (attribute) return attribute.index;
  const suggestions = nearestNames(
    name,
    ATTRIBUTES.map((known) => known.name),
    3,
  );
  throw new UserError(
    'UNKNOWN_ATTRIBUTE',
    `${field}: there is no attribute "${name.slice(0, 100)}" in the taxonomy. ${didYouMean(suggestions)}`,
    { field, suggestions },
  );
}

/** @throws UserError UNKNOWN_CONCEPT with the nearest names */
export function conceptOf(name: string, field: string): number {
  const concept = findConcept(name);
  if (concept) return concept.index;
  const suggestions = nearestNames(
    name,
    CONCEPTS.map((known) => known.name),
    3,
  );
  throw new UserError(
    'UNKNOWN_CONCEPT',
    `${field}: there is no concept "${name.slice(0, 100)}" in the curated list. ${didYouMean(suggestions)}`,
    { field, suggestions },
  );
}

function didYouMean(suggestions: readonly string[]): string {
  return suggestions.length > 0 ? `Did you mean ${suggestions.map((name) => `"${name}"`).join(', ')}?` : '';
}

function badInput(field: string, problem: string): UserError {
  return new UserError('BAD_USER_INPUT', `${field} ${problem}.`, { field });
}
