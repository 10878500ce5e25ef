/**
 * Names that come with a source and are kept with every row: what a configuration, a split and a source may be called.
 */

/** The index packs these names side by side, with control characters between them. */
const PLACE_NAME = /^[A-Za-z0-9_.-]{1,100}$/;

/** What a configuration or split may be called, in words. */
export const PLACE_NAME_RULE = '1 to 100 letters, digits, "_", "." and "-"';

export function isPlaceName(name: string): boolean {
  return PLACE_NAME.test(name);
}

/** The source that a new data directory comes with. An import under its name would be part of it. */
export const STARTER_NAME = 'starter';

const MAX_SOURCE_NAME_LENGTH = 200;

/** What keeps a source from having this name; null where nothing does. */
export function sourceNameProblem(name: string): string | null {
  if (name.trim() === '') return 'It is empty.';
  if (name.length > MAX_SOURCE_NAME_LENGTH) return `It is longer than ${MAX_SOURCE_NAME_LENGTH} characters.`;
  if (/\p{Cc}/u.test(name)) return 'It has control characters in it.';
  if (name.trim().toLowerCase() === STARTER_NAME) return 'The starter set has this name; take another.';
  return null;
}
