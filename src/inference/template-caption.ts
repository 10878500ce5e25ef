import { ATTRIBUTES } from '../concepts/taxonomy';
import type { CaptionWriter } from './stages';

/**
 * Captions from a template: every attribute said in plain words, nothing else. A placeholder for a learned captioner,
 * and named as one.
 */
export const TEMPLATE_CAPTION: CaptionWriter = {
  name: 'template-caption',
  version: '1',
  isPlaceholder: true,
  models: () => Promise.resolve([]),
  write: (attributes) => Promise.resolve(write(attributes)),
};

/** Attributes whose bare name in a sentence would not be read as what is meant. */
const WORDING: Readonly<Record<string, string>> = {
  'groovy bas slime': 'a groovy bass line',
  'e-guitar': 'an electric guitar',
  'e-bass': 'an electric bass',
  rhythm: 'a rhythmic feel',
  dance: 'dance music',
  soul: 'soul music',
};

function write(attributes: readonly number[]): string {
  const named = attributes.map((attribute) => ATTRIBUTES[attribute]!);
  const words = (category: string) =>
    named
      .filter(({ category: own, name }) => own === category && !isAbsence(name))
      .map(({ name }) => WORDING[name] ?? name);
  const [tempo, genre, mood, instrument] = ['tempo', 'genre', 'mood', 'instrument'].map(words) as [
    string[],
    string[],
    string[],
    string[],
  ];
  const sentences = [
    genre.length > 0 ? `The genre is ${list(genre)}.` : '',
    mood.length > 0 ? `The mood is ${list(mood)}.` : '',
    tempo.length > 0 ? `The rhythm is described by ${list(tempo)}.` : '',
    instrument.length > 0 ? `The recording has ${list(instrument)}.` : '',
    // On their own: what is said after "no" in one sentence would be denied with it.
    ...named.filter(({ name }) => isAbsence(name)).map(({ name }) => `There is ${name}.`),
  ];
  return `A piece of music. ${sentences.filter((sentence) => sentence !== '').join(' ')}`;
}

function isAbsence(name: string): boolean {
  return name.startsWith('no ');
}

/** Without a plain "and", which makes one thing of two: "drum and bass". */
function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} as well as ${words.at(-1)!}`;
}
