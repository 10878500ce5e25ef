import { createHash } from 'node:crypto';
import { ATTRIBUTES } from '../concepts/taxonomy';

/** What makes two rows the same sample. Source ids alone do not: they repeat with other captions and attributes. */
export interface SampleContent {
  /** The data set's own id; not unique. */
  readonly sourceId: string;
  readonly caption: string;
  /** Taxonomy indices, ascending. */
  readonly attributes: readonly number[];
}

const ID_LENGTH = 26;
/** Crockford's base 32, lower case: no i, l, o, u to misread. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/**
 * The sample's id: `s_` and the first 130 bits of the SHA-256 of its content. The same row gets the same id on every
 * machine and however it was imported. Audio is not part of it: a sample can get its audio later.
 */
export function sampleIdOf(content: SampleContent): string {
  const names = content.attributes.map((index) => ATTRIBUTES[index]!.name);
  const canonical = JSON.stringify(['conceptcaps-sample-1', content.sourceId, content.caption, names]);
  return `s_${base32(createHash('sha256').update(canonical).digest(), ID_LENGTH)}`;
}

export function isSampleId(text: string): boolean {
  return /^s_[0-9a-hjkmnp-tv-z]{26}$/.test(text);
}

/** 32 bits of an id, from its first seven digits after the `s_`: what the index orders rows by. */
export function sampleKeyOf(digits: string): number {
  let key = 0;
  for (const digit of digits) key = (key << 5) | ALPHABET.indexOf(digit);
  return key;
}

/** The first `length` digits of five bits each. */
export function base32(bytes: Uint8Array, length: number): string {
  let text = '';
  let buffer = 0;
  let bits = 0;
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += ALPHABET[(buffer >>> bits) & 31];
    }
  }
  return text;
}
