import { Separation, tokenise, type Token } from './caption-tokens';
import type { ConceptDefinition } from './concept';
import { expandPhrase, type PhraseSequence } from './lexicon-notation';
import { CUES, denialEnd, denialStart, isHarmlessWithout } from './negation';
import { findAttribute } from './taxonomy';

/**
 * Finds which concepts a caption mentions. Phrases are written in the notation of `lexicon-notation.ts` and compiled
 * once into a tree by words; a caption is walked once.
 *
 * Rules, in this order:
 * 1. A match that lies inside a longer match without gaps does not count: "bass drum" is no bass. A decoy is a match
 *    that mentions nothing and also silences what spans the same words.
 * 2. "Guitar-like" and "guitar-esque" are no guitar; of a style they tell an influence: "gospel-like" is gospel.
 * 3. What a caption denies (`negation.ts`) is not mentioned; an absence concept of it is.
 * 4. Who mentions a concept mentions every broader one.
 *
 * What lives here: matching. What must not: the phrases themselves, which are data in `concept-list.ts`.
 */
export interface Mention {
  /** Position of the concept in the definitions. Broader concepts have no mention of their own. */
  readonly concept: number;
  /** Offsets in the caption, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** The caption's own words. */
  readonly phrase: string;
}

export interface Lexicon {
  /** Every mention, in the order of the caption. */
  mentionsOf(caption: string): readonly Mention[];
  /** Concepts mentioned, broader ones included, ascending and without repeats. */
  mentionedConcepts(caption: string): number[];
}

/** Raise it when the same phrases would match differently. */
export const LEXICON_VERSION = 1;

/** Words that no phrase exceeds, context and gaps included. */
const LONGEST_PHRASE = 16;

type CueKind = keyof typeof CUES;

interface Leaf {
  readonly concepts: number[];
  isDecoy: boolean;
  cue: CueKind | null;
  readonly contextBefore: number;
  readonly contextAfter: number;
}

interface Node {
  readonly next: Map<string, Node>;
  /** Continuations after up to `max` words in between. */
  readonly gaps: { readonly max: number; readonly node: Node }[];
  readonly leaves: Leaf[];
}

/** Token positions, end exclusive, context left out. */
interface Match {
  readonly from: number;
  readonly to: number;
  readonly leaf: Leaf;
  readonly hasGap: boolean;
}

/** Words that no gap may hold: what follows them belongs to something else. */
const GAP_STOPS = new Set(
  (
    'and or nor but with without over under above beneath by from to in into on onto of for as at while amidst amid ' +
    'against alongside before after through that which who is are the a an'
  ).split(' '),
);

/**
 * @param definitions in the order that gives concepts their indices
 * @param decoys phrases that mention nothing
 * @throws Error for a phrase that is not in the notation, or an unknown name in `includes` or `absenceOf`
 */
export function compileLexicon(definitions: readonly ConceptDefinition[], decoys: readonly string[]): Lexicon {
  const root = newNode();
  definitions.forEach(({ lexicon }, concept) => {
    for (const phrase of lexicon) addPhrase(root, phrase, (leaf) => leaf.concepts.push(concept));
  });
  for (const phrase of decoys) addPhrase(root, phrase, (leaf) => (leaf.isDecoy = true));
  const lexiconWords = new Set(root.next.keys());
  for (const [kind, phrases] of Object.entries(CUES)) {
    for (const phrase of phrases) addPhrase(root, phrase, (leaf) => (leaf.cue = kind as CueKind));
  }
  const broader = broaderConcepts(definitions);
  const absences = absenceConcepts(definitions);
  const isStyle = definitions.map(({ attributes }) =>
    attributes.some((attribute) => findAttribute(attribute)?.category === 'genre'),
  );
  const isLexiconWord = (word: string) => lexiconWords.has(word);

  function mentionsOf(caption: string): Mention[] {
    const tokens = tokenise(caption);
    const mentions: Mention[] = [];
    const add = (concept: number, from: number, to: number) => {
      const start = tokens[from]!.start;
      const end = tokens[to - 1]!.end;
      mentions.push({ concept, start, end, phrase: caption.slice(start, end) });
    };
    const { matches, cues } = findMatches(root, tokens);
    const denials = byToken(denialsOf(cues, tokens, isLexiconWord));
    for (const { from, to, leaf } of matches) {
      const denial = denialOf(denials, tokens, from, to);
      for (const concept of leaf.concepts) {
        if (isComparison(tokens, to) && !isStyle[concept]) continue;
        if (denial === null) add(concept, from, to);
        else if (denial.isAbsence) {
          for (const absence of absences.get(concept) ?? []) {
            add(absence, Math.min(denial.cueFrom, from), Math.max(denial.cueTo, to));
          }
        }
      }
    }
    return mentions.sort((a, b) => a.start - b.start || a.end - b.end || a.concept - b.concept);
  }

  function mentionedConcepts(caption: string): number[] {
    const found = new Set<number>();
    for (const { concept } of mentionsOf(caption)) for (const index of broader[concept]!) found.add(index);
    return [...found].sort((a, b) => a - b);
  }

  return { mentionsOf, mentionedConcepts };
}

