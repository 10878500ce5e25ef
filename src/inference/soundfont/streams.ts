import { Random } from '../../concepts/random';
import { mix } from '../../concepts/seeded-order';

/**
 * Random numbers of a decision's own: keyed by the seed and the decision's name, so that no decision shifts another.
 * What two plans decide under the same name they decide alike, whatever else differs between them.
 */
export function stream(seed: number, ...names: readonly (string | number)[]): Random {
  let hash = 0x811c9dc5; // FNV-1a
  for (const character of names.join('/')) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return new Random(mix(hash, seed));
}

export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)]!;
}

/** True in so many of a hundred cases. */
export function chance(random: Random, percent: number): boolean {
  return random.below(100) < percent;
}
