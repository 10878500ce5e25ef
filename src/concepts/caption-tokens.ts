/**
 * A caption as words, with what the lexicon needs to know of the punctuation between them.
 */
export interface Token {
  /** Lower case, without accents and without a possessive ending. */
  readonly word: string;
  /** Offsets in the caption. */
  readonly start: number;
  readonly end: number;
  /** What separates it from the word before. */
  readonly separation: Separation;
}

export enum Separation {
  Space,
  Hyphen,
  /** A comma, a dash, a quote: a list may go on. */
  Comma,
  /** The end of a sentence or a clause. */
  Stop,
}

const WORD = /[\p{L}\p{M}\p{N}]+(?:['’&][\p{L}\p{M}\p{N}]+)*|&/gu;
const NON_ASCII = /[^\x00-\x7f]/; // eslint-disable-line no-control-regex

export function tokenise(caption: string): Token[] {
  const tokens: Token[] = [];
  let end = 0;
  for (const match of caption.matchAll(WORD)) {
    const start = match.index;
    const separation = tokens.length === 0 ? Separation.Stop : separationOf(caption, end, start);
    end = start + match[0].length;
    const word = normaliseWord(match[0]);
    // "isn't" denies as "is not" does.
    if (word.endsWith("n't") && word.length > 3) {
      tokens.push({ word: word.slice(0, -3), start, end: end - 3, separation });
      tokens.push({ word: 'not', start: end - 3, end, separation: Separation.Space });
    } else {
      tokens.push({ word, start, end, separation });
    }
  }
  return tokens;
}

function separationOf(caption: string, from: number, to: number): Separation {
  if (to - from === 1) {
    const character = caption[from]!;
    if (character === ' ') return Separation.Space;
    if (HYPHENS.includes(character)) return Separation.Hyphen;
  }
  let separation = Separation.Space;
  for (let at = from; at < to; at++) {
    const character = caption[at]!;
    if ('.;:!?()\n'.includes(character)) return Separation.Stop;
    if (!/[\s'’‘"“”`]/.test(character)) separation = Separation.Comma;
  }
  return separation;
}

/** Between two words without spaces these join; with spaces around them they are dashes. */
const HYPHENS = '-\u2010\u2011\u2012\u2013\u00ad/';

function normaliseWord(text: string): string {
  let word = text.toLowerCase();
  if (NON_ASCII.test(word)) word = word.replace(/’/g, "'").normalize('NFKD').replace(/\p{M}/gu, '');
  if (word === '&') return 'and';
  return word.endsWith("'s") ? word.slice(0, -2) : word;
}
