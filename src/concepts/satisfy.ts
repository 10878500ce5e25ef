import { carriedConcepts, contradict } from './concepts';
import { Random } from './random';
import type { AllAnyNone, SampleCondition } from './sample-filter';
import { ATTRIBUTES } from './taxonomy';

/**
 * From a sample filter to attributes: what a new sample has to carry, and must not, so that the filter matches it. It
 * is assumed that its caption says exactly what its attributes say, and that it has audio.
 */
export interface Demands {
  /** Taxonomy indices, ascending. Whatever else is carried beside them, `forbidden` aside, the filter matches. */
  readonly required: readonly number[];
  readonly forbidden: readonly number[];
}

/**
 * One way of satisfying all conditions, chosen by the seed where there are several ("any", "or").
 *
 * @param allowContradictions whether two required attributes may contradict each other
 * @returns null where there is none: what is asked excludes itself, or no new sample can have it (a split, a source, a
 *   source id, words of the caption)
 */
export function satisfy(
  conditions: readonly SampleCondition[],
  seed: number,
  allowContradictions = false,
): Demands | null {
  const random = new Random(seed);
  const budget = { steps: MAX_STEPS };
  const solve = (
    pending: readonly Clause[],
    required: readonly number[],
    forbidden: ReadonlySet<number>,
  ): Solution | null => {
    if (budget.steps-- <= 0) return null;
    const [clause, ...rest] = pending;
    if (!clause) return { required, forbidden };
    switch (clause.kind) {
      case 'all':
        return solve([...clause.parts, ...rest], required, forbidden);
      case 'some': {
        for (const part of shuffled(clause.parts, random)) {
          const found = solve([part, ...rest], required, forbidden);
          if (found) return found;
        }
        return null;
      }
      case 'oneOf': {
        if (clause.attributes.some((attribute) => required.includes(attribute)))
          return solve(rest, required, forbidden);
        for (const attribute of shuffled(clause.attributes, random)) {
          if (forbidden.has(attribute)) continue;
          if (!allowContradictions && required.some((other) => contradict(other, attribute))) continue;
          const found = solve(rest, [...required, attribute], forbidden);
          if (found) return found;
        }
        return null;
      }
      case 'noneOf':
        if (clause.attributes.some((attribute) => required.includes(attribute))) return null;
        return solve(rest, required, new Set([...forbidden, ...clause.attributes]));
    }
  };
  const found = solve(
    conditions.map((condition) => clauseOf(condition, true)),
    [],
    new Set(),
  );
  return found && { required: ascending(found.required), forbidden: ascending(found.forbidden) };
}

interface Solution {
  readonly required: readonly number[];
  readonly forbidden: ReadonlySet<number>;
}

/** A filter nests ten levels deep at most, but "or" in "or" multiplies. */
const MAX_STEPS = 20_000;

/** A condition with every "not" pushed down to the attributes. */
type Clause =
  | { readonly kind: 'all' | 'some'; readonly parts: readonly Clause[] }
  | { readonly kind: 'oneOf' | 'noneOf'; readonly attributes: readonly number[] };

const ALWAYS: Clause = { kind: 'all', parts: [] };
const NEVER: Clause = { kind: 'some', parts: [] };

function clauseOf(condition: SampleCondition, isWanted: boolean): Clause {
  switch (condition.kind) {
    case 'attributes':
      return setsClause(condition.sets, isWanted, (attribute) => [attribute]);
    case 'carries':
    case 'mentions':
    case 'concepts':
      return setsClause(condition.sets, isWanted, attributesThatCarry);
    case 'categories':
      return setsClause(condition.sets, isWanted, (category) =>
        ATTRIBUTES.filter((attribute) => attribute.category === category).map(({ index }) => index),
      );
    case 'hasAudio':
      return condition.value === isWanted ? ALWAYS : NEVER;
    // Nothing that is generated is in a split, or in a row that is there already.
    case 'splits':
    case 'rows':
      return isWanted ? NEVER : ALWAYS;
    // A source may be the generated one or another; asked for by itself it cannot be relied upon.
    case 'sources':
      return NEVER;
    case 'and':
    case 'or':
      return {
        kind: (condition.kind === 'and') === isWanted ? 'all' : 'some',
        parts: condition.conditions.map((part) => clauseOf(part, isWanted)),
      };
    case 'not':
      return clauseOf(condition.condition, !isWanted);
  }
}

function setsClause<T>(sets: AllAnyNone<T>, isWanted: boolean, attributesOf: (item: T) => readonly number[]): Clause {
  const has = (item: T): Clause => ({ kind: isWanted ? 'oneOf' : 'noneOf', attributes: attributesOf(item) });
  const lacks = (item: T): Clause => ({ kind: isWanted ? 'noneOf' : 'oneOf', attributes: attributesOf(item) });
  const all = isWanted ? 'all' : 'some';
  return {
    kind: all,
    parts: [
      ...sets.all.map(has),
      ...(sets.any === null ? [] : [{ kind: isWanted ? 'some' : 'all', parts: sets.any.map(has) } as const]),
      ...sets.none.map(lacks),
    ],
  };
}

function attributesThatCarry(concept: number): number[] {
  return ATTRIBUTES.filter(({ index }) => carriedConcepts([index]).includes(concept)).map(({ index }) => index);
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

function ascending(attributes: Iterable<number>): number[] {
  return [...new Set(attributes)].sort((a, b) => a - b);
}
