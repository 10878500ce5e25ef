import { ATTRIBUTES, type Category } from '../../concepts/taxonomy';
import type { Shortcoming } from '../stages';
import { GENRE } from './attributes/genre';
import { INSTRUMENT } from './attributes/instrument';
import type { Meaning, Meanings } from './attributes/meaning';
import { MOOD } from './attributes/mood';
import { TEMPO } from './attributes/tempo';

/**
 * What each of the 200 attributes sounds like: the rows are in `attributes/`, one file a category, for musicians to read
 * and correct; what a row may say is in `attributes/meaning.ts`, the styles of the genres are in `styles.ts`.
 */
export const ATTRIBUTE_TABLE: Readonly<Record<Category, Meanings>> = {
  tempo: TEMPO,
  genre: GENRE,
  mood: MOOD,
  instrument: INSTRUMENT,
};

/** By taxonomy index. */
export const MEANINGS: readonly Meaning[] = ATTRIBUTES.map(({ name, category }) => {
  const meaning = ATTRIBUTE_TABLE[category][name];
  if (!meaning) throw new Error(`attribute-table: no row for "${name}"`);
  return meaning;
});

/** Attributes that the engine cannot honour at all: they leave the music as it is. */
export const UNSUPPORTED_ATTRIBUTES: readonly Shortcoming[] = shortcomings(({ unsupported }) => unsupported);
/** Attributes whose sound falls short of the word. */
export const WEAK_ATTRIBUTES: readonly Shortcoming[] = shortcomings(({ weakness }) => weakness);

function shortcomings(reasonOf: (meaning: Meaning) => string | undefined): Shortcoming[] {
  return ATTRIBUTES.flatMap(({ name, index }) => {
    const reason = reasonOf(MEANINGS[index]!);
    return reason === undefined ? [] : [{ attribute: name, reason }];
  });
}