function newNode(): Node {
  return { next: new Map(), gaps: [], leaves: [] };
}

function addPhrase(root: Node, phrase: string, mark: (leaf: Leaf) => void): void {
  for (const sequence of expandPhrase(phrase)) mark(leafOf(root, sequence));
}

function leafOf(root: Node, { words, gaps, contextBefore, contextAfter }: PhraseSequence): Leaf {
  let node = root;
  words.forEach((word, at) => {
    const max = gaps[at]!;
    if (max > 0) {
      let gap = node.gaps.find((known) => known.max === max);
      if (!gap) node.gaps.push((gap = { max, node: newNode() }));
      node = gap.node;
    }
    let next = node.next.get(word);
    if (!next) node.next.set(word, (next = newNode()));
    node = next;
  });
  let leaf = node.leaves.find((known) => known.contextBefore === contextBefore && known.contextAfter === contextAfter);
  if (!leaf) node.leaves.push((leaf = { concepts: [], isDecoy: false, cue: null, contextBefore, contextAfter }));
  return leaf;
}

/** Concept matches that no longer match or decoy silences, and the denying cues. */
function findMatches(root: Node, tokens: readonly Token[]): { matches: Match[]; cues: Match[] } {
  const found: Match[] = [];
  for (let at = 0; at < tokens.length; at++) {
    const node = root.next.get(tokens[at]!.word);
    if (node) walk(node, tokens, at, at + 1, false, found);
  }
  const matches = found.filter(
    (match, at) => match.leaf.concepts.length > 0 && !match.leaf.isDecoy && !isSilenced(found, match, at),
  );
  return { matches, cues: found.filter((match) => match.leaf.cue !== null) };
}

function walk(node: Node, tokens: readonly Token[], first: number, at: number, hasGap: boolean, found: Match[]): void {
  for (const leaf of node.leaves) {
    found.push({ from: first + leaf.contextBefore, to: at - leaf.contextAfter, leaf, hasGap });
  }
  if (at >= tokens.length) return;
  if (node.next.size > 0 && tokens[at]!.separation < Separation.Comma) {
    const next = node.next.get(tokens[at]!.word);
    if (next) walk(next, tokens, first, at + 1, hasGap, found);
  }
  for (const gap of node.gaps) {
    for (let skipped = 0; skipped <= gap.max && at + skipped < tokens.length; skipped++) {
      const token = tokens[at + skipped]!;
      if (token.separation === Separation.Stop) break;
      const next = gap.node.next.get(token.word);
      if (next) walk(next, tokens, first, at + skipped + 1, hasGap || skipped > 0, found);
      if (GAP_STOPS.has(token.word)) break;
    }
  }
}

/** Looks only at neighbours, so that a long text takes no more than linear time. `found` is in the order of the text. */
function isSilenced(found: readonly Match[], match: Match, at: number): boolean {
  for (let other = at - 1; other >= 0 && found[other]!.from > match.from - LONGEST_PHRASE; other--) {
    if (silences(found[other]!, match)) return true;
  }
  for (let other = at + 1; other < found.length && found[other]!.from < match.from + LONGEST_PHRASE; other++) {
    if (silences(found[other]!, match)) return true;
  }
  return false;
}

