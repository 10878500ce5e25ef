import type { ConceptDefinition } from './concept';
import { CONCEPT_DEFINITIONS, DECOYS } from './concept-list';
import { compileLexicon, LEXICON_VERSION, type Mention } from './lexicon';
import { expandPhrase } from './lexicon-notation';
import { CUES } from './negation';
import { ATTRIBUTES, findAttribute, normaliseName } from './taxonomy';

/**
 * The curated concepts, resolved: names are indices, and what follows from the list (attributes of narrower concepts,
 * contradictions of broader ones) is spelled out.
 */
export interface Concept {
  /** Position in the curated list. Not stable between versions of the list: cite names. */
  readonly index: number;
  readonly name: string;
  readonly description: string;
  /** Taxonomy indices, ascending; those of narrower concepts included. */
  readonly attributes: readonly number[];
  /** Lexicon phrases in the notation of `lexicon-notation.ts`. */
  readonly phrases: readonly string[];
  /** Narrower concepts, at any depth, ascending. */
  readonly includes: readonly number[];
  /** Broader concepts, at any height, ascending. */
  readonly includedIn: readonly number[];
  /** Concepts that cannot be true of the same music, ascending; symmetric, and what includes one is no exception. */
  readonly contradicts: readonly number[];
}

export type { Mention };

/** The curated list. */
export const CONCEPTS: readonly Concept[] = buildConcepts(CONCEPT_DEFINITIONS);

const BY_NAME = new Map(CONCEPTS.map((concept) => [concept.name, concept]));
const BY_ATTRIBUTE = ATTRIBUTES.map(({ index }) =>
  CONCEPTS.filter((concept) => concept.attributes.includes(index)).map((concept) => concept.index),
);
const LEXICON = compileLexicon(CONCEPT_DEFINITIONS, DECOYS);

/** The concept of that name, whatever the case and spacing, or null. */
export function findConcept(name: string): Concept | null {
  return BY_NAME.get(normaliseName(name)) ?? null;
}

/** Concepts that attributes carry, broader ones included, ascending. Unknown attribute indices carry nothing. */
export function carriedConcepts(attributeIndices: readonly number[]): number[] {
  const carried = new Set(attributeIndices.flatMap((attribute) => BY_ATTRIBUTE[attribute] ?? []));
  return [...carried].sort((a, b) => a - b);
}

/** Whether two attributes cannot be true of the same music. */
export function contradict(a: number, b: number): boolean {
  const concepts = BY_ATTRIBUTE[b] ?? [];
  return (BY_ATTRIBUTE[a] ?? []).some((concept) =>
    CONCEPTS[concept]!.contradicts.some((opposite) => concepts.includes(opposite)),
  );
}

/** Concepts that a caption mentions, broader ones included, ascending. */
export function mentionedConcepts(caption: string): number[] {
  return LEXICON.mentionedConcepts(caption);
}

/** Where in a caption concepts are mentioned. Broader concepts have no mention of their own. */
export function mentionsOf(caption: string): readonly Mention[] {
  return LEXICON.mentionsOf(caption);
}

/** Everything that decides what is carried and mentioned, as one string: hash it to see whether that has changed. */
export function conceptListFingerprintInput(): string {
  return JSON.stringify({
    lexiconVersion: LEXICON_VERSION,
    attributes: ATTRIBUTES.map(({ name }) => name),
    concepts: CONCEPT_DEFINITIONS.map((definition) => [
      definition.name,
      definition.description,
      definition.attributes,
      definition.includes ?? [],
      definition.lexicon,
      definition.contradicts ?? [],
      definition.absenceOf ?? [],
    ]),
    decoys: DECOYS,
    cues: Object.entries(CUES),
  });
}

/** Comparing takes time by the length, which whoever typed it chose; no name is as long. */
const MAX_COMPARED_LENGTH = 100;

/** The `limit` candidates nearest to what was typed, for "did you mean": beginnings and parts first, then typing errors. */
export function nearestNames(name: string, candidates: readonly string[], limit: number): string[] {
  const wanted = normaliseName(name.slice(0, MAX_COMPARED_LENGTH));
  return candidates
    .map((candidate, order) => ({ candidate, order, distance: nameDistance(wanted, normaliseName(candidate)) }))
    .sort((a, b) => a.distance - b.distance || a.order - b.order)
    .slice(0, limit)
    .map(({ candidate }) => candidate);
}

