import type { IndexView } from '../concepts/concept-index';
import { carriedConcepts, CONCEPTS } from '../concepts/concepts';
import { mix } from '../concepts/seeded-order';
import type { Stage } from './stages';

/**
 * Completes a partial combination of attributes with those of a sample that is there: what has been heard together is
 * plausible together. A placeholder for a learned model, and named as one.
 */
export const DONOR_ATTRIBUTES: Stage = { name: 'donor-attributes', version: '1' };

/**
 * The given attributes and those of a donor drawn by the seed that do not contradict them, nor each other; only the
 * given ones where there is no sample.
 *
 * @param given taxonomy indices; kept, whatever they are
 * @returns taxonomy indices, ascending
 */
export function completeAttributes({ index, live }: IndexView, given: readonly number[], seed: number): number[] {
  const [donor] = index.order.first(live, 1, mix(seed, DONOR_STREAM));
  const attributes = [...new Set(given)];
  for (const attribute of donor === undefined ? [] : index.lists.of(donor)) {
    if (!attributes.includes(attribute) && !attributes.some((other) => contradict(attribute, other))) {
      attributes.push(attribute);
    }
  }
  return attributes.sort((a, b) => a - b);
}

const DONOR_STREAM = 0x0d0402;

/** Whether two attributes cannot be true of the same music. */
export function contradict(a: number, b: number): boolean {
  const concepts = carriedConcepts([b]);
  return carriedConcepts([a]).some((concept) =>
    CONCEPTS[concept]!.contradicts.some((opposite) => concepts.includes(opposite)),
  );
}