function silences(other: Match, match: Match): boolean {
  if (other.hasGap || (other.leaf.concepts.length === 0 && !other.leaf.isDecoy)) return false;
  if (other.from > match.from || other.to < match.to) return false;
  return other.leaf.isDecoy || other.to - other.from > match.to - match.from;
}

/** "guitar-like", "flute-esque". */
function isComparison(tokens: readonly Token[], to: number): boolean {
  const next = tokens[to];
  return next?.separation === Separation.Hyphen && (next.word === 'like' || next.word === 'esque');
}

interface Denial {
  /** What it reaches, in token positions. */
  readonly from: number;
  readonly to: number;
  readonly cueFrom: number;
  readonly cueTo: number;
  /** Says that it is absent, not only that something else stands in its place. */
  readonly isAbsence: boolean;
}

function denialsOf(
  cues: readonly Match[],
  tokens: readonly Token[],
  isLexiconWord: (word: string) => boolean,
): Denial[] {
  const ends = new Map<number, number>();
  for (const { from, to } of cues) ends.set(from, Math.max(to, ends.get(from) ?? 0));
  const longest = cues.filter(({ from, to }) => ends.get(from) === to);
  return longest.flatMap(({ from: cueFrom, to: cueTo, leaf }) => {
    switch (leaf.cue) {
      case 'denies':
      case 'replaces':
        if (isHarmlessWithout(tokens, cueFrom, cueTo, isLexiconWord)) return [];
        return {
          from: cueTo,
          to: denialEnd(tokens, cueTo, isLexiconWord),
          cueFrom,
          cueTo,
          isAbsence: leaf.cue === 'denies',
        };
      case 'deniesBefore':
        return { from: denialStart(tokens, cueFrom), to: cueFrom, cueFrom, cueTo, isAbsence: true };
      case 'affirms':
      case null:
        return [];
    }
  });
}

function byToken(denials: readonly Denial[]): Map<number, Denial> {
  const byPosition = new Map<number, Denial>();
  for (const denial of denials) {
    for (let at = denial.from; at < denial.to; at++) if (!byPosition.has(at)) byPosition.set(at, denial);
  }
  return byPosition;
}

function denialOf(
  denials: ReadonlyMap<number, Denial>,
  tokens: readonly Token[],
  from: number,
  to: number,
): Denial | null {
  const next = tokens[to];
  if (next?.separation === Separation.Hyphen && (next.word === 'free' || next.word === 'less')) {
    return { from, to, cueFrom: from, cueTo: to + 1, isAbsence: true };
  }
  const previous = tokens[from - 1];
  if (previous?.word === 'non' && tokens[from]!.separation === Separation.Hyphen) {
    return { from, to, cueFrom: from - 1, cueTo: to, isAbsence: true };
  }
  return denials.get(from) ?? null;
}

/** For every concept: itself and all that include it, directly or not. */
function broaderConcepts(definitions: readonly ConceptDefinition[]): number[][] {
  const indexOf = namesToIndices(definitions);
  const parents: number[][] = definitions.map(() => []);
  definitions.forEach(({ includes = [] }, index) => {
    for (const name of includes) parents[indexOf(name)]!.push(index);
  });
  return definitions.map((_, index) => {
    const reached = new Set([index]);
    for (const concept of reached) for (const parent of parents[concept]!) reached.add(parent);
    return [...reached];
  });
}

function absenceConcepts(definitions: readonly ConceptDefinition[]): Map<number, number[]> {
  const indexOf = namesToIndices(definitions);
  const absences = new Map<number, number[]>();
  definitions.forEach(({ absenceOf = [] }, index) => {
    for (const name of absenceOf) absences.set(indexOf(name), [...(absences.get(indexOf(name)) ?? []), index]);
  });
  return absences;
}

function namesToIndices(definitions: readonly ConceptDefinition[]): (name: string) => number {
  const indices = new Map(definitions.map(({ name }, index) => [name, index]));
  return (name) => {
    const index = indices.get(name);
    if (index === undefined) throw new Error(`the concept list has no concept "${name}"`);
    return index;
  };
}
