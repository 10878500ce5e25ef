import { BitSet } from '../bit-set';
import type { IndexView } from '../concept-index';
import { CONCEPTS } from '../concepts';
import { matchingRows, type AllAnyNone, type SampleCondition } from '../sample-filter';
import { ATTRIBUTES } from '../taxonomy';
import type { Target } from './request';

/**
 * What a row can be said to have. Attributes and captions disagree, so "has the concept" is three-valued: a row has it
 * for certain, or it may, or it has it not. Positives are taken from the first, clean negatives from the last.
 */
export interface Bounds {
  readonly certain: BitSet;
  /** Holds `certain`. */
  readonly possible: BitSet;
}

/** @param captionConfirms whether only a row whose caption mentions the concept has it for certain */
export function targetBounds(view: IndexView, target: Target, captionConfirms: boolean): Bounds {
  switch (target.kind) {
    case 'concept':
      return conceptBounds(view, target.concept, captionConfirms);
    case 'attribute':
      return attributeBounds(view, target.attribute, captionConfirms);
    case 'filter':
      return conditionBounds(view, target.condition, captionConfirms);
  }
}

/** Rows that have it as the data set's tags say: what is commonly taken for the positives. */
export function carriedRows(view: IndexView, target: Target): BitSet {
  switch (target.kind) {
    case 'concept':
      return view.index.carries[target.concept]!.clone();
    case 'attribute':
      return view.index.attributes[target.attribute]!.clone();
    case 'filter':
      return matchingRows(view, target.condition);
  }
}

/**
 * The one tag that a person without a concept list would filter by: the attribute of the concept's own name, or its
 * most frequent attribute. For a filter the rows that match it.
 */
export function taggedRows(view: IndexView, target: Target): BitSet {
  if (target.kind !== 'concept') return carriedRows(view, target);
  const { name, attributes } = CONCEPTS[target.concept]!;
  const namesake = attributes.find((attribute) => ATTRIBUTES[attribute]!.name === name);
  if (namesake !== undefined) return view.index.attributes[namesake]!.clone();
  let best = new BitSet();
  let bestCount = -1;
  for (const attribute of attributes) {
    const column = view.index.attributes[attribute]!;
    const count = column.countIntersection(view.live);
    if (count > bestCount) [best, bestCount] = [column, count];
  }
  return best.clone();
}

/** The concepts that a target is about: for an attribute those that hold it and no narrower one does. */
export function conceptsOf(target: Target): readonly number[] {
  switch (target.kind) {
    case 'concept':
      return [target.concept];
    case 'attribute':
      return homesOf(target.attribute);
    case 'filter':
      return [];
  }
}

/**
 * Attributes that the target itself decides about, which can therefore not be balanced: its own and their synonyms;
 * for a filter all that it names.
 */
export function ownAttributes(target: Target): Set<number> {
  switch (target.kind) {
    case 'concept':
      return new Set(CONCEPTS[target.concept]!.attributes);
    case 'attribute': {
      const [first = [], ...others] = homesOf(target.attribute).map((home) => CONCEPTS[home]!.attributes);
      const shared = first.filter((attribute) => others.every((home) => home.includes(attribute)));
      return new Set([target.attribute, ...shared]);
    }
    case 'filter':
      return new Set(namedAttributes(target.condition));
  }
}

/**
 * Attributes of the concepts that contradict the target: positives cannot carry them, so negatives that do are no
 * imbalance but part of the difference that is asked for.
 */
export function opposedAttributes(target: Target): Set<number> {
  const own = ownAttributes(target);
  const opposed = conceptsOf(target).flatMap((concept) =>
    CONCEPTS[concept]!.contradicts.flatMap((other) => CONCEPTS[other]!.attributes),
  );
  return new Set(opposed.filter((attribute) => !own.has(attribute)));
}

/** Rows that carry or mention a concept that contradicts one of these. */
export function contradictedRows(view: IndexView, concepts: readonly number[]): BitSet {
  const rows = new BitSet();
  for (const concept of concepts) {
    for (const other of CONCEPTS[concept]!.contradicts) {
      rows.union(view.index.carries[other]!).union(view.index.mentions[other]!);
    }
  }
  return rows;
}

/** Rows that say both of two things that exclude each other, where one of them contradicts one of these concepts. */
export function unreliableRows(view: IndexView, concepts: readonly number[]): BitSet {
  const rows = new BitSet();
  const seen = new Set<string>();
  for (const concept of concepts) {
    for (const opposite of CONCEPTS[concept]!.contradicts) {
      for (const other of CONCEPTS[opposite]!.contradicts) {
        const pair = opposite < other ? `${opposite} ${other}` : `${other} ${opposite}`;
        if (seen.has(pair)) continue;
        seen.add(pair);
        rows.union(saidRows(view, opposite).intersect(saidRows(view, other)));
      }
    }
  }
  return rows;
}

