import { join } from 'node:path';
import { carriedConcepts, findConcept } from '../../src/concepts/concepts';
import { Random } from '../../src/concepts/random';
import type { SoundFontEngine } from '../../src/inference/soundfont/engine';
import { attribute, randomList, renderAll, type Clip } from './clips';
import { runTraining } from './training';

/** Whether clips serve as data of a probe: a linear one on simple statistics of sound, see `training/probe.py`. */
const PAIRS = 100;
const SECONDS = 5;
/** What has the concept, and what stands in its place in the counterfactual; null: nothing. */
const CONCEPTS: readonly { concept: string; has: string; instead: string | null }[] = [
  { concept: 'piano', has: 'piano', instead: null },
  { concept: 'violin', has: 'violin', instead: null },
  { concept: 'flute', has: 'flute', instead: null },
  { concept: 'acoustic guitar', has: 'acoustic guitar', instead: null },
  { concept: 'drums', has: 'drums', instead: null },
  { concept: 'female vocals', has: 'female voice', instead: null },
  { concept: 'slow', has: 'slow tempo', instead: 'fast tempo' },
  { concept: 'fast', has: 'fast tempo', instead: 'medium tempo' },
  { concept: 'sad', has: 'sad', instead: 'happy' },
  { concept: 'energetic', has: 'energetic', instead: null },
];

export async function measureProbe(engine: SoundFontEngine, folder: string, python: string): Promise<string[]> {
  const lines = ['| concept | against random negatives | against counterfactuals |', '| --- | --- | --- |'];
  for (const { concept, has, instead } of CONCEPTS) {
    const random = new Random(3);
    const isOf = (one: number) => carriedConcepts([one]).includes(findConcept(concept)!.index);
    const others = () => randomList(random, [], { genre: 1, instrument: 3 }, isOf);
    const clips: Clip[] = [];
    for (let i = 0; i < PAIRS; i++) {
      const base = others();
      const withIt = sorted([...base, attribute(has)]);
      const without = instead === null ? base : sorted([...base, attribute(instead)]);
      clips.push(
        { attributes: withIt, seed: i, durationSeconds: SECONDS },
        { attributes: without, seed: i, durationSeconds: SECONDS, texture: engine.score.textureOf(withIt) },
        { attributes: others(), seed: PAIRS + i, durationSeconds: SECONDS },
      );
    }
    const paths = await render(engine, clips, folder);
    const pairs = Array.from({ length: PAIRS }, (_pair, i) => i);
    const task = (name: string, place: number) => ({
      name,
      clips: pairs.flatMap((i) => [3 * i, 3 * i + place]),
      labels: pairs.flatMap(() => [1, 0]),
      groups: pairs.flatMap((i) => [i, i]),
    });
    const found = await probe(python, { clips: paths, tasks: [task('counterfactual', 1), task('random', 2)] });
    lines.push(`| ${concept} | ${found.random!.toFixed(3)} | ${found.counterfactual!.toFixed(3)} |`);
  }
  lines.push(`| control: what neither side has | ${(await control(engine, folder, python)).toFixed(3)} | |`);
  return lines;
}

/** Two clips of one list without any difference but the seed; which of them is called positive, a coin decides. */
async function control(engine: SoundFontEngine, folder: string, python: string): Promise<number> {
  const random = new Random(4);
  const clips: Clip[] = [];
  for (let i = 0; i < PAIRS; i++) {
    const attributes = randomList(random, [], { genre: 1, instrument: 3 });
    for (const seed of [i, PAIRS + i]) clips.push({ attributes, seed, durationSeconds: SECONDS });
  }
  const paths = await render(engine, clips, folder);
  const coins = Array.from({ length: PAIRS }, () => random.below(2));
  const { control: found } = await probe(python, {
    clips: paths,
    tasks: [
      {
        name: 'control',
        clips: clips.map((_clip, i) => i),
        labels: coins.flatMap((coin) => [coin, 1 - coin]),
        groups: clips.map((_clip, i) => Math.floor(i / 2)),
      },
    ],
  });
  return found!;
}

async function render(engine: SoundFontEngine, clips: readonly Clip[], folder: string): Promise<string[]> {
  const paths = clips.map((_clip, i) => join(folder, `probe-${i}.wav`));
  await renderAll(engine, clips, (i) => paths[i]!);
  return paths;
}

function probe(python: string, job: object): Promise<Record<string, number>> {
  return runTraining<Record<string, number>>(python, 'probe.py', job);
}

function sorted(list: readonly number[]): number[] {
  return [...list].sort((a, b) => a - b);
}
