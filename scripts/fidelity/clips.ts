import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { contradict } from '../../src/concepts/concepts';
import { type Random } from '../../src/concepts/random';
import { ATTRIBUTES, findAttribute, type Category } from '../../src/concepts/taxonomy';
import { UNSUPPORTED_ATTRIBUTES } from '../../src/inference/soundfont/attribute-table';
import type { SoundFontEngine } from '../../src/inference/soundfont/engine';
import type { Texture } from '../../src/inference/stages';

/** What is rendered to be measured: attribute lists by seed, and their clips as files. */
export interface Clip {
  readonly attributes: readonly number[];
  readonly seed: number;
  readonly durationSeconds: number;
  /** Of a counterfactual: its original's. */
  readonly texture?: Texture;
}

const UNSUPPORTED = new Set(UNSUPPORTED_ATTRIBUTES.map(({ attribute }) => findAttribute(attribute)!.index));

export function attribute(name: string): number {
  const found = findAttribute(name);
  if (!found) throw new Error(`there is no attribute "${name}"`);
  return found.index;
}

export function pick<T>(list: readonly T[], random: Random): T {
  return list[random.below(list.length)]!;
}

/** The given attributes and some of each category, none of which contradicts another or is excluded. */
export function randomList(
  random: Random,
  given: readonly number[],
  counts: Readonly<Partial<Record<Category, number>>>,
  isExcluded: (attribute: number) => boolean = () => false,
): number[] {
  const list = [...given];
  for (const [category, count] of Object.entries(counts)) {
    const candidates = ATTRIBUTES.filter((one) => one.category === category).map(({ index }) => index);
    for (let i = 0; i < count; i++) {
      const one = pick(candidates, random);
      if (UNSUPPORTED.has(one) || isExcluded(one) || list.includes(one)) continue;
      if (!list.some((other) => contradict(one, other))) list.push(one);
    }
  }
  return list.sort((a, b) => a - b);
}

/** Renders clips into files, as many at once as there are cores, in the order given. */
export async function renderAll(
  engine: SoundFontEngine,
  clips: readonly Clip[],
  pathOf: (i: number) => string,
): Promise<void> {
  const { signal } = new AbortController();
  let next = 0;
  const lanes = Array.from({ length: availableParallelism() }, async () => {
    while (next < clips.length) {
      const i = next++;
      const { wav } = await engine.render(
        { texture: null, caption: '', ...clips[i]! },
        { signal, onProgress: () => undefined },
      );
      await writeFile(pathOf(i), wav);
    }
  });
  await Promise.all(lanes);
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