function saidRows(view: IndexView, concept: number): BitSet {
  return view.index.carries[concept]!.clone().union(view.index.mentions[concept]!);
}

function homesOf(attribute: number): number[] {
  const holders = CONCEPTS.filter((concept) => concept.attributes.includes(attribute));
  return holders
    .filter(({ index }) => !holders.some((narrower) => narrower.includedIn.includes(index)))
    .map(({ index }) => index);
}

function conceptBounds(view: IndexView, concept: number, captionConfirms: boolean): Bounds {
  const certain = view.index.carries[concept]!.clone().subtract(contradictedRows(view, [concept]));
  if (captionConfirms) certain.intersect(view.index.mentions[concept]!);
  return { certain, possible: saidRows(view, concept) };
}

/** An attribute may be there, unnamed, wherever everything that it means is carried or mentioned. */
function attributeBounds(view: IndexView, attribute: number, captionConfirms: boolean): Bounds {
  const homes = homesOf(attribute);
  const column = view.index.attributes[attribute]!;
  const certain = column.clone().subtract(contradictedRows(view, homes));
  const possible = BitSet.full(view.size);
  for (const home of homes) {
    if (captionConfirms) certain.intersect(view.index.mentions[home]!);
    possible.intersect(saidRows(view, home));
  }
  return { certain, possible: possible.union(column) };
}

/** Kleene's three-valued logic over the tree: `not` turns the bounds around. */
function conditionBounds(view: IndexView, condition: SampleCondition, captionConfirms: boolean): Bounds {
  const nested = (part: SampleCondition) => conditionBounds(view, part, captionConfirms);
  switch (condition.kind) {
    case 'attributes':
      return combine(view, condition.sets, (attribute) => attributeBounds(view, attribute, captionConfirms));
    case 'carries':
    case 'mentions':
    case 'concepts':
      return combine(view, condition.sets, (concept) => conceptBounds(view, concept, captionConfirms));
    case 'and':
      return all(view, condition.conditions.map(nested));
    case 'or':
      return any(condition.conditions.map(nested));
    case 'not':
      return negation(view, nested(condition.condition));
    case 'categories':
    case 'splits':
    case 'sources':
    case 'hasAudio':
    case 'rows': {
      const rows = matchingRows(view, condition);
      return { certain: rows, possible: rows };
    }
  }
}

function combine(view: IndexView, sets: AllAnyNone<number>, boundsOf: (item: number) => Bounds): Bounds {
  return all(view, [
    ...sets.all.map(boundsOf),
    ...(sets.any === null ? [] : [any(sets.any.map(boundsOf))]),
    ...sets.none.map((item) => negation(view, boundsOf(item))),
  ]);
}

function all(view: IndexView, parts: readonly Bounds[]): Bounds {
  const certain = BitSet.full(view.size);
  const possible = BitSet.full(view.size);
  for (const part of parts) {
    certain.intersect(part.certain);
    possible.intersect(part.possible);
  }
  return { certain, possible };
}

function any(parts: readonly Bounds[]): Bounds {
  const certain = new BitSet();
  const possible = new BitSet();
  for (const part of parts) {
    certain.union(part.certain);
    possible.union(part.possible);
  }
  return { certain, possible };
}

function negation(view: IndexView, { certain, possible }: Bounds): Bounds {
  return {
    certain: BitSet.full(view.size).subtract(possible),
    possible: BitSet.full(view.size).subtract(certain),
  };
}

function namedAttributes(condition: SampleCondition): number[] {
  switch (condition.kind) {
    case 'attributes':
      return named(condition.sets).flatMap((attribute) => [...ownAttributes({ kind: 'attribute', attribute })]);
    case 'carries':
    case 'mentions':
    case 'concepts':
      return named(condition.sets).flatMap((concept) => CONCEPTS[concept]!.attributes);
    case 'and':
    case 'or':
      return condition.conditions.flatMap(namedAttributes);
    case 'not':
      return namedAttributes(condition.condition);
    case 'categories':
    case 'splits':
    case 'sources':
    case 'hasAudio':
    case 'rows':
      return [];
  }
}

function named<T>({ all, any, none }: AllAnyNone<T>): T[] {
  return [...all, ...(any ?? []), ...none];
}
