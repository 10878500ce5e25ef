import { ATTRIBUTES } from '../concepts/taxonomy';
import { contradict } from '../inference/donor-attributes';
import { UserError } from '../platform/errors';

/** @throws UserError CONTRADICTORY_ATTRIBUTES that names the first pair that cannot be true of the same music */
export function refuseContradictions(attributes: readonly number[], field: string): void {
  for (const a of attributes) {
    const b = attributes.find((other) => contradict(a, other));
    if (b === undefined) continue;
    throw new UserError(
      'CONTRADICTORY_ATTRIBUTES',
      `${field}: "${ATTRIBUTES[a]!.name}" and "${ATTRIBUTES[b]!.name}" contradict each other. Leave one of them out, or allow contradictions.`,
      { field },
    );
  }
}
