import { CONCEPTS } from '../../concepts/concepts';
import type { Random } from '../../concepts/random';
import { askedConcepts, faultsOf, isFaithful, leaks, tellsAgainst } from './faithful';
import type { Vocabulary } from './language-model';
import { inASentence, isAbsence, wordingOf } from './wording';

const TEMPERATURE = 0.7;
const TOP_P = 0.9;
/** Real captions have 47 to 90 words. */
const MAX_TOKENS = 140;
const LONG_ENOUGH = 60;
/** From here on, what is missing is asked for with growing insistence. */
const INSIST_FROM = 10;
const INSISTENCE_PER_TOKEN = 0.12;
const MAX_INSISTENCE = 8;
/** What has been begun is to be finished: "no" is not yet "no percussion". */
const FINISHING = 12;
/** Words taken back; a draft that needs more is given up. */
const MAX_RETREATS = 150;
/** Logits so far below the highest are never in the nucleus. */
const NEGLIGIBLE = 7;
const LEAST_STEM = 4;
/** So many words in a row do not come twice. */
const NO_REPEAT = 3;

export interface DraftOptions {
  readonly isConstrained: boolean;
  /** Where what may stand has less than this share of the probability, the sentence has led nowhere: it goes back a word. */
  readonly leastLeft: number;
}

/** A token that stands, and what there was to choose from. */
interface Placed {
  readonly token: number;
  readonly logits: Float32Array;
  readonly refused: Set<number>;
  readonly logProbability: number;
}

