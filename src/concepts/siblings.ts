import { CONCEPTS, findConcept } from './concepts';

/**
 * The nearest siblings of a concept: what is most easily taken for it, and is not it. Negatives of the strategy HARD
 * come from them. Concepts under one broader concept are siblings by themselves (the guitars, the drums, the voices);
 * the families here say it for the others. Data only.
 */
const FAMILIES: readonly (readonly string[])[] = [
  // Instruments and voices
  ['piano', 'keyboard', 'synthesizer'],
  ['guitar', 'bass', 'strings'],
  ['bass guitar', 'electric guitar'],
  ['orchestra', 'strings', 'brass', 'woodwinds'],
  ['flute', 'violin', 'trumpet'],
  ['percussion', 'bass'],
  ['vocals', 'beatboxing'],
  ['no vocals', 'no percussion'],
  // Rhythm
  ['upbeat', 'energetic', 'groovy'],
  ['rhythmic', 'steady rhythm', 'syncopated', 'polyrhythm', 'groovy', 'rising pattern'],
  // Genres
  ['rock', 'pop', 'indie', 'metal', 'country', 'blues'],
  ['dance', 'electronic', 'latin', 'afrobeat', 'pop'],
  ['electronic dance music', 'hip hop', 'ambient'],
  ['ambient', 'ambient sounds', 'electronic', 'meditative', 'chill'],
  ['hip hop', 'r&b', 'rap', 'reggae'],
  ['trap', 'house', 'techno'],
  ['heavy metal', 'hard rock', 'alternative rock'],
  ['cheerful', 'playful', 'fun'],
  ['joyful', 'uplifting', 'exciting'],
  ['four on the floor', 'snare drum', 'electronic drums'],
  ['spoken word', 'rap'],
  ['r&b', 'soul', 'funk', 'gospel', 'soulful'],
  ['jazz', 'blues', 'soul', 'funk'],
  ['folk', 'country', 'indie', 'ballad'],
  ['classical', 'cinematic', 'orchestra'],
  ['contemporary', 'pop', 'indie'],
  // Moods
  ['emotional', 'passionate', 'romantic', 'sentimental', 'nostalgic', 'poignant', 'soulful'],
  ['sensual', 'romantic', 'passionate'],
  ['spiritual', 'meditative', 'gospel'],
  ['happy', 'fun', 'playful', 'positive', 'uplifting'],
  ['uplifting', 'inspiring', 'positive', 'epic'],
  ['exciting', 'energetic', 'upbeat', 'intense'],
  ['calm', 'gentle', 'soft', 'mellow', 'chill', 'meditative'],
  ['dreamy', 'ethereal', 'ambient', 'hypnotic'],
  ['hypnotic', 'meditative', 'psychedelic'],
  ['sad', 'poignant', 'nostalgic', 'dark'],
  ['melancholic', 'nostalgic', 'sentimental', 'poignant', 'dark'],
  ['dark', 'mysterious', 'eerie', 'scary', 'suspenseful'],
  ['weird', 'psychedelic', 'eerie', 'playful'],
  ['intense', 'aggressive', 'harsh', 'chaotic', 'dramatic'],
  ['epic', 'dramatic', 'intense', 'cinematic'],
];

/** Ordered from one end to the other: only neighbours are siblings. */
const SCALES: readonly (readonly string[])[] = [['slow', 'medium tempo', 'fast']];

const SIBLINGS: readonly (readonly number[])[] = CONCEPTS.map(({ index, includes, includedIn }) => {
  const indexOf = (name: string): number => {
    const concept = findConcept(name);
    if (!concept) throw new Error(`siblings.ts names "${name}", which is not in the concept list`);
    return concept.index;
  };
  const families = FAMILIES.map((family) => family.map(indexOf)).filter((family) => family.includes(index));
  const neighbours = SCALES.map((scale) => scale.map(indexOf)).flatMap((scale) => {
    const place = scale.indexOf(index);
    return place < 0 ? [] : scale.filter((_concept, other) => Math.abs(other - place) === 1);
  });
  // Under the narrowest broader concept: an acoustic drum kit's siblings are drums, not all percussion.
  const parents = includedIn.filter(
    (broader) => !includedIn.some((other) => CONCEPTS[other]!.includedIn.includes(broader)),
  );
  const children = parents.flatMap((parent) => CONCEPTS[parent]!.includes);
  const related = new Set([index, ...includes, ...includedIn]);
  return [...new Set([...neighbours, ...children, ...families.flat()])]
    .filter((concept) => !related.has(concept))
    .sort((a, b) => a - b);
});

/** Indices of a concept's nearest siblings, ascending; every concept has some. */
export function siblingsOf(concept: number): readonly number[] {
  return SIBLINGS[concept]!;
}
