import { createHash } from 'node:crypto';
import { CONCEPTS, conceptListFingerprintInput } from '../concepts/concepts';
import type { Diagnostics } from '../concepts/sets/diagnostics';
import type { Exclusion, SideCounts, Strategy } from '../concepts/sets/request';
import { ATTRIBUTES } from '../concepts/taxonomy';
import type { SampleFilterSpec } from './sample-catalog';
import { base32 } from './sample-identity';

/**
 * A concept set as it is answered, frozen and exported: samples by id, concepts and attributes by name, so that it
 * says the same in every installation and after the concept list has changed.
 */
export interface ConceptSetContent {
  readonly input: ConceptSetInput;
  readonly dataVersion: number;
  /** `SELECTION_VERSION` of the program that selected it. */
  readonly selectionVersion: number;
  /** Digest of the concept list and lexicon by which it was selected. */
  readonly conceptListSha256: string;
  /** Sample ids, in the order of the seed. */
  readonly positives: readonly string[];
  readonly negatives: readonly string[];
  readonly pairs: readonly PairContent[];
  readonly randomSets: readonly (readonly string[])[];
  readonly randomSetsAreDisjoint: boolean;
  /** Fold of each positive and of each negative, from 0; null where no folds were asked for. */
  readonly folds: { readonly positives: readonly number[]; readonly negatives: readonly number[] } | null;
  readonly considered: SideCounts;
  readonly available: SideCounts;
  readonly exclusions: readonly Exclusion[];
  readonly diagnostics: NamedDiagnostics;
}

export interface PairContent {
  readonly positive: string;
  readonly negative: string;
  /** Names of the other attributes that only one of the two carries. */
  readonly differing: readonly string[];
}

/** `Diagnostics` with the names of attributes. */
export interface NamedDiagnostics {
  readonly contamination: Diagnostics['contamination'];
  readonly balance: Omit<Diagnostics['balance'], 'attributes'> & {
    readonly attributes: readonly (Omit<Diagnostics['balance']['attributes'][number], 'attribute'> & {
      readonly attribute: string;
    })[];
  };
}

/** What the positives have: one of the three. */
export interface TargetSpec {
  readonly concept?: string | null;
  readonly attribute?: string | null;
  readonly filter?: SampleFilterSpec | null;
}

/** An input with every default filled in: what was answered, and what a set's id is made from. */
export interface ConceptSetInput {
  readonly target: TargetSpec;
  readonly against: TargetSpec | null;
  readonly scope: SampleFilterSpec | null;
  readonly positives: number;
  readonly negatives: number;
  readonly randomSets: number;
  readonly randomSetSize: number;
  readonly strategy: Strategy;
  readonly seed: number;
  readonly captionConfirms: boolean;
  readonly folds: number;
}

const FORMAT = 'conceptcaps-concept-set-1';
/** 80 bits: short enough to cite, and no two sets of a world of them are likely to share one. */
const ID_LENGTH = 16;

/** `cs_` and a digest of what was asked and which samples were answered: the same set has the same id everywhere. */
export function conceptSetIdOf(content: ConceptSetContent): string {
  const canonical = JSON.stringify([
    FORMAT,
    sortKeys(content.input),
    content.dataVersion,
    content.selectionVersion,
    content.conceptListSha256,
    content.positives,
    content.negatives,
    content.pairs.map(({ positive, negative }) => [positive, negative]),
    content.randomSets,
    content.folds && [content.folds.positives, content.folds.negatives],
  ]);
  return `cs_${base32(createHash('sha256').update(canonical).digest(), ID_LENGTH)}`;
}

export function isConceptSetId(text: string): boolean {
  return /^cs_[0-9a-hjkmnp-tv-z]{16}$/.test(text);
}

export const CONCEPT_LIST_SHA256 = createHash('sha256').update(conceptListFingerprintInput()).digest('hex');

/** What a set is about, in words, for manifests. */
export function describeTarget({ concept, attribute, filter }: TargetSpec): string {
  if (concept != null) return concept;
  if (attribute != null) return `attribute ${attribute}`;
  return `filter ${JSON.stringify(sortKeys(filter))}`;
}

export function nameDiagnostics({ contamination, balance }: Diagnostics): NamedDiagnostics {
  return {
    contamination,
    balance: {
      ...balance,
      attributes: balance.attributes.map((line) => ({ ...line, attribute: ATTRIBUTES[line.attribute]!.name })),
    },
  };
}

/** Names in the spelling of the lists, so that "Piano" and "piano" are one input. */
export const conceptName = (index: number): string => CONCEPTS[index]!.name;
export const attributeName = (index: number): string => ATTRIBUTES[index]!.name;

/** The value with the keys of all objects in order and without those that say nothing: equal inputs, equal text. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null && item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sortKeys(item)]),
  );
}
