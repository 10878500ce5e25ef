import { carriedConcepts, CONCEPTS, mentionedConcepts } from '../../concepts/concepts';
import { ATTRIBUTES } from '../../concepts/taxonomy';

/**
 * When a caption is faithful to the attributes that it was asked to say, judged by the lexicons of the concepts. An
 * absence ("no percussion") is a concept as any other: it is said by denying what is absent.
 */
export interface Faults {
  /** Concepts that are asked for and not said. */
  readonly missing: readonly number[];
  /** Instruments, voices, tempi and genres that are said and not asked for. */
  readonly leaked: readonly number[];
}

/** Concepts that must not be said unless they are asked for: all but the moods, which every caption is full of. */
export const GUARDED: readonly boolean[] = CONCEPTS.map(({ attributes, includedIn }) =>
  [attributes, ...includedIn.map((broader) => CONCEPTS[broader]!.attributes)].some((list) =>
    list.some((attribute) => ATTRIBUTES[attribute]!.category !== 'mood'),
  ),
);

/** The concepts that a caption has to say, ascending. */
export function askedConcepts(attributes: readonly number[]): number[] {
  return carriedConcepts(attributes);
}

export function faultsOf(caption: string, asked: readonly number[]): Faults {
  const said = mentionedConcepts(caption);
  return {
    missing: asked.filter((concept) => !said.includes(concept)),
    leaked: said.filter((concept) => GUARDED[concept] && !asked.includes(concept)),
  };
}

export function isFaithful({ missing, leaked }: Faults): boolean {
  return missing.length === 0 && leaked.length === 0;
}

/** Whether a caption that has got as far as this says something that was not asked for. */
export function leaks(beginning: string, asked: readonly number[]): boolean {
  return mentionedConcepts(beginning).some((concept) => GUARDED[concept] && !asked.includes(concept));
}