/** A caption in the making: what stands, what may come next, and how it goes back where nothing may. */
export class Draft {
  state: 'WRITING' | 'DONE' | 'GIVEN_UP' = 'WRITING';
  private readonly isConstrained: boolean;
  private readonly leastLeft: number;
  private readonly asked: readonly number[];
  private readonly absences: ReadonlySet<number>;
  private readonly placed: Placed[] = [];
  private text = '';
  private logits: Float32Array;
  /** Tokens that must not stand next. */
  private refused = new Set<number>();
  /** What words that were refused here begin with: who may not say "snare" would say "snaring". */
  private stems = new Set<string>();
  private readonly tells: readonly string[];
  private retreats = 0;
  /** First tokens of the words by which each asked concept can be said. */
  private readonly openings: ReadonlyMap<number, readonly number[][]>;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly attributes: readonly number[],
    { isConstrained, leastLeft }: DraftOptions,
    private readonly random: Random,
    first: Float32Array,
  ) {
    this.isConstrained = isConstrained;
    this.leastLeft = leastLeft;
    this.asked = askedConcepts(attributes);
    this.absences = new Set(attributes.filter(isAbsence).flatMap((attribute) => askedConcepts([attribute])));
    this.logits = first;
    this.tells = tellsAgainst(this.asked);
    this.openings = new Map(
      this.asked.map((concept) => [
        concept,
        attributes
          .filter((attribute) => CONCEPTS[concept]!.attributes.includes(attribute) && !isAbsence(attribute))
          .map((attribute) => vocabulary.encode(wordingOf(attribute))),
      ]),
    );
  }

  get caption(): string {
    return this.isConstrained ? tidied(this.text.trim()) : this.text.trim();
  }

  /** Mean log probability of a token, in nats. */
  get naturalness(): number {
    return this.placed.reduce((sum, { logProbability }) => sum + logProbability, 0) / this.placed.length;
  }

  giveUp(): void {
    if (this.state === 'WRITING') this.state = 'GIVEN_UP';
  }

  see(logits: Float32Array): void {
    this.logits = logits;
    this.refused = new Set();
    this.stems = new Set();
  }

  private refuse(token: number): void {
    this.refused.add(token);
    const word = LAST_WORD.exec(this.text + this.vocabulary.texts[token]!)?.[0].toLowerCase() ?? '';
    if (word.length >= LEAST_STEM && leaks(this.text + this.vocabulary.texts[token]!, this.asked)) {
      this.stems.add(word.slice(0, LEAST_STEM));
    }
  }

  /** The token to put next, or null when the draft is over. */
  next(takeBack: (tokens: number) => void): number | null {
    while (this.state === 'WRITING') {
      const token = this.choose();
      if (token === null) {
        this.retreat(takeBack);
        continue;
      }
      const isEnd = token === this.vocabulary.end;
      if (this.isConstrained && (isEnd || startsNewWord(this.vocabulary.texts[token]!)) && !this.isWordKnown()) {
        this.retreat(takeBack);
        continue;
      }
      if (this.isConstrained && (isEnd ? !this.mayEnd() : !this.mayFollow(token))) {
        this.refuse(token);
        continue;
      }
      if (isEnd) {
        this.state = 'DONE';
        if (this.isConstrained) this.sayWhatIsMissing();
        return null;
      }
      if (this.placed.length >= MAX_TOKENS) {
        this.state = this.isConstrained ? 'GIVEN_UP' : 'DONE';
        return null;
      }
      this.place(token);
      return token;
    }
    return null;
  }

  private place(token: number): void {
    const logProbability = this.logits[token]! - logSumExp(this.logits);
    this.placed.push({ token, logits: this.logits, refused: this.refused, logProbability });
    this.text += this.vocabulary.texts[token]!;
  }

  /** Takes the last token back for good. */
  private retreat(takeBack: (tokens: number) => void): void {
    const last = this.placed.pop();
    this.retreats++;
    if (!last || this.retreats > MAX_RETREATS) {
      this.state = 'GIVEN_UP';
      return;
    }
    takeBack(1);
    this.text = this.text.slice(0, this.text.length - this.vocabulary.texts[last.token]!.length);
    this.logits = last.logits;
    this.refused = last.refused.add(last.token);
  }

  /** Whether the word that ends here is one. */
  private isWordKnown(): boolean {
    const word = LAST_WORD.exec(this.text)?.[0];
    return word === undefined || this.vocabulary.words.has(word.toLowerCase());
  }

  /** Whether the text may go on with the token, as if a word ended with it: what is refused here costs nothing. */
  private mayFollow(token: number): boolean {
    const text = this.text + this.vocabulary.texts[token]!;
    const word = LAST_WORD.exec(text)?.[0];
    if (word !== undefined) {
      if (!this.vocabulary.beginnings.has(word.toLowerCase())) return false;
      if ([...this.tells, ...this.stems].some((stem) => word.toLowerCase().startsWith(stem))) return false;
      const words = text.toLowerCase().match(WORDS)!;
      if (words.at(-1) === words.at(-2) || repeatsItself(words)) return false;
    }
    return !leaks(text, this.asked);
  }

  /**
   * All has to be said, but for absences, which real captions hardly ever say; and after a while what the model cannot
   * bring in is left to a sentence of its own, before it loses the thread.
   */
  private mayEnd(): boolean {
    if (!/[.!]$/.test(this.text)) return false;
    if (this.placed.length >= LONG_ENOUGH) return true;
    return faultsOf(this.text, this.asked).missing.every((concept) => this.absences.has(concept));
  }

  private sayWhatIsMissing(): void {
    for (const attribute of this.attributes) {
      const { missing } = faultsOf(this.text, this.asked);
      if (!askedConcepts([attribute]).some((concept) => missing.includes(concept))) continue;
      this.text += ` ${inASentence(attribute, this.random)}`;
    }
    // What was said last may have changed what was said before: such a draft is no caption.
    if (!isFaithful(faultsOf(this.text, this.asked))) this.state = 'GIVEN_UP';
  }

  /** By nucleus sampling (arXiv 1904.09751) from what is not refused; null where too much has been refused. */
  private choose(): number | null {
    if (this.refused.size > 0 && this.shareLeft() < this.leastLeft) return null;
    const insisted = this.isConstrained ? this.insistence() : null;
    const candidates: { token: number; weight: number }[] = [];
    let highest = -Infinity;
    const { special, end } = this.vocabulary;
    const score = (token: number) => (this.logits[token]! + (insisted?.get(token) ?? 0)) / TEMPERATURE;
    for (let token = 0; token < this.logits.length; token++) highest = Math.max(highest, this.logits[token]!);
    for (let token = 0; token < this.logits.length; token++) {
      // What is far behind the first would not be in the nucleus: sorting less takes less time.
      if (this.logits[token]! < highest - NEGLIGIBLE && !insisted?.has(token)) continue;
      if (this.refused.has(token) || (token !== end && special.includes(token))) continue;
      candidates.push({ token, weight: score(token) });
    }
    if (candidates.length === 0) return null;
    candidates.sort((a, b) => b.weight - a.weight || a.token - b.token);
    const most = candidates[0]!.weight;
    let total = 0;
    for (const candidate of candidates) total += candidate.weight = Math.exp(candidate.weight - most);
    let nucleus = 0;
    let size = 0;
    while (size < candidates.length && nucleus < TOP_P * total) nucleus += candidates[size++]!.weight;
    let left = this.random.uniform() * nucleus;
    for (const { token, weight } of candidates.slice(0, size)) if ((left -= weight) < 0) return token;
    return candidates[size - 1]!.token;
  }

  /** Share of the probability that has not been refused. */
  private shareLeft(): number {
    const total = logSumExp(this.logits);
    let refused = 0;
    for (const token of this.refused) refused += Math.exp(this.logits[token]! - total);
    return 1 - refused;
  }

  /** What is added to the logits of tokens that would say what is still missing. */
  private insistence(): Map<number, number> | null {
    const beyond = this.placed.length - INSIST_FROM;
    if (beyond <= 0 || this.placed.length === 0) return null;
    const missing = faultsOf(this.text, this.asked).missing;
    if (missing.length === 0) return null;
    const strength = Math.min(MAX_INSISTENCE, beyond * INSISTENCE_PER_TOKEN * missing.length);
    const insisted = new Map<number, number>();
    const tail = this.placed.slice(-8).map(({ token }) => token);
    for (const concept of missing) {
      for (const phrase of this.openings.get(concept)!) {
        const said = longestOverlap(tail, phrase);
        const next = phrase[said];
        if (next !== undefined) insisted.set(next, Math.max(insisted.get(next) ?? 0, said > 0 ? FINISHING : strength));
      }
    }
    return insisted;
  }
}

