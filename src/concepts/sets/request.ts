import type { SampleCondition } from '../sample-filter';

/**
 * What a concept set is asked for and what it is, in row numbers and indices. Names, ids and captions belong to the
 * layers above.
 *
 * What lives in sets/: the selection of positives and negatives for TCAV (Kim et al. 2018, "Interpretability Beyond
 * Feature Attribution: Quantitative Testing with Concept Activation Vectors") and what is said about it. What must
 * not: I/O, SQL, GraphQL, clocks, Math.random.
 */
/** Grows whenever the same request may select other rows from the same data: a part of what a set's id stands for. */
export const SELECTION_VERSION = 1;

export const STRATEGIES = ['RANDOM', 'CLEAN', 'MATCHED', 'BALANCED', 'HARD', 'COUNTERFACTUAL'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** What the positives have and the negatives have not. */
export type Target =
  | { readonly kind: 'concept'; readonly concept: number }
  | { readonly kind: 'attribute'; readonly attribute: number }
  | { readonly kind: 'filter'; readonly condition: SampleCondition };

export interface ConceptSetRequest {
  readonly target: Target;
  /** The relative form: negatives have this and not the target, positives the target and not this. */
  readonly against: Target | null;
  /** Limits both sides and the random counterparts. */
  readonly scope: SampleCondition;
  /** Wanted sizes. */
  readonly positives: number;
  readonly negatives: number;
  readonly randomSets: number;
  readonly randomSetSize: number;
  readonly strategy: Strategy;
  /** 32-bit integer. */
  readonly seed: number;
  /** Whether the caption of a positive has to mention the concept. Without effect under RANDOM. */
  readonly captionConfirms: boolean;
}

/** Why rows of the scope were left out; the first reason in this order that holds counts. */
export const EXCLUSION_REASONS = {
  CONTRADICTED: 'A positive that carries or mentions what contradicts the concept.',
  HAS_OTHER: 'A positive that may have the concept of `against` as well.',
  CAPTION_SILENT: 'A positive whose caption does not mention the concept.',
  TAGGED: 'Not a negative: it carries the attribute itself.',
  SYNONYM: 'Not a negative: it carries another attribute of the same concept.',
  MENTIONED: 'Not a negative: its caption mentions the concept.',
  MAY_MATCH: 'Not a negative: by synonyms or caption it may match the filter of the concept.',
  UNRELIABLE: 'Not a negative: what it carries and mentions contradicts itself where the concept is concerned.',
  NOT_OTHER: 'Not a negative: it does not have the concept of `against` for certain.',
  NOT_SIBLING: 'Not a negative of the strategy HARD: it carries no sibling of the concept.',
  NO_COUNTERPART: 'Under COUNTERFACTUAL: no counterfactual of it stands on the other side.',
  SAME_SOURCE: 'Another row with the same source id can stand in the set instead.',
} as const;
export type ExclusionReason = keyof typeof EXCLUSION_REASONS;
export type Side = 'POSITIVE' | 'NEGATIVE';

export interface Exclusion {
  readonly side: Side;
  readonly reason: ExclusionReason;
  readonly count: number;
}

/** A positive and the negative that stands beside it. */
export interface Pair {
  readonly positive: number;
  readonly negative: number;
  /** Other attributes that only one of the two carries. Their number is the distance that was kept small. */
  readonly differing: readonly number[];
}

export interface SideCounts {
  readonly positives: number;
  readonly negatives: number;
}

/** Rows by number, each side in the order of the seed. No source id stands in it twice. */
export interface Selection {
  readonly positives: readonly number[];
  readonly negatives: readonly number[];
  /** One for each positive under MATCHED and COUNTERFACTUAL, none otherwise. */
  readonly pairs: readonly Pair[];
  /** Each without a source id twice, and none with one of the positives'. */
  readonly randomSets: readonly (readonly number[])[];
  /** False where the scope has too few rows for random sets that share none. */
  readonly randomSetsAreDisjoint: boolean;
  /** Rows of the scope that were looked at: carriers for positives, all for negatives. */
  readonly considered: SideCounts;
  /** Rows that could stand in the set, one a source id: considered less exclusions. */
  readonly available: SideCounts;
  readonly exclusions: readonly Exclusion[];
}
