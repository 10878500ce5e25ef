import { carriedConcepts, CONCEPTS } from '../concepts/concepts';
import { ATTRIBUTES } from '../concepts/taxonomy';
import { UserError } from '../platform/errors';

/** Two attributes that cannot be true of the same music, by index; null where there are none. */
export function contradictoryPair(attributes: readonly number[]): readonly [number, number] | null {
  for (const a of attributes) {
    const opposites = new Set(carriedConcepts([a]).flatMap((concept) => CONCEPTS[concept]!.contradicts));
    const b = attributes.find((other) => carriedConcepts([other]).some((concept) => opposites.has(concept)));
    if (b !== undefined) return [a, b];
  }
  return null;
}

/** @throws UserError CONTRADICTORY_ATTRIBUTES that names the pair */
export function refuseContradictions(attributes: readonly number[], field: string): void {
  const pair = contradictoryPair(attributes);
  if (!pair) return;
  const [a, b] = pair.map((attribute) => ATTRIBUTES[attribute]!.name);
  throw new UserError(
    'CONTRADICTORY_ATTRIBUTES',
    `${field}: "${a}" and "${b}" contradict each other. Leave one of them out, or allow contradictions.`,
    { field },
  );
}