/** How many tokens of the phrase, from its first on, the text ends with. */
function longestOverlap(tail: readonly number[], phrase: readonly number[]): number {
  for (let length = Math.min(tail.length, phrase.length - 1); length > 0; length--) {
    if (phrase.slice(0, length).every((token, at) => tail[tail.length - length + at] === token)) return length;
  }
  return 0;
}

/** Sentences begin with a capital letter, and "an" stands before a vowel. */
function tidied(caption: string): string {
  return caption
    .replace(/(^|[.!] )(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase())
    .replace(/\b(a)(?= (?!uni|use|usu|eu|one\b|once)[aeiou])/gi, '$1n');
}

const LAST_WORD = /[\p{L}\p{N}'’&]+$/u;
const WORDS = /[\p{L}\p{N}'’&]+/gu;

/** Whether the last words have stood in this order before. */
function repeatsItself(words: readonly string[]): boolean {
  if (words.length <= NO_REPEAT) return false;
  const last = words.slice(-NO_REPEAT).join(' ');
  for (let at = 0; at < words.length - NO_REPEAT; at++) {
    if (words.slice(at, at + NO_REPEAT).join(' ') === last) return true;
  }
  return false;
}

function startsNewWord(text: string): boolean {
  return !/^[\p{L}\p{N}'’&]/u.test(text);
}

function logSumExp(logits: Float32Array): number {
  let highest = -Infinity;
  for (const logit of logits) highest = Math.max(highest, logit);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - highest);
  return highest + Math.log(sum);
}
