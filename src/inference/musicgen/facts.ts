import { CONCEPTS, carriedConcepts } from '../../concepts/concepts';
import { ATTRIBUTES } from '../../concepts/taxonomy';
import type { EngineFacts, Shortcoming } from '../stages';

/** Attributes that ask for a voice. */
const VOCAL: readonly Shortcoming[] = ATTRIBUTES.filter(({ index }) =>
  carriedConcepts([index]).some((concept) => CONCEPTS[concept]!.name === 'vocals'),
).map(({ name }) => ({
  attribute: name,
  reason: 'it was trained on music without voices, and makes none that sounds real (its model card)',
}));

/** What is known of MusicGen also where its model is not. */
export const MUSICGEN_FACTS: EngineFacts = {
  engine: 'MUSICGEN',
  name: 'musicgen',
  description:
    'MusicGen, which made the audio of ConceptCaps: from the caption, with weights that have to be pulled. Slow without a GPU.',
  device: 'CPU',
  maxDurationSeconds: 120,
  unsupported: [],
  weak: VOCAL,
};
