import { Separation, type Token } from './caption-tokens';

/**
 * How captions deny: words that say that what they govern is not there, and how far that reaches.
 */
export const CUES = {
  /** What follows is absent. */
  denies: [
    'no',
    'without [ever] [{the|any}] [{need|aid|use|help|presence|support|inclusion|accompaniment|hint|trace} {for|of|from}]',
    'without [ever] {needing|using|requiring|having|featuring|including|incorporating|employing|involving|adding|introducing}',
    'without [ever] {relying on|resorting to|recourse to}',
    'without [ever] {being|becoming|feeling|sounding|seeming|getting|turning|growing|reaching} [{too|overly|so}]',
    '{devoid|void|bereft|empty|stripped} of',
    'absence of',
    '{lack|lacks|lacking} [of]',
    'free {of|from}',
    'sans',
    'minus',
    'far from',
    'neither',
    'nor',
    '{eschew|eschews|eschewing|forgo|forgoes|forgoing|omits|omitting|excludes|excluding}',
    'not [actually] {feature|features|featuring|include|including|contain|containing|have|use|using|employ|need|involve}',
    '{is|are|was|were} not [{a|an|any|the}]',
    'never {feels|feeling|becomes|becoming|sounds|sounding|turns|turning} [{too|overly}]',
    '{removed|removes|removing|dropped|muted out} the',
  ],
  /** What follows is not there, yet nothing is said about an absence. */
  replaces: [
    '{instead of|rather than|in place of|in lieu of|as opposed to}',
    '{mimicking|imitating|emulating|resembling|mimics|imitates|emulates|resembles}',
  ],
  /** Look like a denial and are none. */
  affirms: [
    'no {less|fewer|more|other|shortage|lack|doubt|matter|one|two|end|wonder|longer|stranger|limit(s)|mistake|time}',
    'not {only|just|merely|simply|solely}',
  ],
  /** What stands before is absent. */
  deniesBefore: [
    '{is|are|remain|remains|stay|stays|being} [{entirely|completely|notably|conspicuously|wholly|largely}] {absent|missing|omitted|removed|nowhere}',
  ],
} as const;

const CONNECTORS = new Set(['or', 'and', 'nor']);
const DETERMINERS = new Set(['a', 'an', 'the', 'any', 'all', 'its', 'some', 'much', 'either', 'ever']);
const CLAUSE_WORDS = new Set(
  (
    'but yet while with within as in on at by from for to of that which where when who whose than then other except ' +
    'save beyond besides apart instead only just until before after though although because due so over under above ' +
    'beneath amidst amid through throughout into this these it they he she there not ' +
    'is are was were be being has have had does do features provides creates creating allows allow lets let ' +
    'makes remains remain carries carry carried drives leads lead takes take leans builds intervene enters rich full'
  ).split(' '),
);
const MAX_WORDS = 4;
/** Tokens that one denial reaches at most, however long its list. */
const MAX_REACH = 40;

/**
 * Where the reach of a denial that ends before token `from` ends: a noun phrase, and further ones joined by "or" and
 * the like ("devoid of percussive elements, drums or male vocals").
 * @param isLexiconWord whether a word starts a phrase: "drumming" goes on where "allowing" begins another clause
 */
export function denialEnd(tokens: readonly Token[], from: number, isLexiconWord: (word: string) => boolean): number {
  let words = 0;
  const limit = Math.min(tokens.length, from + MAX_REACH);
  for (let at = from; at < limit; at++) {
    const { word, separation } = tokens[at]!;
    if (separation === Separation.Stop) return at;
    if (separation === Separation.Comma && at > from) {
      if (!continuesList(tokens, at)) return at;
      words = 0;
    }
    if (CONNECTORS.has(word)) {
      words = 0;
    } else if (DETERMINERS.has(word)) {
      if (words > 0) return at;
    } else if (CLAUSE_WORDS.has(word) || ++words > MAX_WORDS) {
      return at;
    } else if (words > 1 && word.endsWith('ing') && !isLexiconWord(word)) {
      return at;
    }
  }
  return limit;
}

/** After a comma a list goes on only where it is closed by "or", "nor" or ", and": else a clause begins. */
function continuesList(tokens: readonly Token[], from: number): boolean {
  if (CONNECTORS.has(tokens[from]!.word)) return true;
  for (let at = from; at < Math.min(from + 5, tokens.length); at++) {
    const { word, separation } = tokens[at]!;
    if (separation === Separation.Stop && at > from) return false;
    if (word === 'or' || word === 'nor') return true;
    if (word === 'and') return separation === Separation.Comma;
    if (CLAUSE_WORDS.has(word) || DETERMINERS.has(word)) return false;
  }
  return false;
}

/** Where the reach of a denial that begins at token `to` and governs what stands before it begins. */
export function denialStart(tokens: readonly Token[], to: number): number {
  let words = 0;
  for (let at = to - 1; at >= Math.max(0, to - MAX_REACH); at--) {
    const { word } = tokens[at]!;
    const next = tokens[at + 1];
    if (next !== undefined && next.separation >= Separation.Comma) return at + 1;
    if (CONNECTORS.has(word)) words = 0;
    else if (CLAUSE_WORDS.has(word) || DETERMINERS.has(word) || ++words > MAX_WORDS) return at + 1;
  }
  return Math.max(0, to - MAX_REACH);
}

const HARMLESS_GERUNDS = /^(driving|pulsing|pulsating|singing|backing|accompanying|leading|soaring|underlying)$/;

/** "without overpowering the vocals", "without ever losing its calm": the vocals and the calm are there. */
export function isHarmlessWithout(
  tokens: readonly Token[],
  from: number,
  to: number,
  isLexiconWord: (word: string) => boolean,
): boolean {
  if (tokens[from]!.word !== 'without') return false;
  // The cue itself took the gerund: it is one of those that deny.
  if (tokens[to - 1]!.word.endsWith('ing') || to - from > 2) return false;
  let at = to;
  while (at < tokens.length && /^(ever|necessarily|fully|completely|overly|entirely)$/.test(tokens[at]!.word)) at++;
  const word = tokens[at]?.word ?? '';
  return word.endsWith('ing') && !HARMLESS_GERUNDS.test(word) && !isLexiconWord(word);
}
