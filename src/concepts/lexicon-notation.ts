/**
 * The notation of lexicon phrases.
 *
 *     guitar(s)              optional ending; (s|ist|ists) gives a choice of endings
 *     {vocal(s)|voice(s)}    one of these; may hold phrases of several words
 *     male [lead] vocals     an optional word or phrase; [a|b] gives a choice
 *     male ~2 vocals         up to two words in between, none of them a preposition, "and" or another join
 *     <minor> keys           context: has to be there but is no part of the match; only at the head or the tail
 *
 * Phrases are read as captions are: case, hyphens and kinds of quotes do not matter.
 */
export interface PhraseSequence {
  /** Words in order. */
  readonly words: readonly string[];
  /** gaps[i]: how many words may stand between words[i - 1] and words[i]. */
  readonly gaps: readonly number[];
  /** How many words at the head and the tail are context. */
  readonly contextBefore: number;
  readonly contextAfter: number;
}

const INNERMOST_GROUP = /\{([^{}[\]()]*)\}|\[([^{}[\]()]*)\]|\(([^{}[\]()]*)\)/;
const MAX_SEQUENCES = 5_000;

/**
 * All word sequences that a phrase stands for.
 * @throws Error where the notation is wrong; the message names the phrase
 */
export function expandPhrase(phrase: string): PhraseSequence[] {
  const texts = new Set<string>();
  const open = [phrase];
  while (open.length > 0) {
    const text = open.pop()!;
    const group = INNERMOST_GROUP.exec(text);
    if (group === null) {
      texts.add(text);
      continue;
    }
    const choices = (group[1] ?? group[2] ?? group[3]!).split('|');
    if (group[1] === undefined) choices.push('');
    for (const choice of choices) {
      open.push(text.slice(0, group.index) + choice + text.slice(group.index + group[0].length));
    }
    if (open.length + texts.size > MAX_SEQUENCES) throw new Error(`phrase "${phrase}" stands for too many sequences`);
  }
  return [...texts].map((text) => parseSequence(text, phrase));
}

function parseSequence(text: string, phrase: string): PhraseSequence {
  const wrong = (what: string) => new Error(`phrase "${phrase}": ${what}`);
  if (/[{}[\]()|]/.test(text)) throw wrong('unbalanced brackets');
  const parts = /^\s*(?:<([^<>]*)>)?([^<>]*)(?:<([^<>]*)>)?\s*$/.exec(text);
  if (parts === null) throw wrong('context <...> stands only at the head or the tail');
  const before = wordsAndGaps(parts[1] ?? '');
  const body = wordsAndGaps(parts[2]!);
  const after = wordsAndGaps(parts[3] ?? '');
  if (body.words.length === 0) throw wrong('no words besides context');
  const all = wordsAndGaps(text);
  if (/(^\s*<?\s*~)|(~\d?\s*>?\s*$)/.test(text)) throw wrong('a gap stands between words');
  return { ...all, contextBefore: before.words.length, contextAfter: after.words.length };
}

function wordsAndGaps(text: string): { words: string[]; gaps: number[] } {
  const words: string[] = [];
  const gaps: number[] = [];
  let gap = 0;
  for (const [piece] of text.toLowerCase().matchAll(/~\d|[\p{L}\p{N}&']+/gu)) {
    if (piece.startsWith('~')) {
      gap = Number(piece.slice(1));
      continue;
    }
    words.push(piece);
    gaps.push(gap);
    gap = 0;
  }
  return { words, gaps };
}
