import { carriedConcepts, CONCEPTS, mentionedConcepts, type Concept } from '../../concepts/concepts';
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

/** Genres that the taxonomy files as moods. */
const MISFILED = ['funk', 'psychedelic'];

/** Concepts that must not be said unless they are asked for: all but the moods, which every caption is full of. */
export const GUARDED: readonly boolean[] = CONCEPTS.map(
  ({ name, attributes, includedIn }) =>
    MISFILED.includes(name) ||
    [attributes, ...includedIn.map((broader) => CONCEPTS[broader]!.attributes)].some((list) =>
      list.some((attribute) => ATTRIBUTES[attribute]!.category !== 'mood'),
    ),
);

/**
 * Beginnings of words that give an instrument away without naming it. No mention by the lexicon, so that they count
 * neither as said nor as leaked; but the captioner, whose words become sound, does without them.
 */
const TELLS: Readonly<Record<string, readonly string[]>> = {
  guitar: ['finger', 'strum', 'pick', 'palm', 'fret', 'acoustic'],
  drums: ['hat', 'snar', 'kick', 'toms'],
  strings: ['bow', 'pizzicato'],
  piano: ['pedal', 'ivories'],
  synthesizer: ['pads'],
  soul: ['soul'],
  brass: ['horn', 'fanfare', 'trombone', 'sax'],
  vocals: ['sing', 'sung', 'lyric', 'voice', 'vocal'],
};

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

/** A number that nobody asked for: attributes name ranges of tempo, and the engine takes its own place in them. */
const ALWAYS_TELLING = ['bpm'];

/** Beginnings of words, in lower case, that would give away something that was not asked for. */
export function tellsAgainst(asked: readonly number[]): string[] {
  const against = Object.entries(TELLS)
    .filter(([name]) => !asked.some((concept) => CONCEPTS[concept]!.name === name || isKin(CONCEPTS[concept]!, name)))
    .flatMap(([, words]) => words);
  return [...ALWAYS_TELLING, ...against];
}

/** Whether the concept includes the one of that name, or is included in it. */
function isKin({ includes, includedIn }: Concept, name: string): boolean {
  return [...includes, ...includedIn].some((other) => CONCEPTS[other]!.name === name);
}