/** 0 for equal names, up to 1 for nothing in common. */
function nameDistance(wanted: string, candidate: string): number {
  if (wanted === candidate) return 0;
  const longest = Math.max(wanted.length, candidate.length, 1);
  const edits = editDistance(wanted, candidate) / longest;
  if (wanted.length < 2) return edits;
  const isPrefix = candidate.startsWith(wanted) || wanted.startsWith(candidate);
  const isPart = candidate.includes(wanted) || wanted.includes(candidate);
  return edits * (isPrefix ? 0.3 : isPart ? 0.5 : 1);
}

/** Levenshtein distance in UTF-16 units. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substitution = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/**
 * Resolves a concept list.
 * @throws Error that lists every problem of the list
 */
export function buildConcepts(definitions: readonly ConceptDefinition[]): Concept[] {
  const problems = conceptListProblems(definitions);
  if (problems.length > 0) throw new Error(`the concept list is wrong:\n${problems.join('\n')}`);

  const indices = new Map(definitions.map(({ name }, index) => [name, index]));
  const includes = definitions.map(({ name }) => ascending(narrowerNames(definitions, name), indices));
  const contradicts = definitions.map(() => new Set<number>());
  for (const [a, b] of contradictoryNames(definitions)) {
    contradicts[indices.get(a)!]!.add(indices.get(b)!);
    contradicts[indices.get(b)!]!.add(indices.get(a)!);
  }
  return definitions.map(({ name, description, lexicon }, index) => ({
    index,
    name,
    description,
    attributes: [
      ...new Set(
        [index, ...includes[index]!].flatMap((concept) =>
          definitions[concept]!.attributes.map((attribute) => findAttribute(attribute)!.index),
        ),
      ),
    ].sort((a, b) => a - b),
    phrases: lexicon,
    includes: includes[index]!,
    includedIn: includes.flatMap((narrower, broader) => (narrower.includes(index) ? [broader] : [])),
    contradicts: [...contradicts[index]!].sort((a, b) => a - b),
  }));
}

function ascending(names: Iterable<string>, indices: ReadonlyMap<string, number>): number[] {
  return [...names].map((name) => indices.get(name)!).sort((a, b) => a - b);
}

/** What is wrong with a concept list, in words; empty for a sound one. */
export function conceptListProblems(definitions: readonly ConceptDefinition[]): string[] {
  const names = new Set(definitions.map(({ name }) => name));
  const problems: string[] = [];
  definitions.forEach(({ name, attributes, includes = [], contradicts = [], absenceOf = [], lexicon }, index) => {
    const say = (problem: string) => problems.push(`${name}: ${problem}`);
    if (name !== normaliseName(name)) say('the name is not in lower case with single spaces');
    if (definitions.findIndex((other) => other.name === name) !== index) say('there are two concepts of this name');
    for (const attribute of attributes) {
      if (findAttribute(attribute) === null) say(`unknown attribute "${attribute}"`);
    }
    for (const [field, others] of Object.entries({ includes, contradicts, absenceOf })) {
      for (const other of others) if (!names.has(other)) say(`unknown concept "${other}" in ${field}`);
    }
    if (contradicts.includes(name)) say('contradicts itself');
    for (const phrase of lexicon) {
      try {
        expandPhrase(phrase);
      } catch (error) {
        say((error as Error).message);
      }
    }
  });
  if (problems.length > 0) return problems;

  for (const { name } of definitions) {
    if (narrowerNames(definitions, name).has(name)) problems.push(`${name}: includes itself by a cycle`);
  }
  if (problems.length > 0) return problems;

  for (const [a, b] of contradictoryNames(definitions)) {
    if (a === b || narrowerNames(definitions, a).has(b) || narrowerNames(definitions, b).has(a)) {
      problems.push(`${a}: contradicts ${b}, and one of them includes the other or both include the same`);
    }
  }
  return problems;
}

/** Names of all narrower concepts; the concept itself only where the list has a cycle. */
function narrowerNames(definitions: readonly ConceptDefinition[], name: string): Set<string> {
  const includesOf = new Map(definitions.map((definition) => [definition.name, definition.includes ?? []]));
  const narrower = new Set(includesOf.get(name));
  for (const found of narrower) for (const next of includesOf.get(found) ?? []) narrower.add(next);
  return narrower;
}

/** Pairs as written, and every pair of their narrower concepts: what is male vocals is vocals. */
function contradictoryNames(definitions: readonly ConceptDefinition[]): [string, string][] {
  return definitions.flatMap(({ name, contradicts = [] }) =>
    contradicts.flatMap((other) =>
      [name, ...narrowerNames(definitions, name)].flatMap((a) =>
        [other, ...narrowerNames(definitions, other)].map((b): [string, string] => [a, b]),
      ),
    ),
  );
}
