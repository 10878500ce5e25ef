import { BitSet } from './bit-set';
import type { ConceptIndex, IndexView } from './concept-index';
import { ATTRIBUTES, type Category } from './taxonomy';

/**
 * What a sample filter means: a tree of conditions over the index. Names are resolved and text searches answered
 * before (`rows`), so evaluation is pure and cannot fail.
 */
export type SampleCondition =
  | { readonly kind: 'attributes' | 'carries' | 'mentions' | 'concepts'; readonly sets: AllAnyNone<number> }
  | { readonly kind: 'categories'; readonly sets: AllAnyNone<Category> }
  | { readonly kind: 'splits'; readonly names: readonly string[] }
  | { readonly kind: 'sources'; readonly sources: readonly number[] }
  | { readonly kind: 'hasAudio'; readonly value: boolean }
  | { readonly kind: 'rows'; readonly rows: BitSet }
  | { readonly kind: 'and' | 'or'; readonly conditions: readonly SampleCondition[] }
  | { readonly kind: 'not'; readonly condition: SampleCondition };

/** Every one of `all`, at least one of `any` (when given), none of `none`. */
export interface AllAnyNone<T> {
  readonly all: readonly T[];
  readonly any: readonly T[] | null;
  readonly none: readonly T[];
}

/** The live rows that satisfy the condition, as a set of its own. */
export function matchingRows(view: IndexView, condition: SampleCondition): BitSet {
  return view.live.clone().intersect(evaluate(view, condition));
}

function evaluate(view: IndexView, condition: SampleCondition): BitSet {
  const { index } = view;
  switch (condition.kind) {
    case 'attributes':
      return combine(view, condition.sets, (attribute) => index.attributes[attribute]!);
    case 'carries':
      return combine(view, condition.sets, (concept) => index.carries[concept]!);
    case 'mentions':
      return combine(view, condition.sets, (concept) => index.mentions[concept]!);
    case 'concepts':
      return combine(view, condition.sets, (concept) =>
        index.carries[concept]!.clone().union(index.mentions[concept]!),
      );
    case 'categories':
      return combine(view, condition.sets, (category) => categoryRows(index, category));
    case 'splits':
      return unionOf(condition.names.map((name) => index.splits.get(name) ?? new BitSet()));
    case 'sources':
      return unionOf(condition.sources.map((source) => index.sources.get(source) ?? new BitSet()));
    case 'hasAudio':
      return condition.value ? view.withAudio : BitSet.full(view.size).subtract(view.withAudio);
    case 'rows':
      return condition.rows;
    case 'and': {
      const rows = BitSet.full(view.size);
      for (const part of condition.conditions) rows.intersect(evaluate(view, part));
      return rows;
    }
    case 'or':
      return unionOf(condition.conditions.map((part) => evaluate(view, part)));
    case 'not':
      return BitSet.full(view.size).subtract(evaluate(view, condition.condition));
  }
}

/** The rows that carry at least one attribute of the category. */
export function categoryRows(index: ConceptIndex, category: Category): BitSet {
  return unionOf(ATTRIBUTES.filter((a) => a.category === category).map((a) => index.attributes[a.index]!));
}

function combine<T>(view: IndexView, sets: AllAnyNone<T>, rowsOf: (item: T) => BitSet): BitSet {
  const rows = BitSet.full(view.size);
  for (const item of sets.all) rows.intersect(rowsOf(item));
  if (sets.any !== null) rows.intersect(unionOf(sets.any.map(rowsOf)));
  for (const item of sets.none) rows.subtract(rowsOf(item));
  return rows;
}

function unionOf(sets: readonly BitSet[]): BitSet {
  const rows = new BitSet();
  for (const set of sets) rows.union(set);
  return rows;
}

/** How many of `rows` carry each attribute, by attribute index. */
export function countAttributes(index: ConceptIndex, rows: BitSet): number[] {
  return index.attributes.map((column) => column.countIntersection(rows));
}
