import { carriedConcepts, CONCEPTS } from '../concepts';
import type { SampleCondition } from '../sample-filter';
import { ATTRIBUTES } from '../taxonomy';
import { conceptsOf } from './bounds';
import type { Target } from './request';

/** Why no set can exist whatever the data, in words for the user; null where nothing speaks against it. */
export function scopeConflict(target: Target, scope: SampleCondition): string | null {
  if (target.kind === 'filter') return null;
  const name = target.kind === 'concept' ? CONCEPTS[target.concept]!.name : ATTRIBUTES[target.attribute]!.name;
  const concepts = conceptsOf(target);
  const { required, excluded } = demandsOf(scope);

  const meansTarget = (demand: Demand): boolean =>
    target.kind === 'attribute' ? demand.attribute === target.attribute : demand.concepts.includes(target.concept);
  for (const demand of required) {
    for (const concept of demand.concepts) {
      if (concepts.some((own) => CONCEPTS[own]!.contradicts.includes(concept))) {
        return `the scope requires "${demand.name}", which contradicts "${name}": no positive can exist`;
      }
    }
    if (meansTarget(demand)) return `the scope requires "${demand.name}", which is "${name}": no negative can exist`;
  }
  for (const demand of excluded) {
    const holdsTarget =
      target.kind === 'attribute'
        ? demand.attribute === target.attribute || concepts.some((own) => demand.concept === own)
        : demand.concept === target.concept || CONCEPTS[target.concept]!.includedIn.includes(demand.concept ?? -1);
    if (holdsTarget) return `the scope excludes "${demand.name}", which holds "${name}": no positive can exist`;
  }
  return null;
}

interface Demand {
  readonly name: string;
  readonly attribute: number | null;
  readonly concept: number | null;
  /** What a sample that has it carries. */
  readonly concepts: readonly number[];
}

/** What every row of the scope has, and what none has, as far as that can be read off its conjunctions. */
function demandsOf(condition: SampleCondition): { required: Demand[]; excluded: Demand[] } {
  switch (condition.kind) {
    case 'attributes':
      return demandsOfSets(condition.sets.all, condition.sets.any, condition.sets.none, (attribute) => ({
        name: ATTRIBUTES[attribute]!.name,
        attribute,
        concept: null,
        concepts: carriedConcepts([attribute]),
      }));
    case 'carries':
    case 'concepts':
      return demandsOfSets(condition.sets.all, condition.sets.any, condition.sets.none, (concept) => ({
        name: CONCEPTS[concept]!.name,
        attribute: null,
        concept,
        concepts: [concept, ...CONCEPTS[concept]!.includedIn],
      }));
    case 'and': {
      const parts = condition.conditions.map(demandsOf);
      return { required: parts.flatMap((part) => part.required), excluded: parts.flatMap((part) => part.excluded) };
    }
    case 'mentions':
    case 'or':
    case 'not':
    case 'categories':
    case 'splits':
    case 'sources':
    case 'hasAudio':
    case 'rows':
      return { required: [], excluded: [] };
  }
}

function demandsOfSets(
  all: readonly number[],
  any: readonly number[] | null,
  none: readonly number[],
  toDemand: (item: number) => Demand,
) {
  const required = [...all, ...(any?.length === 1 ? any : [])];
  return { required: required.map(toDemand), excluded: none.map(toDemand) };
}
