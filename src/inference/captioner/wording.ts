import { Random } from '../../concepts/random';
import { ATTRIBUTES } from '../../concepts/taxonomy';

/** Attributes whose bare name in a sentence would not be read as what is meant. */
const WORDING: Readonly<Record<string, string>> = {
  'groovy bas slime': 'groovy bass line',
  'e-guitar': 'electric guitar',
  'e-bass': 'electric bass',
  rhythm: 'rhythmic feel',
  dance: 'dance music',
  soul: 'soul music',
};

/** An attribute as it stands in a sentence, without an article. */
export function wordingOf(attribute: number): string {
  const { name } = ATTRIBUTES[attribute]!;
  return WORDING[name] ?? name;
}

/** Where no draft came to a good end: every attribute in a sentence of its own. */
export function enumerated(attributes: readonly number[]): string {
  const random = new Random(0);
  return attributes.map((attribute) => inASentence(attribute, random)).join(' ');
}

/** How an absence is said on its own. */
const DENIALS: readonly ((what: string) => string)[] = [
  (what) => `There ${what.endsWith('s') ? 'are' : 'is'} no ${what}.`,
  (what) => `There ${what.endsWith('s') ? 'are' : 'is'} no ${what} in this recording.`,
  (what) => `It is played without any ${what}.`,
];

/** Whether the attribute says that something is not there. */
export function isAbsence(attribute: number): boolean {
  return ATTRIBUTES[attribute]!.name.startsWith('no ');
}

/** A sentence that says the attribute and nothing else. */
export function inASentence(attribute: number, random: Random): string {
  const wording = wordingOf(attribute);
  if (isAbsence(attribute)) return DENIALS[random.below(DENIALS.length)]!(wording.replace(/^no /, ''));
  switch (ATTRIBUTES[attribute]!.category) {
    case 'genre':
      return wording.startsWith('ambient ') ? `It also features ${wording}.` : `The genre is ${wording}.`;
    case 'mood':
      return `The mood is ${wording}.`;
    case 'tempo':
      return wording.endsWith(' tempo') ? `It is played in a ${wording}.` : `The rhythm is described by ${wording}.`;
    case 'instrument':
      return `It also features ${wording}.`;
  }
}
