import { UserError } from '../platform/errors';

/** As long as the longest that any writer of captions here may give. */
export const MAX_CAPTION_CHARACTERS = 2_000;

/**
 * Whether a text of the user's own can be a caption: anything that can be read and kept. Emoji and signs alone can be.
 * @throws UserError BAD_USER_INPUT
 */
export function checkCaption(caption: string, field: string): void {
  const refuse = (problem: string) => new UserError('BAD_USER_INPUT', `${field} ${problem}.`, { field });
  // What is seen as one character may be several code points; those are what PostgreSQL counts.
  const characters = [...caption].length;
  if (characters > MAX_CAPTION_CHARACTERS) {
    throw refuse(
      `has ${characters.toLocaleString('en-US')} characters; there may be ${MAX_CAPTION_CHARACTERS.toLocaleString('en-US')} at most`,
    );
  }
  if (!/[^\s\p{Cc}\p{Cf}]/u.test(caption)) throw refuse('is blank; leave it out to have one written');
  if (caption.includes('\0')) throw refuse('has a NUL character, which no text can be stored with');
  if (/\p{Surrogate}/u.test(caption))
    throw refuse('has half of a surrogate pair: it is cut in the middle of a character');
}
